"""What an index reads from the database: published recordings with their passages and vectors, and changes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from knowledge.database import slices
from knowledge.finding.languages import script_of
from knowledge.index.tokens import TokenStream, stream_of
from knowledge.index.view import PassageTokens, Place, TokenField
from knowledge.passages.store import STORED_VECTOR, is_published
from knowledge.passages.tables import ChangeRow, PassageRow, VectorRow
from knowledge.recordings.tables import RecordingRow, RecordingState

Analyse = Callable[[str, str], PassageTokens]
"""Text and its language to tokens, which hold no white space."""

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class PublishedRecording:
    """A recording as it is found now, its passages in order.

    `vectors`: float16, shape (len(vector_rows), dimensions), of the passages numbered by `vector_rows`; None where
    there are none.
    """

    recording_id: str
    course_id: str
    revision: int
    places: tuple[Place, ...]
    tokens: Mapping[TokenField, TokenStream]
    vector_rows: NDArray[np.int64]
    vectors: NDArray[np.float16] | None


def published_recordings(
    session: Session, recording_ids: Collection[str] | None, *, digest: str | None, analyse: Analyse
) -> Iterator[PublishedRecording]:
    """Those of the given recordings, or all, that are published; with vectors of this embedder."""
    groups = [None] if recording_ids is None else list(slices(sorted(recording_ids)))
    for some in groups:
        rows = session.execute(_lines(some, digest), execution_options={"yield_per": _ROWS_AT_ONCE})
        for _, lines in groupby(rows, key=lambda row: row[1]):
            yield _recording(list(lines), analyse)


def published_states(session: Session) -> dict[str, tuple[str, int | None]]:
    """Of each recording that can be found now its course and revision."""
    query = select(RecordingRow.id, RecordingRow.course_id, RecordingRow.revision)
    found = session.execute(query.where(RecordingRow.state == RecordingState.READY))
    return {recording_id: (course_id, revision) for recording_id, course_id, revision in found}


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


def _lines(recording_ids: Sequence[str] | None, digest: str | None) -> Select[*tuple[Any, ...]]:
    """Columns in the order of Place's fields up to the language; then text and vector."""
    vector = and_(VectorRow.passage_id == PassageRow.id, VectorRow.embedder_digest == digest)
    query = (
        select(
            PassageRow.id,
            PassageRow.recording_id,
            RecordingRow.course_id,
            PassageRow.revision,
            PassageRow.ordinal,
            PassageRow.first_segment,
            PassageRow.last_segment,
            PassageRow.start_s,
            PassageRow.end_s,
            PassageRow.language,
            PassageRow.text,
            VectorRow.vector,
        )
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .outerjoin(VectorRow, vector)
        .where(is_published())
        .order_by(PassageRow.recording_id, PassageRow.ordinal)
    )
    return query if recording_ids is None else query.where(PassageRow.recording_id.in_(recording_ids))


def _recording(lines: Sequence[Sequence[Any]], analyse: Analyse) -> PublishedRecording:
    places = tuple(_place(line) for line in lines)
    tokens = [analyse(line[10], place.language) for line, place in zip(lines, places, strict=True)]
    rows, vectors = _unpacked([line[11] for line in lines])
    return PublishedRecording(
        places[0].recording_id,
        places[0].course_id,
        places[0].revision,
        places,
        {field: stream_of(tokens, field) for field in TokenField},
        rows,
        vectors,
    )


def _place(line: Sequence[Any]) -> Place:
    *known, text, _ = line
    return Place(*(*known, script_of(text)))


def _unpacked(stored: Sequence[bytes | None]) -> tuple[NDArray[np.int64], NDArray[np.float16] | None]:
    """Which rows have a vector, and those vectors."""
    rows = np.array([row for row, vector in enumerate(stored) if vector is not None], dtype=np.int64)
    if not len(rows):
        return rows, None
    joined = b"".join(vector for vector in stored if vector is not None)
    return rows, np.frombuffer(joined, dtype=STORED_VECTOR).reshape(len(rows), -1)
