"""Two runs over the same questions: did finding change, or was it chance?

Pairs are told apart question by question, never by whether two intervals overlap. Everything is seeded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.errors import BadInput
from earmark.bench.grouping import groups_of
from earmark.bench.measures import Measure, lectures_measures, retrieval_measures
from earmark.bench.metrics import BOOTSTRAPS, SEED, Unit
from earmark.bench.outcomes import Columns, Numbers, Outcome, chosen, columns_of
from earmark.bench.resampling import bootstrap_weights, every_question_once, interval_of
from earmark.bench.runs import Run, Task

SWAPS = 2000
SIGNS_A_SWAP = 5
"""A mean's rounds cost nothing: there are so many times more of them."""
ROUNDING = 1e-9
"""Sums of the same numbers in another order count as equal."""
NAMED = 5
"""So many questions are named where the runs differ in them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure in both runs. `low`, `high`: 95 % interval of `other - one`, questions resampled in pairs.

    `p_value`: how often swapping the two runs' outcomes at random, question by question, gives a difference as
    large. `better`, `worse`: questions where the second run is; None for a figure that no single question has.
    """

    name: str
    one: float
    other: float
    low: float
    high: float
    p_value: float
    better: int | None
    worse: int | None
    unit: Unit = Unit.SHARE

    @property
    def change(self) -> float:
        return self.other - self.one

    def as_document(self) -> dict[str, object]:
        return {
            "a": round(self.one, 4),
            "b": round(self.other, 4),
            "difference": round(self.change, 4),
            "interval": [round(self.low, 4), round(self.high, 4)],
            "p": round(self.p_value, 4),
            "better": self.better,
            "worse": self.worse,
        }

    def __str__(self) -> str:
        shown = self.unit.shown
        counts = "" if self.better is None else f", {self.better} better, {self.worse} worse"
        change = f"{'+' if self.change >= 0 else ''}{shown(self.change)}"
        return (
            f"{shown(self.one)} → {shown(self.other)}, {change} [{shown(self.low)}, {shown(self.high)}], "
            f"p {self.p_value:.4f}{counts}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """`everything`: all questions but near misses. `groups`: (grouping, group, differences)."""

    everything: tuple[Difference, ...]
    groups: tuple[tuple[str, str, tuple[Difference, ...]], ...]
    notes: tuple[str, ...]

    def as_document(self) -> dict[str, object]:
        by: dict[str, dict[str, object]] = {}
        for name, group, differences in self.groups:
            by.setdefault(name, {})[group] = {each.name: each.as_document() for each in differences}
        return {
            **{each.name: each.as_document() for each in self.everything},
            "by": by,
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        yield from self.notes
        yield from (f"{each.name}: {each}" for each in self.everything)
        for name, group, differences in self.groups:
            yield from ("", f"{name}: {group}")
            yield from (f"{each.name}: {each}" for each in differences)


def compare(one: Run, other: Run, *, swaps: int = SWAPS, grouped: bool = True) -> Comparison:
    """Raises BadInput for runs of two tasks or over other questions."""
    pairs = paired(one, other)
    far = [(mine, yours) for mine, yours in pairs if not mine.near]
    measures = lectures_measures() if one.task is Task.LECTURES else retrieval_measures()
    groups = []
    if grouped:
        for name, labels in groups_of([mine for mine, _ in far]).items():
            for group in sorted(set(labels.values())):
                members = [pair for pair in far if labels.get(pair[0].id) == group]
                groups.append((name, group, _differences(members, measures, swaps)))
    return Comparison(_differences(far, measures, swaps), tuple(groups), tuple(_notes(one, other)))


def paired(one: Run, other: Run) -> list[tuple[Outcome, Outcome]]:
    """The same question in both, in the first run's order."""
    way_out = "compare two runs over the same questions"
    if one.task is not other.task:
        raise BadInput(f"one run is of {one.task}, the other of {other.task}", way_out)
    mine, yours = ({each.id: each for each in run.outcomes} for run in (one, other))
    for lacking, ids in (("second", mine.keys() - yours.keys()), ("first", yours.keys() - mine.keys())):
        if ids:
            raise BadInput(f"the {lacking} run lacks {_named(ids)}", way_out)
    changed = {key for key, each in mine.items() if _question(each) != _question(yours[key])}
    if changed:
        raise BadInput(f"{_named(changed)} ask for something else in the second run", way_out)
    return [(each, yours[each.id]) for each in one.outcomes]


def difference(measure: Measure, one: Columns, other: Columns, *, swaps: int = SWAPS) -> Difference | None:
    """None where one of the two cannot say.

    The interval is the paired bootstrap's (Efron and Tibshirani, 1993). The p-value is the two-sided paired
    randomisation test's (Smucker, Allan, Carterette, "A comparison of statistical significance tests for information
    retrieval evaluation", 2007), with one added to both counts so that it is never 0.
    """
    once, many = every_question_once(len(one)), bootstrap_weights(len(one), rounds=BOOTSTRAPS)
    values = [float(measure.whole(each, once)[0]) for each in (one, other)]
    if np.isnan(values).any():
        return None
    low, high = interval_of(measure.whole(other, many) - measure.whole(one, many))
    better, worse = _moved(measure, one, other)
    p_value = _swapped_pairs(measure, one, other, swaps)
    if p_value is None:
        p_value = _swapped_outcomes(measure, one, other, values[1] - values[0], swaps)
    return Difference(measure.name, values[0], values[1], low, high, p_value, better, worse, measure.unit)


def _differences(
    pairs: Sequence[tuple[Outcome, Outcome]], measures: Sequence[Measure], swaps: int
) -> tuple[Difference, ...]:
    one, other = columns_of([pair[0] for pair in pairs]), columns_of([pair[1] for pair in pairs])
    told = (difference(measure, one, other, swaps=swaps) for measure in measures)
    return tuple(each for each in told if each is not None)


def _swapped_pairs(measure: Measure, one: Columns, other: Columns, swaps: int) -> float | None:
    """Of a mean over the same questions in both runs: swapping a pair turns the sign of its difference.

    None for any other figure.
    """
    if not measure.is_mean or measure.each is None:
        return None
    mine, yours = measure.each(one), measure.each(other)
    if (np.isnan(mine) != np.isnan(yours)).any():
        return None
    changes = np.nan_to_num(yours - mine)
    changes = changes[changes != 0]
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), (SIGNS_A_SWAP * swaps, len(changes)))
    return _share_as_large(signs @ changes, float(changes.sum()))


