"""Chance, seeded: how often each question counts in a bootstrap's rounds, and what a figure's rounds say of it."""

from collections.abc import Iterable

import numpy as np

from earmark.bench.calibration import Weights
from earmark.bench.measures import Measure
from earmark.bench.metrics import BOOTSTRAPS, SEED, Figure
from earmark.bench.outcomes import Columns, Numbers

INTERVAL = (0.025, 0.975)


def every_question_once(questions: int) -> Weights:
    return np.ones((1, questions))


def bootstrap_weights(questions: int, *, rounds: int = BOOTSTRAPS, seed: int = SEED) -> Weights:
    """Counts of `questions` drawn with replacement, shape (rounds, questions). The same seed gives the same counts."""
    drawn = np.random.default_rng(seed).integers(0, questions, (rounds, questions))
    counts = [np.bincount(each, minlength=questions) for each in drawn]
    return np.array(counts, dtype=np.float64).reshape(rounds, questions)


def interval_of(values: Numbers) -> tuple[float, float]:
    """The middle 95 % of the rounds that could say anything; Efron's percentile interval. 0 where none could."""
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, INTERVAL) if len(known) else (0.0, 0.0)
    return float(low), float(high)


def figures_of(columns: Columns, measures: Iterable[Measure]) -> dict[str, Figure]:
    """Every figure that these questions can give, with its interval. All are resampled by the same counts."""
    if not len(columns):
        return {}
    once, many = every_question_once(len(columns)), bootstrap_weights(len(columns))
    figures = {}
    for measure in measures:
        value = float(measure.whole(columns, once)[0])
        if not np.isnan(value):
            low, high = interval_of(measure.whole(columns, many))
            figures[measure.name] = Figure(value, low, high, _counted(measure, columns), measure.unit)
    return figures


def _counted(measure: Measure, columns: Columns) -> int:
    return len(columns) if measure.each is None else int((~np.isnan(measure.each(columns))).sum())
