"""Transcripts, kept in revisions: a new one never changes an old one. Knows no recogniser."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from knowledge.database import storable_text, utc_now
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.segment import Segment, Word
from knowledge.transcripts.tables import SegmentRow, TranscriptRow


def save_transcript(session: Session, recording_id: str, source: str, segments: Iterable[Segment]) -> int:
    """Keep a recording's segments as its next revision, whose number is returned.

    `source`: who wrote it down (a recogniser's name, `subtitle`, `person`).
    """
    revision = _next_revision(session, recording_id)
    key = {"recording_id": recording_id, "revision": revision}
    session.execute(insert(TranscriptRow).values(**key, source=source, created_at=utc_now()))
    rows = [{**key, "ordinal": ordinal, **_columns(segment)} for ordinal, segment in enumerate(segments)]
    if rows:
        session.execute(insert(SegmentRow), rows)
    return revision


def segments_of(
    session: Session, recording_id: str, revision: int, *, first: int = 0, last: int | None = None
) -> list[Segment]:
    """The segments of a revision in order, or those with ordinals `first` to `last` inclusive."""
    query = (
        select(SegmentRow)
        .where(SegmentRow.recording_id == recording_id, SegmentRow.revision == revision)
        .where(SegmentRow.ordinal >= first)
        .order_by(SegmentRow.ordinal)
    )
    if last is not None:
        query = query.where(SegmentRow.ordinal <= last)
    return [_as_segment(row) for row in session.scalars(query)]


def searchable_texts(session: Session, recording_id: str, revision: int) -> Iterator[str]:
    """What is said in the segments that are searched, in order, without their words' times, which take many times the
    room. Nothing is read before the first is asked for."""
    query = (
        select(SegmentRow.text)
        .where(SegmentRow.recording_id == recording_id, SegmentRow.revision == revision)
        .where(SegmentRow.invented.is_(False))
        .order_by(SegmentRow.ordinal)
    )
    for text in session.scalars(query):
        if text.strip():
            yield text


def segments_between(session: Session, recording_id: str, revision: int, start_s: float, end_s: float) -> list[Segment]:
    """The segments of a revision that reach into a stretch of time, in order."""
    query = (
        select(SegmentRow)
        .where(SegmentRow.recording_id == recording_id, SegmentRow.revision == revision)
        .where(SegmentRow.end_s >= start_s, SegmentRow.start_s <= end_s)
        .order_by(SegmentRow.ordinal)
    )
    return [_as_segment(row) for row in session.scalars(query)]


def count_segments(session: Session, recording_id: str, revision: int) -> int:
    query = select(func.count()).where(SegmentRow.recording_id == recording_id, SegmentRow.revision == revision)
    return session.scalar(query) or 0


def latest_revision(session: Session, recording_id: str) -> int | None:
    """The newest revision, published or not."""
    return session.scalar(select(func.max(TranscriptRow.revision)).where(TranscriptRow.recording_id == recording_id))


def source_of(session: Session, recording_id: str, revision: int) -> str | None:
    row = session.get(TranscriptRow, (recording_id, revision))
    return None if row is None else row.source


def _next_revision(session: Session, recording_id: str) -> int:
    """Writers of one recording queue at its row, so that no number is drawn twice."""
    session.execute(select(RecordingRow.id).where(RecordingRow.id == recording_id).with_for_update())
    return (latest_revision(session, recording_id) or 0) + 1


def _columns(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": segment.start_s,
        "end_s": segment.end_s,
        "text": storable_text(segment.text),
        "language": segment.language,
        "time_source": segment.time_source,
        "words": _word_rows(segment.words),
        "hard_to_hear": segment.hard_to_hear,
        "invented": segment.invented,
    }


def _word_rows(words: Sequence[Word]) -> list[list[Any]] | None:
    rows = [[word.start_s, word.end_s, storable_text(word.text), word.probability] for word in words]
    return rows or None


def _as_segment(row: SegmentRow) -> Segment:
    return Segment(
        start_s=row.start_s,
        end_s=row.end_s,
        text=row.text,
        language=row.language,
        time_source=row.time_source,
        words=tuple(Word(*word) for word in row.words or ()),
        hard_to_hear=row.hard_to_hear,
        invented=row.invented,
    )
