"""The company's own test set in figures: how it grew, how often what is in it is found, what changed that."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.proof.own_set import WeekSize
from assistant.proof.runs import ProofRun, counts

FEWEST_IN_A_GROUP = 5
"""Of smaller ones nothing is said: that would be about single questions."""
FEW = 30


@dataclass(frozen=True, slots=True)
class ShareView:
    """Shares from 0 to 1, with their 95 % interval."""

    value: float
    low: float
    high: float
    questions: int


@dataclass(frozen=True, slots=True)
class ChangeView:
    """In points of a hundred. `seen`: better, worse, or none to be seen."""

    points: float
    low: float
    high: float
    seen: str


@dataclass(frozen=True, slots=True)
class RunView:
    """`shares`: right at 1, 3, 5. `groups`: right at 1 by language and by source, with its name in the data.
    `notes`: what was missing, by its name in the data, and in how many answers.

    `change`: from the run before, or for a trial from what runs; `changed`: names of what differs.
    """

    made_at: dt.datetime
    label: str
    trial: bool
    counts: bool
    questions: int
    shares: Mapping[int, ShareView]
    groups: tuple[tuple[str, str, ShareView], ...]
    gone: int
    notes: tuple[tuple[str, int], ...]
    change: ChangeView | None
    changed: tuple[str, ...]
    embedder: str
    reranker: str


@dataclass(frozen=True, slots=True)
class ProofView:
    """`weeks`: newest first. `newest`: of what runs, where nearly all was found with all parts."""

    weeks: tuple[WeekSize, ...]
    total: int
    newest: RunView | None
    runs: tuple[RunView, ...]


def proof_view(weeks: Sequence[WeekSize], runs: Sequence[ProofRun]) -> ProofView:
    """`runs`: newest first."""
    views = tuple(map(run_view, runs))
    newest = next((each for each in views if not each.trial and each.counts), None)
    return ProofView(tuple(reversed(weeks)), weeks[-1].total if weeks else 0, newest, views)


def run_view(run: ProofRun) -> RunView:
    report, configuration = run.report, run.configuration
    groups = tuple(
        (kind, name, _share(sheet["right at 1"]))
        for kind, sheets in report["by"].items()
        for name, sheet in sheets.items()
        if sheet["questions"] >= FEWEST_IN_A_GROUP
    )
    change = report["against"].get("right at 1")
    return RunView(
        made_at=run.made_at,
        label=run.label,
        trial=run.trial,
        counts=counts(questions=run.questions, lacking=run.lacking),
        questions=run.questions,
        shares={k: _share(report[f"right at {k}"]) for k in (1, 3, 5)},
        groups=groups,
        gone=report["gone"],
        notes=tuple(report["notes"].items()),
        change=None if change is None else _change(change),
        changed=tuple(report["changed"]),
        embedder=_name(configuration.get("embedder")),
        reranker=_name(configuration.get("reranker")),
    )


def _share(figure: Mapping[str, Any]) -> ShareView:
    low, high = figure["interval"]
    return ShareView(figure["value"], low, high, figure["questions"])


def _change(told: Mapping[str, Any]) -> ChangeView:
    low, high = told["interval"]
    seen = "better" if low > 0 else "worse" if high < 0 else "none"
    return ChangeView(100 * told["difference"], 100 * low, 100 * high, seen)


def _name(model: Mapping[str, str] | None) -> str:
    return model["name"] if model else ""
