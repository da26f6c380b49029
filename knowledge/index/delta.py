"""Recordings published since the base was written, in memory: exact, immutable, one part a recording."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.index.faiss_vectors import Bitmap, FlatVectors, Mask, Rows
from knowledge.index.published import PublishedRecording
from knowledge.index.view import Candidate, FieldStatistics, PassageTokens, TokenField
from knowledge.passages.store import STORED_VECTOR

K1 = 1.2
B = 0.75
"""BM25's constants, as tantivy has them."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Rows that hold a token, and how often each does."""

    rows: NDArray[np.int32]
    counts: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Field:
    """One token stream of a part: token number `slots[token]` has the postings from `starts[slot]` to the next.

    `lengths`: tokens of each row.
    """

    slots: Mapping[str, int]
    starts: NDArray[np.int32]
    postings: Postings
    lengths: NDArray[np.float32]

    def of(self, token: str) -> Postings | None:
        slot = self.slots.get(token)
        if slot is None:
            return None
        span = slice(self.starts[slot], self.starts[slot + 1])
        return Postings(self.postings.rows[span], self.postings.counts[span])


@dataclass(frozen=True, slots=True)
class Part:
    """A recording. `vectors`: of the rows `vector_rows`, shape (those, dimensions); None where it has none."""

    recording_id: str
    course_id: str
    passage_ids: tuple[str, ...]
    fields: Mapping[TokenField, Field]
    vector_rows: Rows
    vectors: Vectors | None

    def __len__(self) -> int:
        return len(self.passage_ids)


class Delta:
    """All parts together, their rows one after another. Never changes once made; thread-safe."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._ids = [passage_id for part in parts for passage_id in part.passage_ids]
        self._rows = {passage_id: row for row, passage_id in enumerate(self._ids)}
        self._firsts = np.cumsum([0, *(len(part) for part in parts)])
        self._lengths = {
            field: np.concatenate([np.empty(0, np.float32), *(part.fields[field].lengths for part in parts)])
            for field in TokenField
        }
        self._joined: dict[tuple[TokenField, str], Postings] = {}
        pairs = [(part, first) for part, first in zip(parts, self._firsts, strict=False) if part.vectors is not None]
        self._vector_rows = np.concatenate([np.empty(0, np.int64), *(part.vector_rows + at for part, at in pairs)])
        self._vectors = FlatVectors(np.concatenate([part.vectors for part, _ in pairs])) if pairs else None

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dimensions(self) -> int | None:
        return None if self._vectors is None else self._vectors.dimensions

    def count(self, courses: frozenset[str]) -> int:
        return sum(len(part) for part in self._parts if part.course_id in courses)

    def tokens(self, field: TokenField) -> int:
        return int(self._lengths[field].sum())

    def holding(self, field: TokenField, token: str) -> int:
        return len(self._postings(field, token).rows)

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        if self._vectors is None:
            return []
        allowed = Bitmap(self._allowed(courses)[self._vector_rows])
        rows, scores = self._vectors.nearest(vector, allowed=allowed, n=n)
        return [
            Candidate(self._ids[row], float(score)) for row, score in zip(self._vector_rows[rows], scores, strict=True)
        ]

    def matching(
        self,
        field: TokenField,
        counts: Mapping[str, int],
        known: FieldStatistics,
        *,
        courses: frozenset[str],
        n: int,
    ) -> list[Candidate]:
        """`counts`: how often the question has each token; `known`: over base and delta."""
        scores = np.zeros(len(self), np.float32)
        for token, times in counts.items():
            held = self._postings(field, token)
            rarity = times * idf(known.passages, known.holding.get(token, 0)) * (K1 + 1)
            lengths = self._lengths[field][held.rows] / known.average_length if len(held.rows) else held.counts
            scores[held.rows] += rarity * held.counts / (held.counts + K1 * (1 - B + B * lengths))
        scores[~self._allowed(courses)] = 0.0
        found = np.flatnonzero(scores)
        best = found[np.argsort(-scores[found], kind="stable")[:n]]
        return [Candidate(self._ids[row], float(scores[row])) for row in best]

    def vector(self, passage_id: str) -> Vectors | None:
        """Shape (1, dimensions); None where the passage is not here, or has none."""
        row = self._rows.get(passage_id)
        if row is None or self._vectors is None:
            return None
        at = np.flatnonzero(self._vector_rows == row)
        return self._vectors.of(at) if len(at) else None

    def _allowed(self, courses: frozenset[str]) -> Mask:
        permitted = [part.course_id in courses for part in self._parts]
        return np.repeat(np.array(permitted, np.bool_), np.diff(self._firsts))

    def _postings(self, field: TokenField, token: str) -> Postings:
        """Joined over the parts when first asked for."""
        if (field, token) not in self._joined:
            held = [
                (part.fields[field].of(token), first) for part, first in zip(self._parts, self._firsts, strict=False)
            ]
            there = [(postings, first) for postings, first in held if postings is not None]
            self._joined[field, token] = Postings(
                np.concatenate([np.empty(0, np.int32), *(postings.rows + first for postings, first in there)]).astype(
                    np.int32
                ),
                np.concatenate([np.empty(0, np.float32), *(postings.counts for postings, _ in there)]),
            )
        return self._joined[field, token]


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


def unpack_vectors(stored: Sequence[bytes | None]) -> tuple[Rows, NDArray[np.float16] | None]:
    """Which rows have a vector, and those vectors, shape (rows, dimensions)."""
    rows = np.array([row for row, vector in enumerate(stored) if vector is not None], dtype=np.int64)
    if not len(rows):
        return rows, None
    joined = b"".join(vector for vector in stored if vector is not None)
    return rows, np.frombuffer(joined, dtype=STORED_VECTOR).reshape(len(rows), -1)


def idf(passages: int, holding: int) -> float:
    held = min(holding, passages)
    return log(1 + (passages - held + 0.5) / (held + 0.5))


def _field(tokens: Sequence[PassageTokens], field: TokenField) -> Field:
    held: dict[str, list[tuple[int, int]]] = {}
    for row, taken_apart in enumerate(tokens):
        for token, times in Counter(taken_apart.of(field)).items():
            held.setdefault(token, []).append((row, times))
    pairs = np.array([pair for each in held.values() for pair in each], np.int32).reshape(-1, 2)
    return Field(
        {token: slot for slot, token in enumerate(held)},
        np.cumsum([0, *(len(each) for each in held.values())], dtype=np.int32),
        Postings(pairs[:, 0].copy(), pairs[:, 1].astype(np.float32)),
        np.array([len(taken_apart.of(field)) for taken_apart in tokens], np.float32),
    )
