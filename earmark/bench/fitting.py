"""Fitting the verdict: what finding saw of questions that are known to be answered or not, into coefficients.

Pure. bench/fit_verdict.py makes with it what ships, `calibrating` what one home has of its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from earmark.bench.outcomes import Numbers
from knowledge.finding.refusing import Features, Model, Sight, Verdicts

FEWEST_MISTAKES = 0.05
"""`covered` below the threshold that passes all but so many of the taught questions counts as absent."""
RIGHT_FROM = 0.9
"""Answers given are right so often, over the pooled sets with as many untaught questions as taught ones."""
SPEAKS_FOR = frozenset(
    {"cover_sentence", "cover_passage", "cover_sounds", "words_surprise", "dense_surprise", "sounds_surprise"}
    | {"agreement", "margin", "fused", "cosine", "close", "close_around", "close_gap"}
)
"""Of these, more can only be a better sign. Where a regression has it otherwise, it has learnt how the others go
together in its own sets, which other recordings need not share."""
DIGITS = 4
_STEPS, _HALVINGS, _SETTLED = 100, 30, 1e-9


class Label(StrEnum):
    """What a regression learns to tell: something here answers the question; the first moment does."""

    COVERED = "covered"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Example:
    """A question that was asked. `covered`: something answers it; `right`: the first moment did.

    `group`: of sets that share their texts.
    """

    set_name: str
    features: Features
    sight: Sight
    covered: bool
    right: bool
    group: str = ""

    def is_true(self, label: Label) -> bool:
        return self.covered if label is Label.COVERED else self.right


def half_untaught(examples: Sequence[Example], *, each: float = 100.0) -> Numbers:
    """Weights: every set's taught questions `each` together, and its untaught ones, too."""
    counts = Counter((example.set_name, example.covered) for example in examples)
    return np.array([each / counts[example.set_name, example.covered] for example in examples])


def fit(examples: Sequence[Example], names: Sequence[str], weights: Numbers) -> Verdicts:
    """From nothing: both regressions over these features, and the thresholds that they give."""
    covered, right = (fit_signed(examples, label, names, weights) for label in (Label.COVERED, Label.RIGHT))
    unset = Verdicts(covered, right, answered_from=1.0, absent_below=0.0)
    return with_thresholds(unset, told_by(unset, examples), examples, weights)


def fit_signed(examples: Sequence[Example], label: Label, names: Sequence[str], weights: Numbers) -> Model:
    """`fit_model`, leaving out one feature after the other of those that would speak against what they are a sign of,
    the one that would do so most first."""
    spread = dict(zip(names, _matrix(examples, names).std(axis=0).tolist(), strict=True))
    kept = list(names)
    while True:
        model = fit_model(examples, label, kept, weights)
        against = {name: model.weights[name] * spread[name] for name in kept if name in SPEAKS_FOR}
        worst = min(against, key=lambda name: against[name], default=None)
        if worst is None or against[worst] >= 0:
            return model
        kept.remove(worst)


def fit_model(
    examples: Sequence[Example],
    label: Label,
    names: Sequence[str],
    weights: Numbers,
    *,
    start: Model | None = None,
    penalty: float = 1.0,
) -> Model:
    """Logistic regression with an L2 penalty on how far it goes away from `start`, else from 0.

    Features are brought to one scale, that of these examples, so that the penalty weighs all of them alike; one that
    is the same everywhere stays as `start` has it. The intercept is free.
    """
    matrix = _matrix(examples, names)
    mean, spread = matrix.mean(axis=0), matrix.std(axis=0)
    still = spread < 1e-9
    scaled = np.where(still, 0.0, (matrix - mean) / np.where(still, 1.0, spread))
    offset = np.zeros(len(examples)) if start is None else logits(start, examples)
    intercept, found = _regression(scaled, _labels(examples, label), weights, offset, penalty)
    change = np.where(still, 0.0, found / np.where(still, 1.0, spread))
    before = {} if start is None else start.weights
    moved = {name: before.get(name, 0.0) + float(each) for name, each in zip(names, change, strict=True)}
    base = 0.0 if start is None else start.intercept
    return _rounded(base + intercept - float(change @ mean), {**before, **moved})


