"""What a question's hits say about whether it is answered: the verdict's features, taken from the pool."""

import math
from collections.abc import Sequence

import numpy as np

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import idf, taken_apart
from knowledge.finding.channels import CHANNELS, Channel, Pool
from knowledge.finding.diversify import Ranked, same_moment
from knowledge.finding.moment import Hit
from knowledge.finding.quoting import cover
from knowledge.finding.refusing import Features
from knowledge.finding.scale import z_scores
from knowledge.index.view import TokenField

FEWEST_SEARCHED = 100
"""Passages: about the smallest corpus the verdict was fitted on. A home with one recording is judged like that one,
not by carrying the line on beyond what was seen, where a right answer counted as absent."""


def evidence(
    asked: Asked, pool: Pool, closer: Pool, ranked: Sequence[Ranked], first: Hit, *, searched: int
) -> Features:
    """`closer`: the best of the pool, looked at again; `ranked`: the whole pool, best first; `first`: the hit that
    would be played; `searched`: passages there were."""
    best = ranked[0].passage
    sentence = taken_apart(first.sentence.text, best.language)
    passage = closer.tokens[ranked[0].at]
    said, heard = cover([sentence.words, passage.words], asked, TokenField.WORDS)
    sounds = cover([passage.sounds], asked, TokenField.SOUNDS)[0]
    surprise = _surprises(pool)
    return Features(
        cover_sentence=float(said),
        cover_passage=float(heard),
        cover_sounds=float(sounds),
        words_surprise=surprise[Channel.WORDS],
        dense_surprise=surprise[Channel.DENSE],
        sounds_surprise=surprise[Channel.SOUNDS],
        agreement=_agreement(closer, ranked[0]),
        margin=_margin(ranked),
        told=_told(asked),
        searched=math.log10(max(searched, FEWEST_SEARCHED)),
        dense_speaks=float(not np.isnan(pool.scores[:, CHANNELS.index(Channel.DENSE)]).all()),
    )


def _surprises(pool: Pool) -> dict[Channel, float]:
    scaled = z_scores(pool.scores)
    by_chance = math.sqrt(2 * math.log(max(len(pool.passages), 2)))
    return {
        channel: 0.0 if np.isnan(column).all() else float(np.nanmax(column)) - by_chance
        for channel, column in zip(CHANNELS, scaled.T, strict=True)
    }


def _agreement(pool: Pool, first: Ranked) -> float:
    """Of the channels that speak, the share whose own best passage lies in the first moment."""
    agree = [
        same_moment(pool.passages[int(np.nanargmax(column))], first.passage)
        for column in pool.scores.T
        if not np.isnan(column).all()
    ]
    return sum(agree) / len(agree) if agree else 0.0


def _margin(ranked: Sequence[Ranked]) -> float:
    for other in ranked[1:]:
        if not same_moment(ranked[0].passage, other.passage):
            return ranked[0].score - other.score
    return 0.0


def _told(asked: Asked) -> float:
    tokens = sorted(set(asked.tokens.words))
    return math.log1p(float(idf(tokens, asked.statistics[TokenField.WORDS]).sum())) if tokens else 0.0
