"""A third look at the very best: a reranker reads the question and each passage together.

Where one is set, and where the question's time allows: whoever asks hands in a `Rerank`, which may decline. It reads
the passage with what was said just before and after, about 120 words: a passage alone begins in mid-sentence.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.channels import Pool
from knowledge.index.view import IndexView
from knowledge.reranking import Rerank

THIRD_LOOKS = 30
"""Of the second look's best, which are no fewer. A reranker reads each of them anew for every question, so the more,
the slower."""
MOST_CHARACTERS = 4_000
"""Of a text: about twice what most rerankers read. Only a passage of one endless segment is as long."""


def read_together(
    asked: Asked, pool: Pool, best: Sequence[int], view: IndexView, rerank: Rerank
) -> NDArray[np.float64] | None:
    """The reranker's score of each passage of the pool, nan for those that are not among the `best`; None where it
    declines."""
    texts = texts_around(pool, best, view)
    scores = rerank(asked.question.text, texts) if texts else None
    if scores is None:
        return None
    column = np.full(len(pool.passages), np.nan)
    column[list(best)] = scores
    return column


def texts_around(pool: Pool, best: Sequence[int], view: IndexView) -> list[str]:
    """Each of these passages with what lies around it, which does not overlap with it."""
    around = [[pool.near[row] for row in pool.around[at]] for at in best]
    said = {each.id: each.text for each in view.passages(list(dict.fromkeys(key for each in around for key in each)))}
    return [" ".join(said[key] for key in each if key in said)[:MOST_CHARACTERS] for each in around]
