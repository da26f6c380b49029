"""What finding may ask of an index. Knows no engine: FAISS and tantivy live one to a file beside this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.finding.languages import Script
from knowledge.passages.passage import Passage
from knowledge.token_vectors import TokenRows

Hashes = NDArray[np.uint32]
"""uint32, shape (tokens,): tokens as `knowledge.index.tokens.hash_of` numbers them, in order, with repeats."""


class TokenField(StrEnum):
    """The token streams kept for each passage; `knowledge.finding.languages.analyse` makes them."""

    WORDS = "words"
    SOUNDS = "sounds"


@dataclass(frozen=True, slots=True)
class PassageTokens:
    """A passage (or question) taken apart: tokens in order, repeated as often as they occur."""

    words: tuple[str, ...]
    sounds: tuple[str, ...]

    def of(self, field: TokenField) -> tuple[str, ...]:
        return self.words if field is TokenField.WORDS else self.sounds


@dataclass(frozen=True, slots=True)
class HashedTokens:
    """A passage taken apart, as the index keeps it."""

    words: Hashes
    sounds: Hashes

    def of(self, field: TokenField) -> Hashes:
        return self.words if field is TokenField.WORDS else self.sounds


@dataclass(frozen=True, slots=True)
class Place:
    """A passage but for its text: what ranking needs of it. The fields are `Passage`'s; `script`: of its text."""

    id: str
    recording_id: str
    course_id: str
    revision: int
    ordinal: int
    first_segment: int
    last_segment: int
    start_s: float
    end_s: float
    language: str
    script: Script


@dataclass(frozen=True, slots=True)
class Candidate:
    passage_id: str
    score: float


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """What BM25 needs of what is searched: how many passages, how long on average, how many hold each asked token."""

    passages: int
    average_length: float
    holding: Mapping[str, int]


class IndexView(Protocol):
    """One consistent state of the index, base and delta together, tombstones already left out.

    `courses` are the permitted course ids: nothing outside them is ever returned, and what is returned, in which order
    and with which numbers, is the same as if nothing outside them were there. Ids that are asked for are of permitted
    passages.
    """

    @property
    def change_number(self) -> int: ...

    def embedder_digest(self, *, courses: frozenset[str]) -> str | None:
        """The embedder whose vectors these courses have here; None where they have none, or those of two."""

    def count(self, *, courses: frozenset[str]) -> int: ...

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        """vector: shape (1, dimensions), of `embedder_digest`'s embedder. Best first, by inner product; of equal ones
        the lower id."""

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Passages holding any of the tokens, best first, of equal ones the lower id. By BM25 as `candidates` has it,
        which takes a fixed length for the average: rescore with `statistics`."""

    def statistics(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str]) -> FieldStatistics: ...

    def vectors(self, passage_ids: Sequence[str]) -> Vectors: ...

    def recording_vectors(self, recording_ids: Sequence[str]) -> Vectors:
        """The mean of all vectors of each recording, of length 1; zeros where it has none. Raises ValueError as
        `vectors` does."""

    def places(self, passage_ids: Sequence[str]) -> list[Place]:
        """In the order asked, without a look at the database; ids that this state does not hold are left out."""

    def tokens(self, passage_ids: Sequence[str]) -> list[HashedTokens]:
        """One an id, without a look at the database; empty for ids that this state does not hold."""

    def around(self, passage_ids: Sequence[str], *, step: int) -> list[tuple[str, ...]]:
        """For each passage those `step` places before and after it in its recording, where there are any, and itself,
        in order. Without a look at the database; nothing for ids that this state does not hold."""

    def token_vectors(self, passage_ids: Sequence[str]) -> TokenRows:
        """Those of `embedder_digest`'s embedder, read from the database; no rows where it gave none."""

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """In the order asked, read from the database; ids that are gone are left out."""