def _swapped_outcomes(measure: Measure, one: Columns, other: Columns, seen: float, swaps: int) -> float:
    chance, once = np.random.default_rng(SEED), every_question_once(len(one))
    changes = np.empty(swaps)
    for at in range(swaps):
        take = chance.random(len(one)) < 0.5
        left, right = (measure.whole(each, once)[0] for each in (chosen(take, one, other), chosen(~take, one, other)))
        changes[at] = right - left
    return _share_as_large(changes[~np.isnan(changes)], seen)


def _share_as_large(changes: Numbers, seen: float) -> float:
    as_large = int((np.abs(changes) >= abs(seen) - ROUNDING).sum())
    return (as_large + 1) / (len(changes) + 1)


def _moved(measure: Measure, one: Columns, other: Columns) -> tuple[int, int] | tuple[None, None]:
    """Questions that both runs have a number for, and that did better or worse in the second."""
    if measure.each is None:
        return None, None
    change = measure.each(other) - measure.each(one)
    up, down = int((change > 0).sum()), int((change < 0).sum())
    return (up, down) if measure.more_is_better else (down, up)


def _question(outcome: Outcome) -> tuple[object, ...]:
    return outcome.answerable, outcome.relevant, outcome.near


def _named(ids: set[str]) -> str:
    first = ", ".join(sorted(ids)[:NAMED])
    return f"{len(ids)} questions ({first}{', …' if len(ids) > NAMED else ''})"


def _notes(one: Run, other: Run) -> Iterator[str]:
    if one.data.digest != other.data.digest:
        changed = {name for name, digest in one.data.files.items() if other.data.files.get(name) != digest}
        changed |= other.data.files.keys() - one.data.files.keys()
        yield f"the data differs ({one.data.name}, {other.data.name}): {', '.join(sorted(changed))}"
    if one.embedder_digest != other.embedder_digest:
        yield f"the embedder differs: {one.embedder or 'none'}, {other.embedder or 'none'}"
    if one.reranker_digest != other.reranker_digest:
        yield f"the reranker differs: {one.reranker or 'none'}, {other.reranker or 'none'}"
    if one.passages != other.passages:
        yield f"the passages differ: {one.passages}, {other.passages}"
