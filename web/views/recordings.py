"""A recording as it is listed, and as it is played with its transcript beside it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.database import Database
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState
from web.views.transcript import Span, TranscriptView, lines_of, whole, window

BEFORE_S = 90.0
AFTER_S = 420.0


@dataclass(frozen=True, slots=True)
class RecordingView:
    """`note`: how its script was used, what was left out, for whoever looks after it."""

    id: str
    name: str
    title: str
    course_id: str
    course: str
    state: RecordingState
    duration_s: float | None
    speech_s: float | None
    heard_share: float | None
    language: str | None
    has_picture: bool
    is_playable: bool
    recogniser: str | None
    note: str | None
    created_at: dt.datetime
    published_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PlayerView:
    """`start_s`: where it opens, None for the beginning without playing."""

    recording_id: str
    title: str
    has_picture: bool
    duration_s: float | None
    start_s: float | None
    transcript: TranscriptView


def recording_view(recording: Recording, courses: Mapping[str, str]) -> RecordingView:
    return RecordingView(
        id=recording.id,
        name=recording.name,
        title=recording.title,
        course_id=recording.course_id,
        course=courses.get(recording.course_id, ""),
        state=recording.state,
        duration_s=recording.duration_s,
        speech_s=recording.speech_s,
        heard_share=recording.heard_share,
        language=recording.language,
        has_picture=recording.has_picture,
        is_playable=recording.playable_path is not None,
        recogniser=recording.recogniser,
        note=recording.note,
        created_at=recording.created_at,
        published_at=recording.published_at,
    )


def player_view(database: Database, recording: Recording, *, span: Span) -> PlayerView:
    """Beside an answer: opens at its first second, with the lines around it."""
    return _player(recording, span.start_s, transcript_window(database, recording, around_s=span.start_s, span=span))


def whole_player_view(database: Database, recording: Recording, *, start_s: float | None) -> PlayerView:
    """On the recording's own page: all lines."""
    lines = () if recording.revision is None else lines_of(database, recording.id, recording.revision)
    return _player(recording, start_s, whole(recording.id, lines))


def transcript_window(
    database: Database, recording: Recording, *, around_s: float, span: Span | None
) -> TranscriptView:
    if recording.revision is None:
        return TranscriptView(recording.id, ())
    lines = lines_of(database, recording.id, recording.revision)
    return window(recording.id, lines, around_s=around_s, before_s=BEFORE_S, after_s=AFTER_S, span=span)


def _player(recording: Recording, start_s: float | None, transcript: TranscriptView) -> PlayerView:
    if start_s is not None and recording.duration_s is not None:
        start_s = min(start_s, recording.duration_s)
    return PlayerView(recording.id, recording.title, recording.has_picture, recording.duration_s, start_s, transcript)
