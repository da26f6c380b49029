"""Does a told probability mean what it says? Pure functions over told numbers, what was true, and weights.

`weights`: float64, shape (rounds, n): how often each question counts in each round; a single row of ones for the
questions as they are, many rows of a bootstrap's counts for its intervals. Results have shape (rounds,), nan where
a round has nothing to go by.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.bench.outcomes import Flags, Numbers

Weights = NDArray[np.float64]
BINS = 10
PRECISION = 0.95


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions that were told a probability in [low, high), the last bin with its end. None: there are none."""

    low: float
    high: float
    count: int
    mean_told: float | None
    share_true: float | None

    def as_document(self) -> dict[str, object]:
        return {
            "from": round(self.low, 4),
            "to": round(self.high, 4),
            "count": self.count,
            "mean_told": None if self.mean_told is None else round(self.mean_told, 4),
            "share_true": None if self.share_true is None else round(self.share_true, 4),
        }


def reliability(told: Numbers, true: Flags, *, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width: how many were told so much, and how many of them were true."""
    at = _bin_of(told, bins)
    return tuple(_bin(place, bins, told[at == place], true[at == place]) for place in range(bins))


def calibration_error(told: Numbers, true: Flags, weights: Weights, *, bins: int = BINS) -> Numbers:
    """Expected calibration error: the bins' |share true - mean told|, weighed by their questions.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), equation 3; bins of equal width.
    """
    in_bin = np.eye(bins)[_bin_of(told, bins)]
    gaps = np.abs((weights * (true - told)) @ in_bin).sum(axis=1)
    return _divided(gaps, weights.sum(axis=1))


def discrimination(told: Numbers, true: Flags, weights: Weights) -> Numbers:
    """AUROC: how often a true one was told more than an untrue one; equal ones count half."""
    positive, negative = _by_level(told, weights * true), _by_level(told, weights * ~true)
    below = np.cumsum(negative, axis=1) - negative
    above = (positive * (below + negative / 2)).sum(axis=1)
    return _divided(above, positive.sum(axis=1) * negative.sum(axis=1))


def coverage(
    told: Numbers, true: Flags, answerable: Flags, weights: Weights, *, precision: float = PRECISION
) -> Numbers:
    """The share of answerable questions told at least the lowest threshold from which on `precision` of those
    accepted are true, as if there were as many answerable as unanswerable ones; 0 where no threshold reaches it."""
    halves = balanced(answerable, weights)
    accepted, good = _from_level(told, halves), _from_level(told, halves * true)
    precise = (good >= precision * accepted) & (good > 0)
    lowest = precise.argmax(axis=1)
    rounds = np.arange(len(weights))
    covered = 2 * _from_level(told, halves * answerable)[rounds, lowest]
    covered[~precise.any(axis=1)] = 0.0
    covered[np.isnan(halves).any(axis=1)] = np.nan
    return np.asarray(covered)


def balanced(answerable: Flags, weights: Weights) -> Weights:
    """Weights that give answerable and unanswerable questions half each; nan rows where one kind is missing."""
    halves = np.empty_like(weights)
    for kind in (answerable, ~answerable):
        halves[:, kind] = _divided(weights[:, kind].T, 2 * weights[:, kind].sum(axis=1)).T
    both = (weights[:, answerable].sum(axis=1) > 0) & (weights[:, ~answerable].sum(axis=1) > 0)
    halves[~both] = np.nan
    return halves


def _bin(place: int, bins: int, told: Numbers, true: Flags) -> Bin:
    means = (float(told.mean()), float(true.mean())) if len(told) else (None, None)
    return Bin(place / bins, (place + 1) / bins, len(told), *means)


def _bin_of(told: Numbers, bins: int) -> NDArray[np.int64]:
    return np.minimum((told * bins).astype(np.int64), bins - 1)


def _by_level(told: Numbers, weights: Weights) -> Weights:
    """The weights summed over questions that were told the same, lowest first: shape (rounds, levels)."""
    order = np.argsort(told, kind="stable")
    starts = np.unique(told[order], return_index=True)[1]
    return np.asarray(np.add.reduceat(weights[:, order], starts, axis=1))


def _from_level(told: Numbers, weights: Weights) -> Weights:
    """The weights of everything told so much or more."""
    return np.asarray(np.cumsum(_by_level(told, weights)[:, ::-1], axis=1)[:, ::-1])


def _divided(above: Numbers, below: Numbers) -> Numbers:
    """nan where there is nothing to divide by."""
    return np.asarray(above / np.where(below > 0, below, np.nan))
