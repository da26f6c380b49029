"""The voices of questions, where the company keeps them: a file each, named by the question, readable by nobody else.

Written after it was heard, and only where a setting says so; gone with its question, or by age.
"""

import datetime as dt
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.forgetting.keeping import due_before
from assistant.questions import log
from knowledge.database import Database

FOLDER = "questions"
_PARTIAL = ".part"
_UNKNOWN = "sound"
_OPENINGS = ((0, b"RIFF", "wav"), (0, b"\x1aE\xdf\xa3", "webm"), (0, b"OggS", "ogg"), (0, b"fLaC", "flac"))
_OTHER_OPENINGS = ((4, b"ftyp", "m4a"), (0, b"ID3", "mp3"), (0, b"\xff\xfb", "mp3"))
TYPES = {
    "wav": "audio/wav",
    "webm": "audio/webm",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    _UNKNOWN: "application/octet-stream",
}
"""Media types by suffix. What the sound is, its first bytes say: what a browser called it becomes no path."""


@dataclass(frozen=True, slots=True)
class KeptSound:
    path: Path
    media_type: str
    kept_at: dt.datetime


def sounds_folder(home: Path) -> Path:
    return home / FOLDER


def keep_sound(home: Path, question_id: str, sound: bytes) -> None:
    """Whole or not at all."""
    folder = sounds_folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{question_id}.{_suffix(sound)}"
    partial = target.with_name(target.name + _PARTIAL)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(sound)
        partial.rename(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def sound_of(home: Path, question_id: str) -> KeptSound | None:
    """`question_id`: one that the log has, never what an address says."""
    for suffix, media_type in TYPES.items():
        path = sounds_folder(home) / f"{question_id}.{suffix}"
        if path.is_file():
            return KeptSound(path, media_type, dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC))
    return None


def forget_sounds(home: Path, question_ids: Iterable[str]) -> None:
    for question_id in question_ids:
        for suffix in TYPES:
            (sounds_folder(home) / f"{question_id}.{suffix}").unlink(missing_ok=True)


def sweep_sounds(database: Database, home: Path, *, days: int, now: dt.datetime) -> int:
    """Drop what is older than `days`, all where that is 0, and what belongs to no question. How many were dropped."""
    since = due_before(days, now)
    dropped = forget_stray_sounds(database, home)
    for path in _there(home):
        if since is None or path.stat().st_mtime < since.timestamp():
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped


def forget_stray_sounds(database: Database, home: Path) -> int:
    """Drop what belongs to no question. How many were dropped."""
    # Listed before the database is asked: a question is in the log before its sound is here.
    there = _there(home)
    with database.read() as session:
        known = log.known_ids(session, [_question_of(path) for path in there])
    strays = [path for path in there if _question_of(path) not in known]
    for path in strays:
        path.unlink(missing_ok=True)
    return len(strays)


def _there(home: Path) -> list[Path]:
    folder = sounds_folder(home)
    return list(folder.iterdir()) if folder.is_dir() else []


def _question_of(path: Path) -> str:
    return path.name.partition(".")[0]


def _suffix(sound: bytes) -> str:
    for at, opening, suffix in (*_OPENINGS, *_OTHER_OPENINGS):
        if sound[at : at + len(opening)] == opening:
            return suffix
    return _UNKNOWN
