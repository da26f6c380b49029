"""Passages, their vectors, and the numbered changes that publish or retract a recording. Knows no index."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from knowledge.database import (
    insert_unless_there,
    lock_until_commit,
    new_id,
    slices,
    storable_text,
    utc_now,
)
from knowledge.errors import RecordingGone
from knowledge.passages.cutting import PassageDraft
from knowledge.passages.passage import Passage
from knowledge.passages.tables import ChangeKind, ChangeRow, PassageRow, TokenVectorsRow, VectorRow
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts.tables import TranscriptRow

NO_TOKENS: Mapping[str, bytes] = MappingProxyType({})
STORED_VECTOR = np.dtype("<f2")
"""float16, little-endian: half the bytes; the loss of precision is below what ranking can see."""
_CHANGE_LOCK = 0x6561726D
"""Whoever writes a change holds this lock until its commit: numbers rise in commit order."""


def replace_passages(session: Session, recording_id: str, revision: int, drafts: Iterable[PassageDraft]) -> list[str]:
    """Keep these as the passages of a revision, in place of any it had. The ids, in order."""
    session.execute(delete(PassageRow).where(PassageRow.recording_id == recording_id, PassageRow.revision == revision))
    rows = [
        {
            "id": new_id(),
            "recording_id": recording_id,
            "revision": revision,
            "ordinal": ordinal,
            "first_segment": draft.first_segment,
            "last_segment": draft.last_segment,
            "start_s": draft.start_s,
            "end_s": draft.end_s,
            "text": storable_text(draft.text),
            "language": draft.language,
        }
        for ordinal, draft in enumerate(drafts)
    ]
    if rows:
        session.execute(insert(PassageRow), rows)
    return [str(row["id"]) for row in rows]


def passages_of(session: Session, recording_id: str, revision: int) -> list[Passage]:
    """The passages of a revision, published or not, in order."""
    return _passages(
        session,
        _with_course()
        .where(PassageRow.recording_id == recording_id, PassageRow.revision == revision)
        .order_by(PassageRow.ordinal),
    )


def count_passages(session: Session, recording_id: str, revision: int) -> int:
    query = select(func.count()).where(PassageRow.recording_id == recording_id, PassageRow.revision == revision)
    return session.scalar(query) or 0


def published_passages(session: Session, passage_ids: Sequence[str]) -> list[Passage]:
    """In the order asked; those that are not, or no longer, published are left out."""
    found: dict[str, Passage] = {}
    for some in slices(passage_ids):
        query = _with_course().where(PassageRow.id.in_(some), is_published())
        found.update((passage.id, passage) for passage in _passages(session, query))
    return [found[passage_id] for passage_id in passage_ids if passage_id in found]


def save_vectors(
    session: Session,
    digest: str,
    vectors: Mapping[str, NDArray[np.floating]],
    *,
    tokens: Mapping[str, bytes] = NO_TOKENS,
) -> None:
    """Keep passages' vectors of the embedder with this digest, and the packed vectors of their `tokens`, nothing for
    those that are not named. Those of passages that are gone are left out.

    Indexes follow changes, not vectors: `publish` once more where a recording was published without them.
    Raises ValueError for a vector that is empty or not finite.
    """
    for some in slices(list(vectors)):
        there = session.scalars(select(PassageRow.id).where(PassageRow.id.in_(some))).all()
        session.execute(delete(VectorRow).where(VectorRow.passage_id.in_(there), VectorRow.embedder_digest == digest))
        whose = [{"passage_id": key, "embedder_digest": digest} for key in there]
        if whose:
            insert_unless_there(
                session, VectorRow, [{**each, "vector": pack_vector(vectors[each["passage_id"]])} for each in whose]
            )
            session.execute(
                delete(TokenVectorsRow).where(
                    TokenVectorsRow.passage_id.in_(there), TokenVectorsRow.embedder_digest == digest
                )
            )
            insert_unless_there(
                session, TokenVectorsRow, [{**each, "packed": tokens.get(each["passage_id"], b"")} for each in whose]
            )


def token_vectors_of(session: Session, digest: str, passage_ids: Sequence[str]) -> dict[str, bytes]:
    """Packed, by passage; those that have none are left out."""
    found: dict[str, bytes] = {}
    for some in slices(passage_ids):
        query = select(TokenVectorsRow.passage_id, TokenVectorsRow.packed).where(
            TokenVectorsRow.passage_id.in_(some), TokenVectorsRow.embedder_digest == digest
        )
        found.update((key, packed) for key, packed in session.execute(query) if packed)
    return found


def pack_vector(vector: NDArray[np.floating]) -> bytes:
    flat = np.asarray(vector).reshape(-1)
    packed = flat.astype(STORED_VECTOR)
    if not packed.size or not np.isfinite(packed).all():
        raise ValueError(f"a vector of {flat.size} numbers that are not all finite cannot be kept")
    return packed.tobytes()


def passages_without_vector(
    session: Session,
    digest: str,
    limit: int,
    *,
    recording_id: str | None = None,
    revision: int | None = None,
    published: bool = False,
) -> list[Passage]:
    """Passages that this embedder has still to see, oldest first: of one recording, of all that are published, or of
    all not removed."""
    query = _with_course().where(RecordingRow.state != RecordingState.REMOVED, ~_seen_by(digest))
    if published:
        query = query.where(is_published())
    if recording_id is not None:
        query = query.where(PassageRow.recording_id == recording_id)
    if revision is not None:
        query = query.where(PassageRow.revision == revision)
    return _passages(session, query.order_by(PassageRow.id).limit(limit))


def count_without_vector(session: Session, digest: str) -> int:
    """How many published passages this embedder has still to see."""
    published = select(func.count()).select_from(PassageRow).join(RecordingRow).where(is_published())
    return session.scalar(published.where(~_seen_by(digest))) or 0


def count_embedded(session: Session, recording_id: str, revision: int) -> int:
    """How many of its passages have a vector, whoever made it."""
    of = (PassageRow.recording_id == recording_id, PassageRow.revision == revision)
    embedded = exists().where(VectorRow.passage_id == PassageRow.id)
    return session.scalar(select(func.count()).select_from(PassageRow).where(*of, embedded)) or 0


def publish(
    session: Session,
    recording_id: str,
    revision: int,
    *,
    now: dt.datetime | None = None,
    published_at: dt.datetime | None = None,
) -> int:
    """Make a revision the one that is found, in place of any older one. The change's number.

    Passages of other revisions go; their transcripts stay. `published_at`: kept where only its vectors are new; the
    change is one of now. Raises RecordingGone for a removed recording.
    """
    at = now or utc_now()
    found = session.execute(
        update(RecordingRow)
        .where(RecordingRow.id == recording_id, RecordingRow.state != RecordingState.REMOVED)
        .values(state=RecordingState.READY, revision=revision, published_at=published_at or at)
        .returning(RecordingRow.id)
    ).first()
    if found is None:
        raise RecordingGone(recording_id)
    session.execute(delete(PassageRow).where(PassageRow.recording_id == recording_id, PassageRow.revision != revision))
    return _write_change(session, ChangeKind.ADDED, recording_id, revision, at)


def retract(session: Session, recording_id: str, *, now: dt.datetime | None = None) -> int | None:
    """Remove a recording from what can be found and leave its tombstone. None where it was gone already."""
    at = now or utc_now()
    found = session.execute(
        update(RecordingRow)
        .where(RecordingRow.id == recording_id, RecordingRow.state != RecordingState.REMOVED)
        .values(state=RecordingState.REMOVED, removed_at=at)
        .returning(RecordingRow.id)
    ).first()
    return None if found is None else _write_change(session, ChangeKind.REMOVED, recording_id, None, at)


def purge(session: Session, recording_id: str) -> None:
    """Really delete the words of a removed recording: segments, passages, vectors. Its tombstone stays."""
    removed = select(RecordingRow.id).where(
        RecordingRow.id == recording_id, RecordingRow.state == RecordingState.REMOVED
    )
    session.execute(delete(PassageRow).where(PassageRow.recording_id.in_(removed)))
    session.execute(delete(TranscriptRow).where(TranscriptRow.recording_id.in_(removed)))


def recordings_to_purge(session: Session) -> list[str]:
    """Removed recordings whose words are still in the database."""
    left = or_(
        exists().where(PassageRow.recording_id == RecordingRow.id),
        exists().where(TranscriptRow.recording_id == RecordingRow.id),
    )
    return list(session.scalars(select(RecordingRow.id).where(RecordingRow.state == RecordingState.REMOVED, left)))


def last_change(session: Session) -> int:
    """The number of the newest committed change, 0 before the first."""
    return session.scalar(select(func.max(ChangeRow.number))) or 0


def changes_since(session: Session, number: int) -> list[ChangeRow]:
    """Changes after `number`, in commit order."""
    return list(session.scalars(select(ChangeRow).where(ChangeRow.number > number).order_by(ChangeRow.number)))


def is_published() -> ColumnElement[bool]:
    """For queries that join passages with their recordings."""
    return and_(RecordingRow.state == RecordingState.READY, RecordingRow.revision == PassageRow.revision)


def _write_change(session: Session, kind: ChangeKind, recording_id: str, revision: int | None, at: dt.datetime) -> int:
    lock_until_commit(session, _CHANGE_LOCK)
    change = ChangeRow(kind=kind, recording_id=recording_id, revision=revision, at=at)
    session.add(change)
    session.flush()
    return change.number


def _with_course() -> Select[*tuple[Any, ...]]:
    """Columns in the order of Passage's fields, because hundreds are read for a question and rows of the ORM cost
    three times as much."""
    return select(
        PassageRow.id,
        PassageRow.recording_id,
        RecordingRow.course_id,
        PassageRow.revision,
        PassageRow.ordinal,
        PassageRow.first_segment,
        PassageRow.last_segment,
        PassageRow.start_s,
        PassageRow.end_s,
        PassageRow.text,
        PassageRow.language,
    ).join(RecordingRow, RecordingRow.id == PassageRow.recording_id)


def _passages(session: Session, query: Select[*tuple[Any, ...]]) -> list[Passage]:
    return [Passage(*row) for row in session.execute(query)]


def _seen_by(digest: str) -> ColumnElement[bool]:
    """Of PassageRow: this embedder has made both its vector and those of its tokens."""
    return and_(
        exists().where(VectorRow.passage_id == PassageRow.id, VectorRow.embedder_digest == digest),
        exists().where(TokenVectorsRow.passage_id == PassageRow.id, TokenVectorsRow.embedder_digest == digest),
    )
