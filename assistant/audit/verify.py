"""What somebody did to the log: pure, over the rows as they are now and the signed statements of what they were.

Goes through the rows once, oldest first, and keeps none of them. A careless change breaks the chain itself; whoever
makes the chain anew behind it is found by the first statement about a row that he changed.
"""

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.audit.chain import GENESIS, Row, hash_of, read_time, time_text
from assistant.audit.statement import SignedLines, Statement, StatementKind

CLOCKS_MAY_DIFFER = dt.timedelta(seconds=60)
"""Between the database's clock, which rows have, and that of the host that signs."""
CLOCK_MAY_SLIP = dt.timedelta(seconds=2)
"""By as much time servers put a clock right without anybody's doing."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Fault(StrEnum):
    EDITED = "edited"
    """The row is not what was hashed."""
    MISSING = "missing"
    """Rows are gone, and no signed statement says that retention took them."""
    BROKEN = "broken-chain"
    """The row does not follow the one before it."""
    TRUNCATED = "truncated"
    """The log ends before a row that was signed."""
    REWRITTEN = "rewritten"
    """The chain holds, but the row is not the one that was signed: all was made anew since."""
    SET_BACK = "clock-set-back"
    """The row is earlier than one before it."""
    UNTIMELY = "time-against-checkpoint"
    """The row's time cannot be, going by when a statement was signed."""
    FORGED = "checkpoint-forged"
    """A line among the statements that no trusted key signed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`seq`: the row where it shows; for a forged statement its line in the file."""

    seq: int
    fault: Fault
    detail: str

    def __str__(self) -> str:
        what = "checkpoint line" if self.fault is Fault.FORGED else "row"
        return f"{what} {self.seq}: {self.fault.value}: {self.detail}"


def forgeries(signed: SignedLines) -> list[Finding]:
    return [Finding(line, Fault.FORGED, why) for line, why in signed.forged]


def verify(rows: Iterable[Row], statements: Iterable[Statement], *, first: int = 1) -> Iterator[Finding]:
    """Everything that is wrong, in the rows' order; nothing where nobody touched them.

    `rows`: by rising number, from `first` on; where that is not 1 what came before is believed. `statements`: those
    of the right signature, in any order.
    """
    standing = _standing(statements)
    yield from _signing_clock(standing)
    walk = _Walk(standing, first)
    for row in rows:
        yield from walk.step(row)
    yield from walk.end()


def _standing(statements: Iterable[Statement]) -> list[Statement]:
    """Those that still hold, by row: a restored backup ends what was said before of later rows."""
    known = sorted(set(statements), key=lambda each: (each.seq, each.at, each.kind, each.hash))
    restored = [each for each in known if each.kind is StatementKind.RESTORED]
    return [each for each in known if not any(each.seq > put.seq and each.at < put.at for put in restored)]


def _signing_clock(standing: Sequence[Statement]) -> Iterator[Finding]:
    """The log only grows: of two rows that were signed as the last, the later one was signed later."""
    newest: Statement | None = None
    for each in standing:
        if each.kind is StatementKind.PRUNED:
            continue
        if newest is not None and each.at < newest.at - CLOCKS_MAY_DIFFER:
            detail = f"signed at {time_text(each.at)}, but row {newest.seq} before it at {time_text(newest.at)}"
            yield Finding(each.seq, Fault.SET_BACK, detail)
        newest = each


