"""What a question's hits say about whether it is answered: the verdict's features, taken from the pool."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import idf, taken_apart
from knowledge.finding.channels import CHANNELS, Channel, Pool
from knowledge.finding.diversify import Ranked, same_moment
from knowledge.finding.moment import Hit
from knowledge.finding.quoting import cover
from knowledge.finding.refusing import Features, Sight
from knowledge.finding.scale import z_scores
from knowledge.index.view import TokenField

FEWEST_SEARCHED = 100
"""Passages: about the smallest corpus the verdict was fitted on. A home with one recording is judged like that one,
not by carrying the line on beyond what was seen, where a right answer counted as absent."""


def evidence(
    asked: Asked, pool: Pool, closer: Pool, ranked: Sequence[Ranked], first: Hit, *, searched: int
) -> Features:
    """`closer`: the best of the pool, looked at again; `ranked`: the first moment, then the rest of the pool, best
    first; `first`: the hit that would be played; `searched`: passages there were. A reranker has no part in any of
    these: nothing was fitted with one."""
    best = ranked[0]
    passage, sentence = closer.tokens[best.at], taken_apart(first.sentence.text, best.passage.language)
    said, heard = cover([sentence.words, passage.words], asked, TokenField.WORDS)
    return Features(
        cover_sentence=float(said),
        cover_passage=float(heard),
        cover_sounds=float(cover([passage.sounds], asked, TokenField.SOUNDS)[0]),
        told=math.log1p(_told(asked)),
        words_surprise=_surprise(pool, Channel.WORDS),
        dense_surprise=_surprise(pool, Channel.DENSE),
        sounds_surprise=_surprise(pool, Channel.SOUNDS),
        agreement=_agreement(closer, best),
        margin=_margin(ranked),
        fused=best.score,
        cosine=_score(closer, Channel.DENSE, best.at),
        close=_score(closer, Channel.TOKENS, best.at),
        close_around=_score(closer, Channel.TOKENS_AROUND, best.at),
        close_gap=_gap(closer, Channel.TOKENS_AROUND, best.at),
        searched=math.log10(max(searched, FEWEST_SEARCHED)),
        dense_speaks=float(asked.embedder_knows_it and not np.isnan(_column(pool, Channel.DENSE)).all()),
    )


def sight_of(closer: Pool, best: Ranked) -> Sight:
    """What the second look saw of the best passage."""
    dense, tokens = (_column(closer, each)[best.at] for each in (Channel.DENSE, Channel.TOKENS))
    return Sight.WITHOUT_TOKENS if np.isnan(tokens) and not np.isnan(dense) else Sight.WHOLE


def _column(pool: Pool, channel: Channel) -> NDArray[np.float64]:
    return pool.scores[:, CHANNELS.index(channel)]


def _score(pool: Pool, channel: Channel, at: int) -> float:
    return float(np.nan_to_num(_column(pool, channel)[at]))


def _gap(pool: Pool, channel: Channel, at: int) -> float:
    column = _column(pool, channel)
    if np.isnan(column[at]):
        return 0.0
    mean = float(np.nanmean(column))
    return (float(column[at]) - mean) / max(1.0 - mean, 1e-6)


def _surprise(pool: Pool, channel: Channel) -> float:
    column = z_scores(_column(pool, channel)[:, None])[:, 0]
    by_chance = math.sqrt(2 * math.log(max(len(column), 2)))
    return 0.0 if np.isnan(column).all() else float(np.nanmax(column)) - by_chance


def _agreement(pool: Pool, first: Ranked) -> float:
    """Of the channels that speak, the share whose own best passage lies in the first moment."""
    agree = [
        same_moment(pool.passages[int(np.nanargmax(column))], first.passage)
        for column in pool.scores.T
        if not np.isnan(column).all()
    ]
    return sum(agree) / len(agree) if agree else 0.0


def _margin(ranked: Sequence[Ranked]) -> float:
    """None where a reranker put first what is behind by these scores: in what was fitted on nothing was."""
    for other in ranked[1:]:
        if not same_moment(ranked[0].passage, other.passage):
            return max(0.0, ranked[0].score - other.score)
    return 0.0


def _told(asked: Asked) -> float:
    tokens = sorted(set(asked.tokens.words))
    return float(idf(tokens, asked.statistics[TokenField.WORDS]).sum()) if tokens else 0.0
