"""What finding may ask of an index. Knows no engine: FAISS and tantivy live one to a file beside this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from knowledge.embedding import Vectors
from knowledge.passages.passage import Passage


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
class Candidate:
    passage_id: str
    score: float


@dataclass(frozen=True, slots=True)
class FieldStatistics:
    """What BM25 needs: how many passages, how long on average, how many hold each asked token."""

    passages: int
    average_length: float
    holding: Mapping[str, int]


class IndexView(Protocol):
    """One consistent state of the index, base and delta together, tombstones already left out.

    `courses` are the permitted course ids; nothing outside them is ever returned.
    """

    @property
    def change_number(self) -> int: ...

    @property
    def embedder_digest(self) -> str | None:
        """The embedder whose vectors are in here; None where there are none."""

    def count(self, *, courses: frozenset[str]) -> int: ...

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        """vector: shape (1, dimensions), of `embedder_digest`'s embedder. Best first, by inner product."""

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Passages holding any of the tokens, best BM25 first. Scores of base and delta differ a little in scale:
        rescore with `statistics` before comparing."""

    def statistics(self, field: TokenField, tokens: Sequence[str]) -> FieldStatistics: ...

    def vectors(self, passage_ids: Sequence[str]) -> Vectors: ...

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """In the order asked; ids that are gone are left out."""
