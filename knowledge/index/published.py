"""What an index reads from the database: published recordings with their passages and vectors, and changes."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from knowledge.database import slices
from knowledge.index.view import PassageTokens
from knowledge.passages.store import is_published
from knowledge.passages.tables import ChangeRow, PassageRow, VectorRow
from knowledge.recordings.tables import RecordingRow

Analyse = Callable[[str, str], PassageTokens]
"""Text and its language to tokens, which hold no white space."""

_ROWS_AT_ONCE = 2000

_Line = tuple[str, str, str, str, str, bytes | None]
"""recording, course, passage, text, language, vector"""


@dataclass(frozen=True, slots=True)
class PublishedRecording:
    """A recording as it is found now, its passages in order; `vectors` as stored, None where there is none."""

    recording_id: str
    course_id: str
    passage_ids: tuple[str, ...]
    tokens: tuple[PassageTokens, ...]
    vectors: tuple[bytes | None, ...]


def published_recordings(
    session: Session, recording_ids: Collection[str] | None, *, digest: str | None, analyse: Analyse
) -> Iterator[PublishedRecording]:
    """Those of the given recordings, or all, that are published; with vectors of this embedder."""
    groups = [None] if recording_ids is None else list(slices(sorted(recording_ids)))
    for some in groups:
        rows = session.execute(_lines(some, digest), execution_options={"yield_per": _ROWS_AT_ONCE})
        for (recording_id, course_id), lines in groupby(rows, key=lambda row: (row[0], row[1])):
            yield _recording(recording_id, course_id, list(lines), analyse)


def change_mark(session: Session, number: int) -> str:
    """Whose change this number is and when it was written; empty where there is none."""
    change = session.get(ChangeRow, number)
    return f"{change.recording_id} {change.kind} {change.at.isoformat()}" if change else ""


def best_digest(session: Session, wanted: str | None) -> str | None:
    """The embedder that has seen the most published passages: the wanted one as soon as it has seen as many."""
    query = (
        select(VectorRow.embedder_digest, func.count())
        .join(PassageRow, PassageRow.id == VectorRow.passage_id)
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .where(is_published())
        .group_by(VectorRow.embedder_digest)
    )
    counts = {digest: seen for digest, seen in session.execute(query).all()}  # noqa: C416  (typed so)
    return max(counts, key=lambda digest: (counts[digest], digest == wanted, digest), default=None)


def count_published(session: Session, recording_ids: Collection[str] | None = None) -> int:
    """Passages that can be found, of all recordings or of these."""
    query = (
        select(func.count())
        .select_from(PassageRow)
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .where(is_published())
    )
    if recording_ids is None:
        return session.scalar(query) or 0
    groups = slices(sorted(recording_ids))
    return sum(session.scalar(query.where(PassageRow.recording_id.in_(some))) or 0 for some in groups)


def _lines(recording_ids: Sequence[str] | None, digest: str | None) -> Select[str, str, str, str, str, bytes | None]:
    vector = and_(VectorRow.passage_id == PassageRow.id, VectorRow.embedder_digest == digest)
    query = (
        select(
            PassageRow.recording_id,
            RecordingRow.course_id,
            PassageRow.id,
            PassageRow.text,
            PassageRow.language,
            VectorRow.vector,
        )
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .outerjoin(VectorRow, vector)
        .where(is_published())
        .order_by(PassageRow.recording_id, PassageRow.ordinal)
    )
    return query if recording_ids is None else query.where(PassageRow.recording_id.in_(recording_ids))


def _recording(
    recording_id: str, course_id: str, lines: Sequence[Row[str, str, str, str, str, bytes | None]], analyse: Analyse
) -> PublishedRecording:
    return PublishedRecording(
        recording_id,
        course_id,
        tuple(line[2] for line in lines),
        tuple(analyse(line[3], line[4]) for line in lines),
        tuple(line[5] for line in lines),
    )
