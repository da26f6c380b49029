"""Recordings put straight into a database, as indexing would leave them, and a plain way to take texts apart."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.database import Database, new_id, utc_now
from knowledge.index.view import PassageTokens
from knowledge.passages import store as passages
from knowledge.passages.cutting import PassageDraft
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment

EMBEDDER = "e" * 64
DIMENSIONS = 32


@dataclass(frozen=True, slots=True)
class Shelved:
    course_id: str
    recording_id: str
    revision: int
    passage_ids: tuple[str, ...]


def analyse(text: str, language: str) -> PassageTokens:
    """Words in lower case, and their first three letters."""
    words = tuple(text.lower().split())
    return PassageTokens(words, tuple(word[:3] for word in words))


def embed(text: str, *, digest: str = EMBEDDER) -> NDArray[np.float32]:
    """A vector of length 1 that shares something with every text that has a word in common."""
    vector = np.sum([_word_vector(word, digest) for word in text.lower().split()], axis=0)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def shelve(
    database: Database, texts: Sequence[str], *, course: str = "General", digest: str | None = EMBEDDER
) -> Shelved:
    """A published recording, a passage a text; without vectors where there is no digest."""
    recording_id, course_id = enter(database, course=course)
    return publish(database, recording_id, texts, course_id=course_id, digest=digest)


def enter(database: Database, *, course: str = "General", recording_id: str | None = None) -> tuple[str, str]:
    """A recording that is being indexed. Its id and its course's."""
    fresh = recording_id or new_id()
    with database.write() as session:
        course_id = recordings.course_by_name(session, course, create=True).id
        session.add(
            RecordingRow(
                id=fresh,
                course_id=course_id,
                name=f"{fresh}.flac",
                title=fresh,
                state=RecordingState.INDEXING,
                content_sha256=hashlib.sha256(fresh.encode()).hexdigest(),
                size_bytes=1,
                original_path=f"files/{fresh}/original",
                created_at=utc_now(),
            )
        )
    return fresh, course_id


def publish(
    database: Database, recording_id: str, texts: Sequence[str], *, course_id: str = "", digest: str | None = EMBEDDER
) -> Shelved:
    """A new revision of a recording, found in place of any older one."""
    with database.write() as session:
        revision = transcripts.save_transcript(
            session, recording_id, "test", [Segment(at, at + 1, text) for at, text in enumerate(texts)]
        )
        drafts = [PassageDraft(at, at, at, at + 1, text, "en") for at, text in enumerate(texts)]
        ids = passages.replace_passages(session, recording_id, revision, drafts)
        if digest is not None:
            vectors = {key: embed(text, digest=digest) for key, text in zip(ids, texts, strict=True)}
            passages.save_vectors(session, digest, vectors)
        passages.publish(session, recording_id, revision)
    return Shelved(course_id, recording_id, revision, tuple(ids))


def remove(database: Database, recording_id: str, *, purged: bool = False) -> None:
    with database.write() as session:
        passages.retract(session, recording_id)
        if purged:
            passages.purge(session, recording_id)


@lru_cache(maxsize=10_000)
def _word_vector(word: str, digest: str) -> NDArray[np.float64]:
    seed = hashlib.sha256(f"{digest} {word}".encode()).digest()
    return np.random.default_rng(list(seed)).standard_normal(DIMENSIONS)
