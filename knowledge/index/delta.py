"""Recordings published since the base was written, in memory: exact, immutable, one part a recording."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.index.published import PublishedRecording
from knowledge.index.view import Candidate, FieldStatistics, PassageTokens, TokenField
from knowledge.passages.store import STORED_VECTOR

K1 = 1.2
B = 0.75
"""BM25's constants, as tantivy has them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One token stream of a part. `postings`: for each token the rows that hold it, and how often."""

    postings: Mapping[str, tuple[tuple[int, int], ...]]
    lengths: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Part:
    """A recording. `vectors`: of the passages `vector_rows`, shape (those, dimensions); None where it has none."""

    recording_id: str
    course_id: str
    passage_ids: tuple[str, ...]
    fields: Mapping[TokenField, Field]
    vector_rows: NDArray[np.int64]
    vectors: Vectors | None

    def __len__(self) -> int:
        return len(self.passage_ids)


class Delta:
    """All parts together. Never changes once made."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._places = {key: (part, row) for part in parts for row, key in enumerate(part.passage_ids)}
        with_vectors = [part for part in parts if part.vectors is not None]
        self._vectors = np.concatenate([part.vectors for part in with_vectors]) if with_vectors else None
        self._vector_ids = [part.passage_ids[row] for part in with_vectors for row in part.vector_rows]
        self._vector_courses = [part.course_id for part in with_vectors for _ in part.vector_rows]

    def __len__(self) -> int:
        return len(self._places)

    @property
    def dimensions(self) -> int | None:
        return None if self._vectors is None else int(self._vectors.shape[1])

    def count(self, courses: frozenset[str]) -> int:
        return sum(len(part) for part in self._parts if part.course_id in courses)

    def tokens(self, field: TokenField) -> int:
        return sum(part.fields[field].tokens for part in self._parts)

    def holding(self, field: TokenField, token: str) -> int:
        return sum(len(part.fields[field].postings.get(token, ())) for part in self._parts)

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        if self._vectors is None:
            return []
        if vector.size != self.dimensions:
            raise ValueError(f"a vector of {vector.size} dimensions, the index has {self.dimensions}")
        allowed = np.flatnonzero([course in courses for course in self._vector_courses])
        scores = self._vectors[allowed] @ vector.reshape(-1)
        best = np.argsort(-scores, kind="stable")[:n]
        return [Candidate(self._vector_ids[allowed[at]], float(scores[at])) for at in best]

    def matching(
        self, field: TokenField, counts: Mapping[str, int], known: FieldStatistics, *, courses: frozenset[str]
    ) -> list[Candidate]:
        return [
            Candidate(part.passage_ids[row], score)
            for part in self._parts
            if part.course_id in courses
            for row, score in bm25(part, field, counts, known).items()
        ]

    def vector(self, passage_id: str) -> Vectors | None:
        """None where the passage is not here, or has none."""
        if passage_id not in self._places:
            return None
        part, row = self._places[passage_id]
        at = np.flatnonzero(part.vector_rows == row)
        return None if part.vectors is None or not len(at) else part.vectors[at[0]]


def make_part(recording: PublishedRecording) -> Part:
    rows, vectors = unpack_vectors(recording.vectors)
    return Part(
        recording.recording_id,
        recording.course_id,
        recording.passage_ids,
        {field: _field(recording.tokens, field) for field in TokenField},
        rows,
        None if vectors is None else vectors.astype(np.float32),
    )


def unpack_vectors(
    stored: Sequence[bytes | None],
) -> tuple[NDArray[np.int64], NDArray[np.float16] | None]:
    """Which rows have a vector, and those vectors, shape (rows, dimensions)."""
    rows = np.array([row for row, vector in enumerate(stored) if vector is not None], dtype=np.int64)
    if not len(rows):
        return rows, None
    joined = b"".join(vector for vector in stored if vector is not None)
    return rows, np.frombuffer(joined, dtype=STORED_VECTOR).reshape(len(rows), -1)


def bm25(part: Part, field: TokenField, counts: Mapping[str, int], known: FieldStatistics) -> dict[int, float]:
    """Scores of the rows that hold any of the tokens; `counts`: how often the question has each."""
    stream = part.fields[field]
    scores: dict[int, float] = {}
    for token, times in counts.items():
        weight = times * idf(known.passages, known.holding.get(token, 0)) * (K1 + 1)
        for row, held in stream.postings.get(token, ()):
            length = stream.lengths[row] / known.average_length
            share = weight * held / (held + K1 * (1 - B + B * length))
            scores[row] = scores.get(row, 0.0) + share
    return scores


def idf(passages: int, holding: int) -> float:
    held = min(holding, passages)
    return log(1 + (passages - held + 0.5) / (held + 0.5))


def _field(tokens: Sequence[PassageTokens], field: TokenField) -> Field:
    postings: dict[str, list[tuple[int, int]]] = {}
    for row, taken_apart in enumerate(tokens):
        for token, times in Counter(taken_apart.of(field)).items():
            postings.setdefault(token, []).append((row, times))
    lengths = tuple(len(taken_apart.of(field)) for taken_apart in tokens)
    return Field({token: tuple(held) for token, held in postings.items()}, lengths, sum(lengths))
