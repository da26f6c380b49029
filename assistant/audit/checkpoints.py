"""The book of signed statements, a file outside the database, and what is written into it: checkpoints, mostly.

Lines are only ever added, each fsynced. The file may lie anywhere: on another disk, on a share that this machine can
add to and not rewrite.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from assistant.audit.log import head
from assistant.audit.reading import rows_from
from assistant.audit.signing_key import signing_key, trusted_keys
from assistant.audit.statement import SignedLines, Statement, StatementKind, read_signed, sign
from assistant.audit.verify import Finding, forgeries, verify
from assistant.errors import Busy
from knowledge.database import Database
from knowledge.durable_files import add_lines
from knowledge.file_lock import file_lock

FILE_NAME = "checkpoints.jsonl"
_TAIL_BYTES = 1 << 16
_LOCK_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class CheckpointBook:
    """Where a home keeps its key and its statements. `file`: HOME/audit/checkpoints.jsonl unless a setting says so."""

    home: Path
    file: Path

    @property
    def key_folder(self) -> Path:
        return self.home / "keys"

    def trusted(self) -> list[Ed25519PublicKey]:
        """Raises UnusableKey."""
        return trusted_keys(self.key_folder)

    def add(self, statement: Statement) -> None:
        """Sign and keep a statement: it is on the disk when this returns. Raises UnusableKey, Busy, OSError."""
        line = sign(statement, signing_key(self.key_folder)).encode("ascii") + b"\n"
        with file_lock(self.home / "run" / "audit.lock", wait_s=_LOCK_WAIT_S) as had:
            if not had:
                raise Busy("another process is writing an audit checkpoint", "wait until it is through")
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            add_lines(self.file, line, follow_link=True)

    def lines(self) -> Iterator[str]:
        """Nothing where the file is not there yet."""
        if self.file.exists():
            with self.file.open(encoding="utf-8", errors="replace") as lines:
                yield from lines

    def signed(self) -> SignedLines:
        return read_signed(self.lines(), self.trusted())

    def newest(self) -> list[Statement]:
        """The last statements, oldest first: as many as stand in the file's last 64 KB."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as source:
            source.seek(max(0, self.file.stat().st_size - _TAIL_BYTES))
            lines = source.read().decode("utf-8", "replace").splitlines()
        return list(read_signed(lines, self.trusted()).statements)


def make_checkpoint(database: Database, book: CheckpointBook, *, now: dt.datetime) -> Statement | None:
    """Say where the log stands; None for an empty log, and where that was said already.

    Says it of a log that somebody bent too: what was signed before still tells, and what comes after is held.
    """
    with database.read() as session:
        standing = head(session)
    last = last_sight(book.newest())
    if standing.seq == 0 or (last is not None and last.head == standing):
        return None
    statement = Statement(StatementKind.CHECKPOINT, standing.seq, standing.hash, now)
    book.add(statement)
    return statement


def mark_restored(database: Database, book: CheckpointBook, *, now: dt.datetime) -> Statement | None:
    """Say that a backup was put back, where statements were made of rows that are not in it; None where none were."""
    with database.read() as session:
        standing = head(session)
    if not any(each.seq >= standing.seq and each.head != standing for each in book.signed().statements):
        return None
    statement = Statement(StatementKind.RESTORED, standing.seq, standing.hash, now)
    book.add(statement)
    return statement


def check_all(
    database: Database,
    book: CheckpointBook,
    *,
    keys: Sequence[Ed25519PublicKey] | None = None,
    first: int = 1,
) -> Iterator[Finding]:
    """Every finding of the log against every statement, in flat memory; `keys`: other ones to trust.

    Statements are read before the rows, so that none speaks of a row that came later; and what retention signed is
    read again after, so that none is missing.
    """
    trusted = book.trusted() if keys is None else list(keys)
    signed = read_signed(book.lines(), trusted)
    yield from forgeries(signed)
    with database.read() as session:
        head(session)  # from here on the session sees one state
        ends = (line for line in book.lines() if f'"{StatementKind.PRUNED}"' in line)  # a signature takes its time
        pruned = read_signed(ends, trusted).statements
        yield from verify(rows_from(session, first), [*signed.statements, *pruned], first=first)


def check_newest(database: Database, book: CheckpointBook, *, sights: int = 1) -> list[Finding]:
    """Findings since so many statements before the last, those rows among it: cheap enough for every few minutes."""
    statements = book.newest()
    seen = [each.seq for each in statements if each.kind is not StatementKind.PRUNED]
    if not seen:
        return list(check_all(database, book))
    pruned = (each.seq for each in statements if each.kind is StatementKind.PRUNED)
    first = max(min(seen[-sights:]), 1 + max(pruned, default=0))
    with database.read() as session:
        return list(verify(rows_from(session, first), statements, first=first))


def last_sight(statements: Sequence[Statement]) -> Statement | None:
    """The last statement of how the log ended."""
    sights = [each for each in statements if each.kind is not StatementKind.PRUNED]
    return sights[-1] if sights else None
