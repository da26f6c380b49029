"""How alike the questions of one log are: by what they mean, by their words, and by which words go together here.

Knows no topics. Each text becomes one row of numbers; the dot product of two rows says how alike the texts are. Where
the embedder knows the language, its vectors carry most of it and words add what it has no feeling for: a product's
name, a code. Where it does not, words carry all. Words that this very log uses alike count as alike (latent semantic
analysis), which is as near to synonyms as one gets without a model of the language.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from assistant.topics.asked_text import FloatArray
from knowledge.finding.analysis import analyse
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.languages import language_of

BESIDE_MEANING = (0.15, 0.10)
"""What words, and what goes with them, count for beside the embedder, which has the rest (docs/benchmarks.md)."""
ALONE = (0.6, 0.4)
"""The same two where there is no embedder."""
WORD_NUMBERS = 512
"""Words are folded into so many numbers: two texts that share none come out 0.04 from 0, and 11,000 take 23 MB."""
FEWEST_DIRECTIONS, MOST_DIRECTIONS = 10, 100
TEXTS_A_DIRECTION = 10
"""The smaller the log, the fewer directions in which words go together can be told from chance; in a handful of them
everything would look alike."""
FEWEST_TEXTS = 40
"""Of fewer, nothing is said of what goes together."""
FEWEST_NEIGHBOURS, MOST_NEIGHBOURS = 3, 15
NEIGHBOURS_A_ROOT = 1 / 3
"""Of the root of how many texts there are: in a small log the fifteenth neighbour is of another topic already."""
LEAST_ALIKE = 0.3
"""Neighbours less alike than this say nothing of a text."""
NEIGHBOURS_COUNT = 0.75
BLOCK = 1024
"""Rows compared with all others at once."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text to be compared. `language`: BCP 47; `vector`: of unit length, None where there is none."""

    text: str
    language: str
    vector: FloatArray | None


def rows_of(said: Sequence[Said]) -> FloatArray:
    """float32, shape (n, some), rows of length 1; of length 0 where a text has nothing to compare.

    Vectors count where all have them, and have the same length.
    """
    terms = _terms([_words(each) for each in said])
    parts = [_folded(terms), _directions(terms.weights)]
    vectors = [each.vector for each in said if each.vector is not None]
    if len(vectors) < len(said) or len({len(each) for each in vectors}) != 1:
        return _joined(parts, ALONE)
    return _joined([*parts, np.stack(vectors)], (*BESIDE_MEANING, 1 - sum(BESIDE_MEANING)))


def seen_with_neighbours(rows: FloatArray, apart: NDArray[np.int64]) -> FloatArray:
    """Each row moved towards the rows most like it: what a short question leaves out, its neighbours say.

    Of shape and length as before. `apart`: shape (n,); two rows with different numbers from 0 on are no neighbours, a
    number below 0 keeps from nobody.
    """
    moved = rows.copy()
    for first, alike in blocks(rows):
        here = apart[first : first + len(alike), None]
        alike[(here >= 0) & (apart >= 0) & (here != apart)] = 0.0
        alike[np.arange(len(alike)), first + np.arange(len(alike))] = 0.0
        weights = _nearest(alike)
        moved[first : first + len(alike)] += weights @ rows
    return _unit(moved)


def blocks(rows: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """The first row of each block, and how alike its rows are to all: shape (rows of the block, n)."""
    for first in range(0, len(rows), BLOCK):
        yield first, rows[first : first + BLOCK] @ rows.T


def pairs_in_blocks(rows: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """As `blocks`, for whoever needs each pair once: the first row of each block, and how alike its rows are to all
    from that row on."""
    for first in range(0, len(rows), BLOCK):
        yield first, rows[first : first + BLOCK] @ rows[first:].T


@dataclass(frozen=True, slots=True)
class _Terms:
    """`weights`: TF-IDF, shape (n, len(words)), rows of length 1 or 0."""

    words: list[str]
    weights: csr_matrix


def _words(said: Said) -> list[str]:
    language = language_of(said.text, said.language)
    return list(analyse(without_asking_words(said.text, language), language).words)


def _terms(texts: Sequence[Sequence[str]]) -> _Terms:
    counted = [Counter(words) for words in texts]
    within = Counter(word for each in counted for word in each)
    words = sorted(within)
    at = {word: place for place, word in enumerate(words)}
    rarity = np.log((1 + len(texts)) / (1 + np.array([within[word] for word in words]))) + 1
    columns = np.array([at[word] for each in counted for word in each], np.int64)
    often = np.array([count for each in counted for count in each.values()], np.float64)
    begins = np.cumsum([0, *map(len, counted)])
    values = (1 + np.log(often)) * rarity[columns]
    lengths = np.sqrt(np.add.reduceat(np.append(values**2, 0.0), begins[:-1])) if len(texts) else values
    values /= np.repeat(lengths, np.diff(begins))
    weights = csr_matrix((values.astype(np.float32), columns, begins), shape=(len(texts), len(words)))
    return _Terms(words, weights)


def _folded(terms: _Terms) -> FloatArray:
    """Each word is one of WORD_NUMBERS places and a sign, by its own letters: dot products stay what they were, but
    for chance."""
    folds = np.array([zlib.crc32(word.encode()) for word in terms.words], np.int64)
    signs = np.where(folds & (1 << 20), 1, -1).astype(np.float32)
    shape = (len(terms.words), WORD_NUMBERS)
    sketch = csr_matrix((signs, folds % WORD_NUMBERS, np.arange(len(folds) + 1)), shape=shape)
    return np.asarray((terms.weights @ sketch).todense(), np.float32)


def _directions(weights: csr_matrix) -> FloatArray:
    """Where each text lies among the words that go together: shape (n, directions)."""
    shared = weights[:, np.asarray((weights > 0).sum(axis=0)).ravel() >= 2]
    wanted = min(max(shared.shape[0] // TEXTS_A_DIRECTION, FEWEST_DIRECTIONS), MOST_DIRECTIONS)
    count = min(wanted, shared.shape[1] - 1)
    if shared.shape[0] < FEWEST_TEXTS or count < 1:
        return np.zeros((weights.shape[0], 1), np.float32)
    left, sizes, _ = randomized_svd(shared, count, random_state=0)
    return np.asarray(left * sizes, np.float32)


def _joined(parts: Sequence[FloatArray], counting: Sequence[float]) -> FloatArray:
    weighed = [_unit(part) * np.float32(np.sqrt(weight)) for part, weight in zip(parts, counting, strict=True)]
    return _unit(np.hstack(weighed))


def _nearest(alike: FloatArray) -> csr_matrix:
    """Of each row its nearest, where they are alike enough, as weights up to NEIGHBOURS_COUNT."""
    wanted = round(math.sqrt(alike.shape[1]) * NEIGHBOURS_A_ROOT)
    count = min(max(wanted, FEWEST_NEIGHBOURS), MOST_NEIGHBOURS, alike.shape[1])
    columns = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(alike, columns, axis=1)
    values = ((values - LEAST_ALIKE).clip(0) / (1 - LEAST_ALIKE) * NEIGHBOURS_COUNT).astype(np.float32)
    begins = np.arange(0, values.size + 1, count)
    return csr_matrix((values.ravel(), columns.ravel(), begins), shape=alike.shape)


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / lengths[:, None].clip(1e-9), np.float32)
