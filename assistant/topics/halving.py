"""Two halves of one topic, by what its questions mean where all have vectors, else by their letters. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer

from assistant.topics.asked_text import AskedText, FloatArray

MOST_COMPARED = 1_000
"""Texts that the halves are made of, as somebody waits for them; any other goes to the half that it is nearer to."""
LETTERS_COMPARED = 200
"""Of a text without a vector: its first letters say what it is about, and a few thousand would take minutes."""


def halves_of(asked: Sequence[AskedText]) -> tuple[list[AskedText], list[AskedText]] | None:
    """The larger half first. The same questions in any order give the same halves; None where all mean the same."""
    in_order = sorted(asked, key=lambda one: one.id)
    texts = sorted({one.text for one in in_order})
    if len(texts) < 2:
        return None
    compared = np.linspace(0, len(texts) - 1, min(len(texts), MOST_COMPARED)).round().astype(np.int64)
    vectors = {one.text: one.vector for one in in_order if one.vector is not None}
    points: FloatArray | csr_matrix
    if len(vectors) == len(texts):
        points = np.stack([vectors[text] for text in texts])
        if len(np.unique(points.round(4), axis=0)) < 2:
            return None
    else:
        points = _letters(texts, compared)
    # Ten beginnings: with three, halves of two topics are right for 89 of 100 questions, not 97.
    halving = KMeans(n_clusters=2, n_init=10, random_state=0).fit(points[compared])
    side = dict(zip(texts, halving.predict(points), strict=True))
    first, second = ([one for one in in_order if side[one.text] == label] for label in (0, 1))
    if not first or not second:
        return None
    return (first, second) if (len(first), first[0].id) >= (len(second), second[0].id) else (second, first)


def _letters(texts: Sequence[str], compared: NDArray[np.int64]) -> csr_matrix:
    """Which letters stand together, TF-IDF by those `compared`: shape (n, some), rows of length 1 or 0."""
    heads = [text[:LETTERS_COMPARED] for text in texts]
    weigh = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)).fit([heads[place] for place in compared.tolist()])
    return csr_matrix(weigh.transform(heads))
