"""The list of what was deleted for good: a kind, an opaque id and a time a line, appended and never shortened.

Written before the deletion itself: whoever is killed in between has said what was wanted, and the next round, or the
restoring of an older backup, does it. So a line may stand there twice, and what it names may still be there a moment.
Knows no table: a list may be older or newer than any database, and lies beside backups, too.
"""

import errno
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from assistant.errors import DiskFull
from knowledge.database import utc_now
from knowledge.durable_files import add_lines

OWN_NAME = "deletions.jsonl"
BESIDE_NAME = "earmark-deletions.jsonl"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids become names of folders: nothing of a list that somebody edited leads elsewhere."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOG = structlog.get_logger()


class DeletionKind(StrEnum):
    RECORDING = "recording"
    QUESTION = "question"
    PERSON = "person"
    LEARNING = "learning"
    """All of somebody's own learning, a bookmark or a recall card."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """`at`: RFC 3339, when it was wanted."""

    kind: DeletionKind
    id: str
    at: str

    def as_line(self) -> str:
        return json.dumps({"kind": self.kind.value, "id": self.id, "at": self.at})


def own_list(home: Path) -> Path:
    """The list of a home. Restoring a backup leaves it where it is."""
    return home / OWN_NAME


def list_beside(folder: Path) -> Path:
    """The list that lies with backups."""
    return folder / BESIDE_NAME


def note_deletion(home: Path, kind: DeletionKind, ids: Iterable[str], *, beside: Path | None = None) -> None:
    """On the disk when this returns: call it before the deletion, inside or outside its transaction.

    `beside`: a folder whose list gets it at once, too; where that cannot be written a worker brings it there later.
    Raises DiskFull, OSError where the home's own list cannot be written: then nothing may be deleted either.
    """
    at = utc_now().isoformat(timespec="seconds")
    fresh = [Deletion(kind, each, at) for each in ids]
    try:
        _append(own_list(home), fresh)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(
                "the disk is full: what is deleted could not be noted, so nothing was", "free some disk"
            ) from error
        raise
    if beside is not None:
        try:
            _append(list_beside(beside), fresh)
        except OSError as error:
            _LOG.warning("deletions beside the backups put off", reason=str(error))


def read_deletions(path: Path) -> list[Deletion]:
    """Each once, in the order they were noted; a line that was cut short is left out. None where there is no list."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: dict[tuple[DeletionKind, str], Deletion] = {}
    for line in lines:
        deletion = _deletion(line)
        if deletion is not None:
            found.setdefault((deletion.kind, deletion.id), deletion)
    return list(found.values())


def merge_deletions(source: Path, target: Path) -> int:
    """Bring what one list names and another does not into that one; how many. Raises OSError."""
    known = {(each.kind, each.id) for each in read_deletions(target)}
    fresh = [each for each in read_deletions(source) if (each.kind, each.id) not in known]
    _append(target, fresh)
    return len(fresh)


def _deletion(line: str) -> Deletion | None:
    try:
        told = json.loads(line)
        found = Deletion(DeletionKind(told["kind"]), str(told["id"]), str(told["at"]))
    except (ValueError, KeyError, TypeError):
        return None
    return found if _ID.fullmatch(found.id) else None


def _append(path: Path, deletions: list[Deletion]) -> None:
    if deletions:
        add_lines(path, "".join(f"{each.as_line()}\n" for each in deletions).encode())
