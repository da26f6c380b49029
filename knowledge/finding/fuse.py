"""One score out of several channels: a weighted sum of z-scores, never of ranks.

Reciprocal rank fusion lost to BM25 alone at rank 1 wherever it was measured (FINDING). A channel that does not know
the question's or the passage's language has no say in that pair, and the others' weights grow to fill its place.
The weights are round ones, chosen on the development sets on 2026-11-21; docs/quality.md has what each of them adds,
and what weights learnt on some of the sets do on the others (no better).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import attainable
from knowledge.finding.channels import CHANNELS, Channel, Scores, is_far, is_foreign
from knowledge.finding.languages import Script
from knowledge.finding.scale import z_scores
from knowledge.index.view import Place, TokenField

Weights = Mapping[Channel, float]

SAME: Weights = {
    Channel.DENSE: 0.3,
    Channel.DENSE_AROUND: 0.3,
    Channel.DENSE_RECORDING: 0.15,
    Channel.WORDS: 0.3,
    Channel.WORDS_AROUND: 0.15,
    Channel.SOUNDS: 0.3,
    Channel.SOUNDS_AROUND: 0.2,
    Channel.TOKENS: 0.6,
    Channel.TOKENS_AROUND: 0.4,
}
"""Question and passage in one language."""
HAN: Weights = {**SAME, Channel.WORDS: 0.4, Channel.WORDS_AROUND: 0.2, Channel.SOUNDS: 0.4, Channel.SOUNDS_AROUND: 0.3}
"""The same, where a syllable of sound tells nearly as much as the sign that is written for it."""
FOREIGN: Weights = {
    Channel.DENSE: 0.2,
    Channel.WORDS: 0.1,
    Channel.SOUNDS: 0.2,
    Channel.TOKENS: 0.3,
    Channel.LETTERS: 0.6,
}
"""In two languages written alike, one of which the embedder does not know: what counts is what they share."""
FAR: Weights = {
    **SAME,
    Channel.WORDS: 0.1,
    Channel.WORDS_AROUND: 0.05,
    Channel.SOUNDS: 0.05,
    Channel.SOUNDS_AROUND: 0.0,
}
"""In two languages that the embedder knows both: meaning counts, and words only as far as names go. Not measured: no
multilingual embedder was at hand."""
FULL_VOICE = 0.4
"""Sounds speak with their whole weight from this share of what they could score. Below it nothing sounds like the
question and their best is chance: questions in other words than the lecture's gain most (moments 67 to 78 %)."""


RERANKED_SHARE = 0.5
"""A reranker's part of the whole weight, where there is one. Not measured: no cross-encoder was at hand. Among the best
its scores lie further apart than the sum of the others, so that it leads and they decide what it leaves open."""


@dataclass(frozen=True, slots=True)
class Fused:
    """`scores`: one a passage. What they are made of: `scaled` times `weights`, shape (passages, channels), over
    `total`, the weight of all channels that speak there."""

    scores: NDArray[np.float64]
    scaled: Scores
    weights: NDArray[np.float64]
    total: NDArray[np.float64]


def fuse(asked: Asked, passages: Sequence[Place], scores: Scores, scaled: Scores | None = None) -> Fused:
    """`scaled`: where these passages stood among more of them, nan where that is not known. It is kept: among the best
    alone, whose scores lie close together, small differences would be taken for large ones."""
    standing = z_scores(scores) if scaled is None else np.where(np.isnan(scaled), z_scores(scores), scaled)
    voices = np.array([[weights.get(channel, 0.0) for channel in CHANNELS] for weights in _kinds(asked, passages)])
    voices = voices.reshape(len(passages), len(CHANNELS))
    for channel in (Channel.SOUNDS, Channel.SOUNDS_AROUND):
        voices[:, CHANNELS.index(channel)] *= sound_voice(asked, scores)
    return weigh(standing, voices)


def with_reranked(fused: Fused, column: NDArray[np.float64]) -> Fused:
    """The same with a reranker's scores, one a passage: nan where it was not asked, and there nothing changes. Where
    it says the same of all that it was asked about, their order stays."""
    at = CHANNELS.index(Channel.RERANKED)
    scaled, voices = fused.scaled.copy(), fused.weights.copy()
    scaled[:, at] = z_scores(column[:, None])[:, 0]
    voices[:, at] = fused.total * RERANKED_SHARE / (1 - RERANKED_SHARE)
    return weigh(scaled, voices)


def sound_voice(asked: Asked, scores: Scores) -> float:
    """0 to 1: how much of the question anything here sounds like."""
    sounds = scores[:, CHANNELS.index(Channel.SOUNDS)]
    most = attainable(asked.tokens.sounds, asked.statistics[TokenField.SOUNDS])
    if most <= 0 or np.isnan(sounds).all():
        return 0.0
    return min(1.0, float(np.nanmax(sounds)) / (FULL_VOICE * most))


def weigh(scaled: Scores, voices: NDArray[np.float64]) -> Fused:
    """`voices`: the channels' weights, for all passages or for each."""
    weights = np.where(np.isnan(scaled), 0.0, voices)
    total = weights.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    return Fused((np.nan_to_num(scaled) * weights).sum(axis=1) / total, scaled, weights, total)


def _kinds(asked: Asked, passages: Sequence[Place]) -> list[Weights]:
    same = HAN if asked.script is Script.HAN else SAME
    return [FAR if is_far(asked, each) else FOREIGN if is_foreign(asked, each) else same for each in passages]
