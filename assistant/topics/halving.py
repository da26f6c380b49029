"""Two halves of one topic, by what its questions mean where all have vectors, else by their letters. Pure."""

import hashlib
from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer

from assistant.topics.grouping import AskedText


def halves_of(asked: Sequence[AskedText]) -> tuple[list[AskedText], list[AskedText]] | None:
    """The larger half first. The same questions in any order give the same halves; None where all mean the same."""
    in_order = sorted(asked, key=lambda one: one.id)
    texts = sorted({one.text for one in in_order})
    if len(texts) < 2:
        return None
    vectors = {one.text: one.vector for one in in_order if one.vector is not None}
    if len(vectors) == len(texts):
        points = np.stack([vectors[text] for text in texts])
        if len(np.unique(points.round(4), axis=0)) < 2:
            return None
    else:
        points = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)).fit_transform(texts).toarray()
    labels = KMeans(n_clusters=2, n_init=10, random_state=0).fit_predict(points)
    side = dict(zip(texts, labels, strict=True))
    first, second = ([one for one in in_order if side[one.text] == label] for label in (0, 1))
    if not first or not second:
        return None
    return (first, second) if (len(first), first[0].id) >= (len(second), second[0].id) else (second, first)


def key_of(example: str) -> str:
    """By which somebody agrees to the half that was shown so. It is made of what was shown alone: made of who is in it,
    it would change when one of them is forgotten, and tell that they asked."""
    return hashlib.sha256(example.encode()).hexdigest()[:32]
