"""Puts two word sequences side by side at the least cost. Pure; knows neither times nor scripts.

A match costs nothing, another word 3, a word skipped on either side 2. Up to EXACT_CELLS by dynamic programming; longer
ones are first pinned where four words in a row occur once on each side, and the stretches between are done one by one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OTHER = 3
SKIP = 2
EXACT_CELLS = 16_000_000
"""4,000 words against 4,000: 16 MB. A stretch between two pins that is larger stays unaligned."""
PIN_WORDS = 4

_FROM_BOTH, _FROM_LEFT_OUT_A, _FROM_LEFT_OUT_B = 0, 1, 2
Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pair:
    """Word `a` of the one side stands beside word `b` of the other."""

    a: int
    b: int
    same: bool


def align_words(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """Pairs in order; words without a partner are left out."""
    ids = {word: number for number, word in enumerate(dict.fromkeys((*a, *b)))}
    a_ids = np.array([ids[word] for word in a], np.int32)
    b_ids = np.array([ids[word] for word in b], np.int32)
    pairs: list[Pair] = []
    from_a = from_b = 0
    pins = _pins(a_ids.tolist(), b_ids.tolist()) if len(a) * len(b) > EXACT_CELLS else []
    for pin_a, pin_b in [*pins, (len(a), len(b))]:
        pairs += _shifted(_align(a_ids[from_a:pin_a], b_ids[from_b:pin_b]), from_a, from_b)
        from_a, from_b = pin_a, pin_b
    return pairs


def most_in_order(a: Sequence[str], b: Sequence[str]) -> int:
    """How many words of `a` are matched in order by the stretch of `b` that suits them best."""
    ids = {word: number for number, word in enumerate(dict.fromkeys((*a, *b)))}
    sides = (np.array([ids[word] for word in side], np.int32) for side in (a, b))
    return sum(pair.same for pair in _align(*sides, anywhere=True))


def _shifted(pairs: list[Pair], by_a: int, by_b: int) -> list[Pair]:
    return [Pair(pair.a + by_a, pair.b + by_b, pair.same) for pair in pairs]


def _align(a: Ids, b: Ids, *, anywhere: bool = False) -> list[Pair]:
    """`anywhere`: what lies before and after the best stretch of `b` costs nothing."""
    if not len(a) or not len(b) or len(a) * len(b) > EXACT_CELLS * (4 if anywhere else 1):
        return []
    steps = np.arange(len(b) + 1, dtype=np.int32) * SKIP
    cost = np.zeros_like(steps) if anywhere else steps.copy()
    came = np.empty((len(a), len(b) + 1), np.int8)
    for row, word in enumerate(a):
        both = cost[:-1] + np.where(b == word, 0, OTHER).astype(np.int32)
        above = cost + SKIP
        best = above.copy()
        np.minimum(both, above[1:], out=best[1:])
        came[row] = _FROM_LEFT_OUT_A
        came[row, 1:][both <= above[1:]] = _FROM_BOTH
        cost = np.minimum.accumulate(best - steps) + steps
        came[row][cost < best] = _FROM_LEFT_OUT_B
    return _walk_back(a, b, came, int(np.argmin(cost)) if anywhere else len(b))


def _walk_back(a: Ids, b: Ids, came: NDArray[np.int8], column: int) -> list[Pair]:
    pairs: list[Pair] = []
    row = len(a)
    while row and column:
        step = came[row - 1, column]
        if step == _FROM_BOTH:
            pairs.append(Pair(row - 1, column - 1, bool(a[row - 1] == b[column - 1])))
        row -= step != _FROM_LEFT_OUT_B
        column -= step != _FROM_LEFT_OUT_A
    return pairs[::-1]


def _pins(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    """Starts of the runs that occur once on each side, as many as can stand in the same order on both."""
    once_a, once_b = _once(a), _once(b)
    shared = sorted((place, once_b[run]) for run, place in once_a.items() if run in once_b)
    return _longest_rising(shared)


def _once(ids: list[int]) -> dict[tuple[int, ...], int]:
    runs = [tuple(ids[place : place + PIN_WORDS]) for place in range(len(ids) - PIN_WORDS + 1)]
    counts = Counter(runs)
    return {run: place for place, run in enumerate(runs) if counts[run] == 1}


def _longest_rising(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest choice of points, sorted by their first number, whose second numbers rise too."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, height) in enumerate(points):
        length = bisect_left(tails, height)
        tails[length : length + 1] = [height]
        ends[length : length + 1] = [number]
        before.append(ends[length - 1] if length else -1)
    chosen = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chosen.append(points[at])
        at = before[at]
    return chosen[::-1]
