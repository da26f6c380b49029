"""A second look at the best of the pool: what costs too much to be asked of every candidate.

Late interaction: each of the question's tokens looks for the nearest token of the passage (MaxSim, as in ColBERT;
Khattab and Zaharia 2020), over the very embedder that gave the passage's own vector. And for passages in another
language that is written alike, the runs of letters that both share.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import count_in
from knowledge.finding.channels import CHANNELS, Channel, Pool, embedder_speaks, is_foreign, over_around
from knowledge.index.tokens import hashes_of
from knowledge.index.view import IndexView
from knowledge.inner_products import inner_products
from knowledge.token_vectors import TokenRows, TokenVectors

BEST_OF_ALL, BEST_OF_EACH = 30, 10
"""Looked at again are so many of the pool's best by the first fusion, and the best of every channel by itself: what one
channel found alone is what the tokens may confirm. Some 45 passages; more of them find no more (docs/quality.md)."""
_GRAM = 4
_WORD = re.compile(r"\w+")


def worth_a_second_look(pool: Pool, first: Sequence[int]) -> list[int]:
    """Rows of the pool, in the order of `first`, which has them all, best first."""
    chosen = set(first[:BEST_OF_ALL])
    for column in pool.scores.T:
        known = np.flatnonzero(~np.isnan(column))
        chosen.update(known[np.argsort(-column[known], kind="stable")][:BEST_OF_EACH].tolist())
    return [at for at in first if at in chosen]


def look_again(asked: Asked, pool: Pool, best: Sequence[int], view: IndexView) -> Pool:
    """Of the pool those `best`, in this order, with every channel's score."""
    passages = [pool.passages[at] for at in best]
    rows = sorted({row for at in best for row in pool.around[at]})
    place = {row: at for at, row in enumerate(rows)}
    chosen = replace(
        pool,
        passages=passages,
        tokens=[pool.tokens[at] for at in best],
        scores=pool.scores[list(best)],
        near=[pool.near[row] for row in rows],
        own=[place[pool.own[at]] for at in best],
        around=[[place[row] for row in pool.around[at]] for at in best],
    )
    if asked.close is not None and embedder_speaks(asked, passages).any():
        _score_tokens(asked, chosen, view)
    if any(is_foreign(asked, each) for each in passages):
        chosen.scores[:, CHANNELS.index(Channel.LETTERS)] = _letter_scores(asked, chosen, view)
    return chosen


def _score_tokens(asked: Asked, pool: Pool, view: IndexView) -> None:
    assert asked.close is not None
    nearest = max_similarities(asked.close, view.token_vectors(pool.near))
    own = nearest[pool.own]
    around = over_around(np.fmax, nearest, pool.around)  # which is nan only where none of them is known
    silent = ~embedder_speaks(asked, pool.passages)
    for channel, values in ((Channel.TOKENS, own), (Channel.TOKENS_AROUND, around)):
        scores = values @ asked.close_weights
        pool.scores[:, CHANNELS.index(channel)] = np.where(silent, np.nan, scores)


def max_similarities(question: TokenVectors, passages: TokenRows) -> NDArray[np.float64]:
    """The cosine of each of the question's tokens with the nearest token of each passage, at least 0: shape
    (passages, tokens of the question); nan for a passage whose tokens are not known."""
    found = np.full((len(passages.counts), len(question)), np.nan)
    known = passages.counts > 0
    if known.any():
        cosines = inner_products(passages.vectors, question.vectors)
        starts = np.cumsum(passages.counts) - passages.counts
        found[known] = np.maximum.reduceat(cosines, starts[known], axis=0).clip(0.0)
    return found


def _letter_scores(asked: Asked, pool: Pool, view: IndexView) -> NDArray[np.float64]:
    """Which share of the question's 4-letter runs each passage has, the rarer in this pool the more: names and roots
    that languages share. nan for passages in the question's own language."""
    texts = {each.id: each.text for each in view.passages([each.id for each in pool.passages])}
    asked_runs = Counter(letter_runs(asked.question.text))
    held = count_in([hashes_of(letter_runs(texts.get(each.id, ""))) for each in pool.passages], list(asked_runs)) > 0
    holding = held.sum(axis=0)
    told = np.log1p((len(held) - holding + 0.5) / (holding + 0.5)) * np.fromiter(asked_runs.values(), float)
    foreign = np.array([is_foreign(asked, each) for each in pool.passages])
    return np.where(foreign, held @ told / max(float(told.sum()), 1e-9), np.nan)


def letter_runs(text: str) -> list[str]:
    plain = f" {' '.join(_WORD.findall(text.casefold()))} "
    return [plain[at : at + _GRAM] for at in range(len(plain) - _GRAM + 1)]
