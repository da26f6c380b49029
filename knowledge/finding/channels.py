"""The channels of finding: each gives candidates, and scores any passage for a question. One small function a channel.

Knows an index only as an IndexView. How channels are weighed against each other is decided in `fuse`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.finding.analysis import analyse
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.languages import Script, knows, language_of, script_of
from knowledge.index.tokens import hashes_of
from knowledge.index.view import FieldStatistics, HashedTokens, Hashes, IndexView, PassageTokens, Place, TokenField
from knowledge.transcripts.segment import UNDETERMINED

Scores = NDArray[np.float64]
"""float64, shape (passages, channels); nan where a channel does not know the question's or the passage's language."""

CANDIDATES_PER_CHANNEL = 100


class Channel(StrEnum):
    DENSE = "dense"
    WORDS = "words"
    SOUNDS = "sounds"


CHANNELS = tuple(Channel)


@dataclass(frozen=True, slots=True)
class Saturation:
    """BM25's k1 and b."""

    k1: float
    b: float


SATURATION = {TokenField.WORDS: Saturation(k1=0.4, b=0.4), TokenField.SOUNDS: Saturation(k1=0.4, b=0.4)}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `vector`: shape (1, dimensions), None where no embedder could be asked.

    `embedder_languages`: what that embedder was trained for; None for a multilingual one.
    """

    text: str
    language: str = UNDETERMINED
    vector: Vectors | None = None
    embedder_languages: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart once; `statistics` say how common its tokens are in this index."""

    question: Question
    language: str
    script: Script
    tokens: PassageTokens
    statistics: dict[TokenField, FieldStatistics]

    @property
    def embedder_knows_it(self) -> bool:
        return self.question.vector is not None and knows(self.question.embedder_languages, self.language)


@dataclass(frozen=True, slots=True)
class Pool:
    """The passages that some channel put forward, taken apart, each scored by every channel; their text is read from
    the database only for those that leave."""

    passages: list[Place]
    tokens: list[HashedTokens]
    scores: Scores


def ask(question: Question, view: IndexView) -> Asked:
    language = language_of(question.text, question.language)
    tokens = analyse(without_asking_words(question.text, language), language)
    statistics = {field: view.statistics(field, sorted(set(tokens.of(field)))) for field in TokenField}
    return Asked(question, language, script_of(question.text), tokens, statistics)


def gather(asked: Asked, view: IndexView, *, courses: frozenset[str]) -> Pool:
    """Each channel's best, together, rescored in all channels."""
    found = dict.fromkeys(_dense_candidates(asked, view, courses))
    for field in TokenField:
        found.update(dict.fromkeys(_token_candidates(asked, field, view, courses)))
    passages = view.places(list(found))
    tokens = view.tokens([each.id for each in passages])
    return Pool(passages, tokens, score(asked, passages, tokens, view))


def score(asked: Asked, passages: Sequence[Place], apart: Sequence[HashedTokens], view: IndexView) -> Scores:
    columns = [
        _dense_scores(asked, passages, view),
        _token_scores(asked, TokenField.WORDS, apart),
        _sound_scores(asked, passages, apart),
    ]
    return np.stack(columns, axis=1)


def _dense_candidates(asked: Asked, view: IndexView, courses: frozenset[str]) -> list[str]:
    vector = asked.question.vector
    if vector is None or not asked.embedder_knows_it or view.embedder_digest is None:
        return []
    near = view.nearest(vector, courses=courses, n=CANDIDATES_PER_CHANNEL)
    return [candidate.passage_id for candidate in near]


def _token_candidates(asked: Asked, field: TokenField, view: IndexView, courses: frozenset[str]) -> list[str]:
    tokens = asked.tokens.of(field)
    if not tokens:
        return []
    matching = view.matching(field, tokens, courses=courses, n=CANDIDATES_PER_CHANNEL)
    return [candidate.passage_id for candidate in matching]


def _dense_scores(asked: Asked, passages: Sequence[Place], view: IndexView) -> NDArray[np.float64]:
    scores = np.full(len(passages), np.nan)
    vector = asked.question.vector
    if vector is None or not asked.embedder_knows_it or view.embedder_digest is None or not passages:
        return scores
    known = [at for at, each in enumerate(passages) if knows(asked.question.embedder_languages, each.language)]
    if known:
        scores[known] = (view.vectors([passages[at].id for at in known]) @ vector.T)[:, 0]
    return scores


def _token_scores(asked: Asked, field: TokenField, apart: Sequence[HashedTokens]) -> NDArray[np.float64]:
    """BM25 with the whole index's statistics."""
    return bm25(
        [each.of(field) for each in apart],
        asked.tokens.of(field),
        asked.statistics[field],
        SATURATION[field],
    )


def _sound_scores(asked: Asked, passages: Sequence[Place], apart: Sequence[HashedTokens]) -> NDArray[np.float64]:
    """Only where both are written in one script: pinyin and metaphones have nothing in common."""
    scores = _token_scores(asked, TokenField.SOUNDS, apart)
    scores[[each.script is not asked.script for each in passages]] = np.nan
    return scores


def bm25(
    texts: Sequence[Hashes], tokens: Sequence[str], statistics: FieldStatistics, saturation: Saturation
) -> NDArray[np.float64]:
    """A score a text; all in arrays, because hundreds of texts are scored for each question."""
    distinct = sorted(set(tokens))
    if not distinct or not texts:
        return np.zeros(len(texts))
    frequencies = count_in(texts, distinct)
    lengths = np.array([len(text) for text in texts]) / max(statistics.average_length, 1e-9)
    damping = saturation.k1 * (1 - saturation.b + saturation.b * lengths)
    weights = np.array([tokens.count(token) for token in distinct]) * idf(distinct, statistics)
    saturated = frequencies * (saturation.k1 + 1) / (frequencies + damping[:, None] + 1e-12)
    return np.asarray(saturated @ weights, dtype=np.float64)


def attainable(asked: Asked, field: TokenField) -> float:
    """The BM25 of a passage of average length that holds every token of the question once."""
    counts = Counter(asked.tokens.of(field))
    return float(np.fromiter(counts.values(), float) @ idf(list(counts), asked.statistics[field])) if counts else 0.0


def idf(tokens: Sequence[str], statistics: FieldStatistics) -> NDArray[np.float64]:
    """How much each token tells: near 0 for one that every passage holds."""
    holding = np.array([statistics.holding.get(token, 0) for token in tokens], dtype=np.float64)
    return np.log1p((statistics.passages - holding + 0.5).clip(0.5) / (holding + 0.5))


def count_in(texts: Sequence[Hashes], tokens: Sequence[str]) -> NDArray[np.float64]:
    """How often each text holds each token, shape (texts, tokens)."""
    asked = hashes_of(tokens)
    order = np.argsort(asked)
    ordered = asked[order]
    held = np.concatenate(texts) if texts else np.zeros(0, dtype=np.uint32)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    at = np.searchsorted(ordered, held).clip(max=len(ordered) - 1)
    is_asked = ordered[at] == held
    cells = rows[is_asked] * len(tokens) + order[at[is_asked]]
    counts = np.bincount(cells, minlength=len(texts) * len(tokens))
    return counts.reshape(len(texts), len(tokens)).astype(np.float64)


@lru_cache(maxsize=30_000)
def taken_apart(text: str, language: str) -> HashedTokens:
    """A sentence as the index keeps passages. Kept, because the same ones come up again and again."""
    tokens = analyse(text, language)
    return HashedTokens(hashes_of(tokens.words), hashes_of(tokens.sounds))
