"""Recordings published since the base was written, in memory: exact, immutable, one part a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors, mean_of
from knowledge.index.candidates import K1, USUAL_LENGTH, B, Found, stepped, with_ties
from knowledge.index.faiss_vectors import Bitmap, FlatVectors, Mask, Rows
from knowledge.index.published import PublishedRecording
from knowledge.index.tokens import TokenStream
from knowledge.index.view import HashedTokens, Hashes, Place, TokenField


@dataclass(frozen=True, slots=True)
class Postings:
    """Rows that hold a token, and how often each does."""

    rows: NDArray[np.int32]
    counts: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Field:
    """One token stream of a part: token number `slots[hash]` has the postings from `starts[slot]` to the next.

    `said`: the tokens of each row as they came.
    """

    said: TokenStream
    slots: Mapping[int, int]
    starts: NDArray[np.int64]
    postings: Postings

    def of(self, token: int) -> Postings | None:
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
    places: tuple[Place, ...]
    fields: Mapping[TokenField, Field]
    vector_rows: Rows
    vectors: Vectors | None

    def __len__(self) -> int:
        return len(self.places)


class Delta:
    """All parts together, their rows one after another. Never changes once made; thread-safe."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._ids = [place.id for part in parts for place in part.places]
        self._rows = {passage_id: row for row, passage_id in enumerate(self._ids)}
        self._firsts = np.cumsum([0, *(len(part) for part in parts)])
        self._lengths = {
            field: np.concatenate([np.empty(0, np.int64), *(part.fields[field].said.lengths for part in parts)])
            for field in TokenField
        }
        self._damping = {
            field: (K1 * (1 - B + B * stepped(lengths) / USUAL_LENGTH[field])).astype(np.float32)
            for field, lengths in self._lengths.items()
        }
        self._joined: dict[tuple[TokenField, int], Postings] = {}
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

    def has_vectors(self, courses: frozenset[str]) -> bool:
        return any(part.vectors is not None for part in self._parts if part.course_id in courses)

    def tokens(self, field: TokenField, courses: frozenset[str]) -> int:
        return int(self._lengths[field][self._allowed(courses)].sum())

    def holding(self, field: TokenField, tokens: Hashes, courses: frozenset[str]) -> NDArray[np.int64]:
        """How many passages of these courses hold each token."""
        allowed = self._allowed(courses)
        held = (np.count_nonzero(allowed[self._postings(field, token).rows]) for token in tokens.tolist())
        return np.fromiter(held, np.int64, len(tokens))

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[str]:
        """The n nearest passages, best first, and all that are as near as the last of them."""
        vectors = self._vectors
        if vectors is None:
            return []
        allowed = Bitmap(self._allowed(courses)[self._vector_rows])
        rows, _ = with_ties(lambda wanted: vectors.nearest(vector, allowed=allowed, n=wanted), n)
        return [self._ids[row] for row in self._vector_rows[rows]]

    def matching(self, field: TokenField, rarity: Mapping[int, float], *, courses: frozenset[str], n: int) -> list[str]:
        """The n best, and all that are as good as the last of them. `rarity`: of each token asked, its idf over all
        that is searched times how often the question has it."""
        scores = np.zeros(len(self), np.float32)
        for token, told in rarity.items():
            held = self._postings(field, token)
            scores[held.rows] += told * (K1 + 1) * held.counts / (held.counts + self._damping[field][held.rows])
        scores[~self._allowed(courses)] = 0.0
        found = np.flatnonzero(scores)
        ranked = found[np.argsort(-scores[found], kind="stable")]

        def best(wanted: int) -> Found:
            return ranked[:wanted], scores[ranked[:wanted]]

        return [self._ids[row] for row in with_ties(best, n)[0]]

    def vector(self, passage_id: str) -> Vectors | None:
        """Shape (1, dimensions); None where the passage is not here, or has none."""
        row = self._rows.get(passage_id)
        if row is None or self._vectors is None:
            return None
        at = np.flatnonzero(self._vector_rows == row)
        return self._vectors.of(at) if len(at) else None

    def recording_vector(self, recording_id: str) -> Vectors | None:
        """The mean of its vectors, of length 1; None where it is not here, or has none."""
        found = (part.vectors for part in self._parts if part.recording_id == recording_id)
        vectors = next(found, None)
        return None if vectors is None else mean_of(vectors)

    def place(self, passage_id: str) -> Place | None:
        found = self._found(passage_id)
        return None if found is None else found[0].places[found[1]]

    def around(self, passage_id: str, *, step: int) -> tuple[str, ...] | None:
        found = self._found(passage_id)
        if found is None:
            return None
        part, row = found
        return tuple(part.places[at].id for at in (row - step, row, row + step) if 0 <= at < len(part))

    def said(self, passage_id: str) -> HashedTokens | None:
        found = self._found(passage_id)
        if found is None:
            return None
        part, row = found
        return HashedTokens(*(part.fields[field].said.of(row) for field in TokenField))

    def _found(self, passage_id: str) -> tuple[Part, int] | None:
        """The part that holds a passage, and its row there."""
        row = self._rows.get(passage_id)
        if row is None:
            return None
        at = int(np.searchsorted(self._firsts, row, side="right")) - 1
        return self._parts[at], row - int(self._firsts[at])

    def _allowed(self, courses: frozenset[str]) -> Mask:
        permitted = [part.course_id in courses for part in self._parts]
        return np.repeat(np.array(permitted, np.bool_), np.diff(self._firsts))

    def _postings(self, field: TokenField, token: int) -> Postings:
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
    return Part(
        recording.recording_id,
        recording.course_id,
        recording.places,
        {field: _field(recording.tokens[field]) for field in TokenField},
        recording.vector_rows,
        None if recording.vectors is None else recording.vectors.astype(np.float32),
    )


def _field(said: TokenStream) -> Field:
    rows = np.repeat(np.arange(len(said), dtype=np.uint64), said.lengths)
    pairs, counts = np.unique((said.hashes.astype(np.uint64) << np.uint64(32)) | rows, return_counts=True)
    tokens, starts = np.unique(pairs >> np.uint64(32), return_index=True)
    return Field(
        said,
        {token: slot for slot, token in enumerate(tokens.tolist())},
        np.append(starts, len(pairs)),
        Postings((pairs & np.uint64(0xFFFFFFFF)).astype(np.int32), counts.astype(np.float32)),
    )