class _Walk:
    """Where a verification stands. `_before`: the last row's hash, None where it cannot be known."""

    def __init__(self, standing: Sequence[Statement], first: int) -> None:
        self._standing = standing
        self._seqs = [each.seq for each in standing]
        self._not_after = _not_after(standing)
        self._not_before = ""
        self._not_before_seq = 0
        self._told_of = -1
        self._at = bisect_left(self._seqs, first)
        self._whole = first == 1
        self._next = first
        self._before = GENESIS if first == 1 else None
        self._newest = ""

    def step(self, row: Row) -> Iterator[Finding]:
        if row.seq != self._next:
            yield from self._gap(row)
        elif self._before is not None and row.previous != self._before:
            detail = f"it follows a row with hash {row.previous:.12}…, but row {row.seq - 1} has {self._before:.12}…"
            yield Finding(row.seq, Fault.BROKEN, detail)
        if hash_of(row) != row.hash:
            yield Finding(row.seq, Fault.EDITED, "it is not what was hashed when it was written")
        yield from self._time(row)
        yield from self._signed(row)
        self._before, self._next, self._whole = row.hash, row.seq + 1, False

    def end(self) -> Iterator[Finding]:
        """What was signed beyond the last row, said once, of the furthest."""
        beyond = self._standing[bisect_left(self._seqs, self._next) :]
        if beyond:
            furthest, last = beyond[-1], self._next - 1
            detail = f"the log ends with row {last}, but at {time_text(furthest.at)} row {furthest.seq} was signed"
            yield Finding(last, Fault.TRUNCATED, detail)

    def _gap(self, row: Row) -> Iterator[Finding]:
        if row.seq < self._next:
            yield Finding(row.seq, Fault.BROKEN, f"it stands where row {self._next} should")
        elif not (self._whole and self._was_pruned(row)):
            gone = f"row {self._next}" if row.seq == self._next + 1 else f"rows {self._next} to {row.seq - 1}"
            way = "; no signed statement says that retention took them" if self._whole else ""
            yield Finding(self._next, Fault.MISSING, f"{gone} gone before row {row.seq}{way}")
        self._skip_to(row.seq)

    def _was_pruned(self, row: Row) -> bool:
        """At the log's beginning alone: retention takes the oldest."""
        return any(
            each.kind is StatementKind.PRUNED and each.seq == row.seq - 1 and each.hash == row.previous
            for each in self._standing
        )

    def _skip_to(self, seq: int) -> None:
        while self._at < len(self._standing) and self._standing[self._at].seq < seq:
            self._pass()

    def _signed(self, row: Row) -> Iterator[Finding]:
        while self._at < len(self._standing) and self._standing[self._at].seq <= row.seq:
            statement = self._standing[self._at]
            if statement.seq == row.seq and statement.hash != row.hash:
                detail = f"at {time_text(statement.at)} another row was signed under this number"
                yield Finding(row.seq, Fault.REWRITTEN, detail)
            self._pass()

    def _pass(self) -> None:
        """Rows after one that was signed as the last cannot be earlier than that. (Retention signs an old row.)"""
        statement = self._standing[self._at]
        if statement.kind is not StatementKind.PRUNED:
            earliest = time_text(statement.at - CLOCKS_MAY_DIFFER)
            if earliest > self._not_before:
                self._not_before, self._not_before_seq = earliest, statement.seq
        self._at += 1

    def _time(self, row: Row) -> Iterator[Finding]:
        """Times are compared as texts, which sort as they read."""
        if not _TIME.fullmatch(row.at):
            yield Finding(row.seq, Fault.EDITED, f"its time is none: {row.at[:40]!r}")
            return
        if row.at >= self._newest:
            self._newest = row.at
        elif _earlier(row.at, self._newest) > CLOCK_MAY_SLIP:
            yield Finding(row.seq, Fault.SET_BACK, f"written at {row.at}, after one of {self._newest}")
            self._newest = row.at
        yield from self._against_statements(row)

    def _against_statements(self, row: Row) -> Iterator[Finding]:
        """Said once between two statements: where a clock was wrong it was for many rows."""
        if self._told_of == self._at:
            return
        if self._at < len(self._not_after) and row.at > self._not_after[self._at]:
            yield Finding(row.seq, Fault.UNTIMELY, f"written at {row.at}, which is after it was signed")
            self._told_of = self._at
        elif row.at < self._not_before:
            detail = f"written at {row.at}, though row {self._not_before_seq} before it was signed later than that"
            yield Finding(row.seq, Fault.UNTIMELY, detail)
            self._told_of = self._at


def _not_after(standing: Sequence[Statement]) -> list[str]:
    """For each statement, the latest that rows up to it may be: none is later than any signature behind it."""
    latest: list[str] = []
    for each in reversed(standing):
        bound = time_text(each.at + CLOCKS_MAY_DIFFER)
        latest.append(min(bound, latest[-1]) if latest else bound)
    return latest[::-1]


def _earlier(one: str, other: str) -> dt.timedelta:
    earlier, later = read_time(one), read_time(other)
    if earlier is None or later is None:  # the right form, but no day of the calendar
        return dt.timedelta.max
    return later - earlier
