"""How candidates are chosen, the same in base and delta: pure rules, no engine.

What is chosen may depend on nothing but the passages that may be returned and on what is known of those: neither on
how long other passages are, nor on where a passage lies, nor on which of two equal ones an engine saw first.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.bm25 import Saturation
from knowledge.index.view import TokenField

K1 = 1.2
B = 0.75
"""BM25's constants, as tantivy has them."""
SATURATION = Saturation(K1, B)
USUAL_LENGTH = {TokenField.WORDS: 40, TokenField.SOUNDS: 120}
"""Tokens, in place of BM25's average length, which would tell of passages that may not be returned. About what a
passage of English speech has; those who are candidates are scored anew with the average of what was searched."""
SPARE = 16
"""So many more are asked for at first: most ties end there."""
WITHIN = 1e-5
"""Scores that differ by no more are equal as far as engines can tell, which count in float32."""

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows and scores, best first."""


def _steps() -> NDArray[np.int64]:
    """Exact below 40, then eight to each doubling: what a byte holds of a length in tantivy, as in Lucene."""
    exact, byte = 24, np.arange(256 - 24)
    bits, shift = byte & 7, (byte >> 3) - 1
    grown = np.where(shift < 0, bits, (bits | 8) << shift.clip(0))
    return np.concatenate([np.arange(exact), exact + grown])


_STEPS = _steps()


def stepped(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lengths as coarse as tantivy keeps them."""
    return np.asarray(_STEPS[np.searchsorted(_STEPS, lengths, side="right") - 1])


def with_ties(search: Callable[[int], Found], n: int) -> Found:
    """The n best that `search` finds, and all that are as good as the last of them. n: more than 0."""
    wanted = n + SPARE
    while True:
        rows, scores = search(wanted)
        enough = len(scores) < wanted or scores[-1] < scores[n - 1] - WITHIN * max(1.0, abs(float(scores[n - 1])))
        if enough:
            return rows, scores
        wanted *= 4
