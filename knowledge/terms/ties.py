"""Which terms come together: in the same minute, or less, more often than by chance.

Weighed by the log-likelihood ratio (Dunning 1993), which does not overrate what is rare, as PMI does.
"""

from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from knowledge.terms.term_map import Tie

SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 30.0, 60.0
_WINDOWS = 60
"""So many at least, where they are not too short then: a course of minutes has too few of a minute each."""
_FEWEST_TIMES = 2
_LEAST_STRENGTH = 3.84
"""One pair in twenty comes together so often by chance; only the strongest of each term are kept anyway."""
_MOST_OF_A_TERM = 15

Window = tuple[str, int]
"""A recording and the number of a stretch in it."""


def window_s(course_s: float) -> float:
    """How long a window is, of a course of so many seconds."""
    return min(LONGEST_WINDOW_S, max(SHORTEST_WINDOW_S, course_s / _WINDOWS))


def tie_terms(
    windows: Mapping[str, Set[Window]], *, in_all: int, apart: Set[tuple[str, str]] = frozenset()
) -> list[Tie]:
    """`windows`: where each term is said, by key; `in_all`: how many windows there are; `apart`: pairs, in order, that
    tell nothing (one is a part of the other). The strongest first, of each term a limited number."""
    keys = sorted(windows)
    if len(keys) < 2:
        return []
    said = _matrix([windows[key] for key in keys])
    together = np.rint(said.T @ said)
    strength = _log_likelihood_ratio(together, in_all)
    firsts, seconds = np.nonzero(np.triu((together >= _FEWEST_TIMES) & (strength >= _LEAST_STRENGTH), k=1))
    found = [
        Tie(keys[first], keys[second], int(together[first, second]), float(strength[first, second]))
        for first, second in zip(firsts, seconds, strict=True)
        if (keys[first], keys[second]) not in apart
    ]
    return _limited(sorted(found, key=lambda tie: (-tie.strength, tie.first, tie.second)))


def _matrix(windows: Sequence[Set[Window]]) -> NDArray[np.float32]:
    """Shape (windows, terms): 1 where the term is said there. Windows without any term are left out."""
    numbers = {window: number for number, window in enumerate(sorted(set().union(*windows)))}
    matrix = np.zeros((len(numbers), len(windows)), np.float32)
    for column, where in enumerate(windows):
        matrix[[numbers[window] for window in where], column] = 1.0
    return matrix


def _log_likelihood_ratio(together: NDArray[np.float32], in_all: int) -> NDArray[np.float64]:
    """Dunning's G² for each two terms; 0 where they come together less often than by chance. Shape (terms, terms)."""
    both = together.astype(np.float64)
    times = np.diag(both)
    one, other = times[:, None], times[None, :]
    cells = (
        (both, one * other / in_all),
        (one - both, one * (in_all - other) / in_all),
        (other - both, (in_all - one) * other / in_all),
        (in_all - one - other + both, (in_all - one) * (in_all - other) / in_all),
    )
    total = sum(
        np.where((seen > 0) & (expected > 0), seen * np.log(np.maximum(seen, 1e-9) / np.maximum(expected, 1e-9)), 0.0)
        for seen, expected in cells
    )
    return np.asarray(np.where(both > one * other / in_all, 2 * total, 0.0))


def _limited(ties: Sequence[Tie]) -> list[Tie]:
    kept: list[Tie] = []
    of_a_term: dict[str, int] = {}
    for tie in ties:
        if min(of_a_term.get(tie.first, 0), of_a_term.get(tie.second, 0)) < _MOST_OF_A_TERM:
            kept.append(tie)
            for key in (tie.first, tie.second):
                of_a_term[key] = of_a_term.get(key, 0) + 1
    return kept
