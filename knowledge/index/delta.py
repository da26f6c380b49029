"""Recordings published since the base was written, in memory: exact, immutable, one part a recording."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.index.published import PublishedRecording
from knowledge.index.view import FieldStatistics, PassageTokens, TokenField
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
