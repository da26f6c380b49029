"""BM25 over passages taken apart, with statistics of all that is searched. Knows no channel and no index."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.analysis import analyse
from knowledge.index.tokens import hashes_of
from knowledge.index.view import FieldStatistics, HashedTokens, Hashes, TokenField


@dataclass(frozen=True, slots=True)
class Saturation:
    """BM25's k1 and b."""

    k1: float
    b: float


SATURATION = {TokenField.WORDS: Saturation(k1=0.4, b=0.4), TokenField.SOUNDS: Saturation(k1=0.4, b=0.4)}


def bm25(
    frequencies: NDArray[np.float64],
    lengths: NDArray[np.int64],
    tokens: Sequence[str],
    statistics: FieldStatistics,
    saturation: Saturation,
) -> NDArray[np.float64]:
    """A score a text; all in arrays, because hundreds of texts are scored for each question. `frequencies`: how often
    each text holds each different token, in their order; `lengths`: all tokens of each."""
    distinct = sorted(set(tokens))
    shares = lengths / max(statistics.average_length, 1e-9)
    damping = saturation.k1 * (1 - saturation.b + saturation.b * shares)
    counts = Counter(tokens)  # a question may have thousands of tokens
    weights = np.array([counts[token] for token in distinct]) * idf(distinct, statistics)
    saturated = frequencies * (saturation.k1 + 1) / (frequencies + damping[:, None] + 1e-12)
    return np.asarray(saturated @ weights, dtype=np.float64)


def attainable(tokens: Sequence[str], statistics: FieldStatistics) -> float:
    """The BM25 of a passage of average length that holds every token of the question once."""
    counts = Counter(tokens)
    return float(np.fromiter(counts.values(), float) @ idf(list(counts), statistics)) if counts else 0.0


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
