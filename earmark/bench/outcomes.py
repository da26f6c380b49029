"""What became of each question of a bench, in numbers alone: no text of the data, so that it may be kept.

Knows no files and no finding beyond its verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.bench.metrics import ndcg
from knowledge.finding.moment import Verdict

DEPTH = 10
"""Ranks beyond this one count as not found."""

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question. `ranks`: of the right hits, from 1, rising; `relevant`: how many right ones there were to find.

    `start_error_s`: of a right first hit, where the data has seconds. `covered`, `probability`: as finding told them.
    `near`: taught about but not answered, a noisy label that is measured apart. `kind`: "" where the data says none.
    `wer`: word error rate of what was asked or searched, 0 and up, None where nobody knows.
    """

    id: str
    answerable: bool
    ranks: tuple[int, ...]
    relevant: int
    start_error_s: float | None
    covered: float
    probability: float
    verdict: Verdict
    near: bool = False
    language: str = ""
    kind: str = ""
    wer: float | None = None

    def __post_init__(self) -> None:
        for name, told in (("covered", self.covered), ("probability", self.probability)):
            if not 0.0 <= told <= 1.0:
                raise ValueError(f"question {self.id}: {name} is {told}, no probability")
        if list(self.ranks) != sorted(set(self.ranks)) or any(rank < 1 for rank in self.ranks):
            raise ValueError(f"question {self.id}: ranks {self.ranks} do not rise from 1")
        if self.ranks and not self.answerable:
            raise ValueError(f"question {self.id} is unanswerable and has right hits")


@dataclass(frozen=True, slots=True)
class Columns:
    """Outcomes as arrays, shape (n,) each. `first`: rank of the first right hit, inf where none; `start_error_s`:
    nan where there is none; `confident`: the verdict was `answered`."""

    answerable: Flags
    first: Numbers
    gain: Numbers
    start_error_s: Numbers
    covered: Numbers
    probability: Numbers
    confident: Flags

    def __len__(self) -> int:
        return len(self.answerable)

    @property
    def right(self) -> Flags:
        return np.asarray(self.first == 1.0)


def columns_of(outcomes: Sequence[Outcome]) -> Columns:
    return Columns(
        answerable=np.array([each.answerable for each in outcomes], dtype=bool),
        first=np.array([min(each.ranks, default=np.inf) for each in outcomes], dtype=np.float64),
        gain=np.array([ndcg(each.ranks, each.relevant, DEPTH) for each in outcomes], dtype=np.float64),
        start_error_s=np.array(
            [np.nan if each.start_error_s is None else each.start_error_s for each in outcomes], dtype=np.float64
        ),
        covered=np.array([each.covered for each in outcomes], dtype=np.float64),
        probability=np.array([each.probability for each in outcomes], dtype=np.float64),
        confident=np.array([each.verdict is Verdict.ANSWERED for each in outcomes], dtype=bool),
    )


def chosen(take: Flags, one: Columns, other: Columns) -> Columns:
    """Of each question the first one's outcome where `take` says so, else the other's."""
    return Columns(
        answerable=np.where(take, one.answerable, other.answerable),
        first=np.where(take, one.first, other.first),
        gain=np.where(take, one.gain, other.gain),
        start_error_s=np.where(take, one.start_error_s, other.start_error_s),
        covered=np.where(take, one.covered, other.covered),
        probability=np.where(take, one.probability, other.probability),
        confident=np.where(take, one.confident, other.confident),
    )