def stretch_model(
    examples: Sequence[Example], label: Label, weights: Numbers, *, start: Model, penalty: float = 1.0
) -> Model:
    """Two numbers alone: `start`'s logits times one plus another (Platt 1999), the first held near 1."""
    logit = logits(start, examples)
    mean, spread = float(logit.mean()), max(float(logit.std()), 1e-9)
    scaled = ((logit - mean) / spread)[:, None]
    intercept, found = _regression(scaled, _labels(examples, label), weights, logit, penalty)
    by = float(found[0]) / spread
    stretched = {name: (1 + by) * each for name, each in start.weights.items()}
    return _rounded((1 + by) * start.intercept + intercept - by * mean, stretched)


def told_by(verdicts: Verdicts, examples: Sequence[Example]) -> NDArray[np.float64]:
    """`covered` and `probability` as finding tells them, shape (2, n)."""
    return np.array([verdicts.told(each.features) for each in examples], dtype=np.float64).reshape(-1, 2).T


def with_thresholds(
    verdicts: Verdicts, told: NDArray[np.float64], examples: Sequence[Example], weights: Numbers
) -> Verdicts:
    """The same models, with the thresholds that follow from what was told, shape (2, n)."""
    taught = np.array([example.covered for example in examples])
    absent_below = float(np.quantile(told[0][taught], FEWEST_MISTAKES))
    answered_from = lowest_precise(told[1], examples, weights)
    absent_below = min(absent_below, answered_from)  # what counts as absent is never answered
    return replace(verdicts, answered_from=round(answered_from, DIGITS), absent_below=round(absent_below, DIGITS))


def lowest_precise(sure: Numbers, examples: Sequence[Example], weights: Numbers) -> float:
    """The lowest probability from which on answers are right often enough, as the examples are weighed; else 1."""
    order = np.argsort(sure)[::-1]
    right = np.array([example.right for example in examples])[order]
    precise = np.cumsum(weights[order] * right) >= RIGHT_FROM * np.cumsum(weights[order])
    return float(sure[order][precise][-1]) if precise.any() else 1.0


def logits(model: Model, examples: Sequence[Example]) -> Numbers:
    weights = np.array(list(model.weights.values()))
    return np.asarray(model.intercept + _matrix(examples, tuple(model.weights)) @ weights)


def log_loss(model: Model, label: Label, examples: Sequence[Example], weights: Numbers) -> float:
    """Summed, weighed: what a regression makes small."""
    return _loss(logits(model, examples), _labels(examples, label), weights)


def _rounded(intercept: float, weights: dict[str, float]) -> Model:
    return Model(round(intercept, DIGITS), {name: round(each, DIGITS) for name, each in weights.items()})


def _matrix(examples: Sequence[Example], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[getattr(each.features, name) for name in names] for each in examples], dtype=np.float64)


def _labels(examples: Sequence[Example], label: Label) -> NDArray[np.bool_]:
    return np.array([example.is_true(label) for example in examples])


def _regression(
    matrix: NDArray[np.float64], labels: NDArray[np.bool_], weights: Numbers, offset: Numbers, penalty: float
) -> tuple[float, Numbers]:
    """Newton's method with steps halved while they lead up. The penalty makes the loss strictly convex in all but the
    intercept, which both labels being there holds."""
    design = np.column_stack([np.ones(len(matrix)), matrix])
    held = np.full(design.shape[1], penalty)
    held[0] = 0.0
    at = np.zeros(design.shape[1])

    def loss(where: Numbers) -> float:
        return _loss(offset + design @ where, labels, weights) + 0.5 * float(held @ where**2)

    now = loss(at)
    for _ in range(_STEPS):
        told = 1.0 / (1.0 + np.exp(-np.clip(offset + design @ at, -30.0, 30.0)))
        slope = design.T @ (weights * (told - labels)) + held * at
        bend = (design.T * (weights * told * (1.0 - told))) @ design + np.diag(held + 1e-9)
        step = np.linalg.solve(bend, slope)
        for _ in range(_HALVINGS):
            then = loss(at - step)
            if then <= now:
                break
            step /= 2
        if then > now:
            break
        at, settled, now = at - step, now - then < _SETTLED * (1.0 + abs(now)), then
        if settled:
            break
    return float(at[0]), at[1:]


def _loss(logit: Numbers, labels: NDArray[np.bool_], weights: Numbers) -> float:
    return float(weights @ np.logaddexp(0.0, np.where(labels, -logit, logit)))
