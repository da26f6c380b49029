"""The figures of finding, as pure functions: ranks in, shares with their intervals out. Ties count against us."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2

import numpy as np
from numpy.typing import NDArray

BOOTSTRAPS = 1000
SEED = 1


class Unit(StrEnum):
    """What a figure counts in: shares from 0 to 1, shown in %, or seconds."""

    SHARE = "share"
    SECONDS = "s"

    def shown(self, value: float) -> str:
        return f"{100 * value:.1f}" if self is Unit.SHARE else f"{value:.1f} s"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over `questions`, with the 95 % interval of resampling them."""

    value: float
    low: float
    high: float
    questions: int
    unit: Unit = Unit.SHARE

    def as_document(self) -> dict[str, object]:
        interval = [round(self.low, 4), round(self.high, 4)]
        return {"value": round(self.value, 4), "interval": interval, "questions": self.questions}

    def __str__(self) -> str:
        shown = self.unit.shown
        return f"{shown(self.value)} [{shown(self.low)}, {shown(self.high)}]"


def mean_figure(values: Sequence[float]) -> Figure:
    """The same questions give the same interval: the resampling is seeded."""
    if not values:
        return Figure(0.0, 0.0, 0.0, 0)
    kept = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(SEED)
    means = [kept[chance.integers(0, len(kept), len(kept))].mean() for _ in range(BOOTSTRAPS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Figure(float(kept.mean()), float(low), float(high), len(kept))


def worst_ranks(scores: Mapping[str, float], relevant: Collection[str]) -> list[int]:
    """Ranks, from 1, of the relevant documents that were found; an equal score of another stands before them."""
    found = sorted((scores[each] for each in relevant if each in scores), reverse=True)
    others = [score for document, score in scores.items() if document not in relevant]
    return [place + 1 + sum(other >= score for other in others) for place, score in enumerate(found)]


def hit_at(ranks: Sequence[int], k: int) -> float:
    """R@k as FINDING counts it: is any relevant document among the first k?"""
    return float(any(rank <= k for rank in ranks))


def reciprocal_rank(ranks: Sequence[int], k: int) -> float:
    return max((1.0 / rank for rank in ranks if rank <= k), default=0.0)


def ndcg(ranks: Sequence[int], relevant: int, k: int) -> float:
    """Normalised discounted gain of yes-or-no judgements; `relevant`: how many documents there were to find."""
    best = sum(1.0 / log2(place + 1) for place in range(1, min(relevant, k) + 1))
    return sum(1.0 / log2(rank + 1) for rank in ranks if rank <= k) / best if best else 0.0


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How often a positive one scores above a negative one; an equal score counts half."""
    if not positive or not negative:
        return 0.0
    against = np.sort(np.asarray(negative))
    below = np.searchsorted(against, positive, side="left")
    not_above = np.searchsorted(against, positive, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def threshold_at_precision(positive: Sequence[float], negative: Sequence[float], *, precision: float) -> float | None:
    """The lowest threshold whose acceptances are right so often, as if there were as many of one kind as of the other.

    None where no threshold reaches it.
    """
    levels = np.unique(np.concatenate([positive, negative]))
    accepted, mistaken = _share_from(positive, levels), _share_from(negative, levels)
    good = accepted >= precision * (accepted + mistaken)
    good &= accepted > 0
    return float(levels[good][0]) if good.any() else None


def coverage_at_precision(positive: Sequence[float], negative: Sequence[float], *, precision: float = 0.95) -> float:
    """The share of positive ones accepted at that threshold."""
    if not positive or not negative:
        return 0.0
    threshold = threshold_at_precision(positive, negative, precision=precision)
    return 0.0 if threshold is None else float(np.mean(np.asarray(positive) >= threshold))


def _share_from(values: Sequence[float], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    below = np.searchsorted(np.sort(np.asarray(values)), levels, side="left")
    return np.asarray(1.0 - below / len(values))
