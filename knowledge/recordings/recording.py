"""The values of courses and recordings, and when two names are the same. Knows no database."""

import datetime as dt
import unicodedata
from dataclasses import dataclass

from knowledge.recordings.tables import RecordingState


def name_key(name: str) -> str:
    """What two names of one course share: NFC, trimmed, case-folded."""
    folded = unicodedata.normalize("NFC", name).strip().casefold()
    return unicodedata.normalize("NFC", folded)


@dataclass(frozen=True, slots=True)
class Course:
    """`language`: what is spoken in it, None to be found out. `itn`: whether numbers are written as figures."""

    id: str
    name: str
    created_at: dt.datetime
    language: str | None = None
    itn: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio or video file. Paths are relative to the home folder.

    `language`: told by a person. `heard_share`: of the seconds of speech, those whose stretch gave words, 0 to 1.
    `revision`: the transcript that is published, None before the first.
    """

    id: str
    course_id: str
    name: str
    title: str
    state: RecordingState
    content_sha256: str
    size_bytes: int
    original_path: str
    playable_path: str | None
    has_picture: bool
    language: str | None
    duration_s: float | None
    speech_s: float | None
    heard_share: float | None
    recogniser: str | None
    note: str | None
    revision: int | None
    created_at: dt.datetime
    published_at: dt.datetime | None
    removed_at: dt.datetime | None
