"""The figures of finding by name: each says what it makes of the outcomes, and whether more of it is better.

A measure with `each` is the mean of a number a question has (nan: the question does not count); so two runs can be
told apart question by question. The others are made of all questions together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from earmark.bench.calibration import Weights, balanced, calibration_error, coverage, discrimination
from earmark.bench.metrics import Unit
from earmark.bench.outcomes import DEPTH, Columns, Flags, Numbers

Each = Callable[[Columns], Numbers]
Whole = Callable[[Columns, Weights], Numbers]
IsTrue = Callable[[Columns], Flags]


@dataclass(frozen=True, slots=True)
class Measure:
    """`whole`: (columns, weights of shape (rounds, n)) → a value a round, nan where a round cannot say.

    `each`: a number a question; `is_mean`: the whole is their mean.
    """

    name: str
    whole: Whole
    each: Each | None = None
    unit: Unit = Unit.SHARE
    more_is_better: bool = True
    is_mean: bool = False


def mean_of(name: str, each: Each, *, unit: Unit = Unit.SHARE, more_is_better: bool = True) -> Measure:
    def whole(columns: Columns, weights: Weights) -> Numbers:
        return _mean(each(columns), weights)

    return Measure(name, whole, each, unit, more_is_better, is_mean=True)


def hit_within(k: int, columns: Columns) -> Numbers:
    return _where(columns.answerable, columns.first <= k)


def reciprocal(depth: float, columns: Columns) -> Numbers:
    return _where(columns.answerable, np.where(columns.first <= depth, 1.0 / columns.first, 0.0))


def retrieval_measures() -> tuple[Measure, ...]:
    return (
        *(mean_of(f"R@{k}", partial(hit_within, k)) for k in (1, 5, 10)),
        mean_of(f"MRR@{DEPTH}", partial(reciprocal, DEPTH)),
        mean_of(f"nDCG@{DEPTH}", lambda columns: _where(columns.answerable, columns.gain)),
        *honesty_measures(),
    )


def lectures_measures() -> tuple[Measure, ...]:
    """The same rules as the outside scorer's, score_moments.py."""
    return (
        *(mean_of(f"moment@{k}", partial(hit_within, k)) for k in (1, 3, 5)),
        mean_of("MRR", partial(reciprocal, np.inf)),
        Measure("start error median", partial(_quantile, 0.5), _start_error, Unit.SECONDS, more_is_better=False),
        Measure("start error p90", partial(_quantile, 0.9), _start_error, Unit.SECONDS, more_is_better=False),
        *honesty_measures(),
    )


def honesty_measures() -> tuple[Measure, ...]:
    """What unanswerable questions have a part in: is what is told of an answer true?"""
    numbers: tuple[tuple[str, Each, IsTrue], ...] = (
        ("covered", lambda columns: columns.covered, lambda columns: columns.answerable),
        ("probability", lambda columns: columns.probability, lambda columns: columns.right),
    )
    told = (measure for name, each, true in numbers for measure in _told_measures(name, each, true))
    return (*_confident_measures(), *told)


def _confident_measures() -> tuple[Measure, ...]:
    """`confident`: the verdict was `answered`; it is right where the first hit is."""
    return (
        mean_of("confident precision", lambda columns: _where(columns.confident, columns.right)),
        mean_of("confident recall", lambda columns: _where(columns.answerable, columns.confident & columns.right)),
        Measure("confident F1", _f1),
        mean_of("confident where answerable", lambda columns: _where(columns.answerable, columns.confident)),
        mean_of(
            "confident where unanswerable",
            lambda columns: _where(~columns.answerable, columns.confident),
            more_is_better=False,
        ),
    )


def _told_measures(name: str, told: Each, true: IsTrue) -> tuple[Measure, ...]:
    def covers(columns: Columns, weights: Weights) -> Numbers:
        return coverage(told(columns), true(columns), columns.answerable, weights)

    def tells_apart(columns: Columns, weights: Weights) -> Numbers:
        return discrimination(told(columns), true(columns), weights)

    def errs(columns: Columns, weights: Weights) -> Numbers:
        kept = np.where(np.isnan(tells_apart(columns, weights))[:, None], np.nan, weights)
        return calibration_error(told(columns), true(columns), kept)

    def errs_at_halves(columns: Columns, weights: Weights) -> Numbers:
        return calibration_error(told(columns), true(columns), balanced(columns.answerable, weights))

    return (
        Measure(f"{name} coverage at 95 %", covers),
        Measure(f"{name} AUROC", tells_apart),
        Measure(f"{name} ECE", errs, more_is_better=False),
        Measure(f"{name} ECE, half unanswerable", errs_at_halves, more_is_better=False),
    )


def _start_error(columns: Columns) -> Numbers:
    return np.where(columns.right, columns.start_error_s, np.nan)


def _quantile(q: float, columns: Columns, weights: Weights) -> Numbers:
    """Linear between neighbours, over the right first hits, each as often as its weight says."""
    known = ~np.isnan(_start_error(columns))
    errors, counts = columns.start_error_s[known], weights[:, known].astype(np.int64)
    return np.array([np.quantile(np.repeat(errors, row), q) if row.any() else np.nan for row in counts])


def _f1(columns: Columns, weights: Weights) -> Numbers:
    """Harmonic mean of precision and recall; 0 where nothing was both confident and right."""
    said = (weights * columns.confident).sum(axis=1)
    answerable = (weights * columns.answerable).sum(axis=1)
    right = (weights * (columns.confident & columns.right)).sum(axis=1)
    return np.asarray(2 * right / np.where(answerable > 0, said + answerable, np.nan))


def _mean(values: Numbers, weights: Weights) -> Numbers:
    counted = ~np.isnan(values)
    total = weights[:, counted].sum(axis=1)
    return np.asarray((weights[:, counted] @ values[counted]) / np.where(total > 0, total, np.nan))


def _where(counts: Flags, values: Numbers | Flags) -> Numbers:
    return np.where(counts, np.asarray(values, dtype=np.float64), np.nan)
