"""Average linkage: rows that are alike enough on the mean become one group. Knows no questions."""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from assistant.topics.asked_text import FloatArray
from assistant.topics.likeness import BLOCK, pairs_in_blocks

MOST_LINKED_WHOLE = 12_000
"""Rows that are compared each with each: 16 bytes a pair, 1.2 GB for so many, and four times that for twice as many."""
_ROWS_AT_ONCE = 64
"""Whose alike pairs are listed together: where all are alike the list is as long as so many rows."""


def linked(rows: FloatArray, *, at_least: float) -> NDArray[np.int64]:
    """The group of each row: shape (n,), numbers from 0.

    `rows`: float32, shape (n, some), of length 1 or 0. The two groups most alike join, again and again, while the mean
    likeness between their rows is `at_least` so much (above 0). Of more than MOST_LINKED_WHOLE rows that hang together
    as many are linked, spread evenly; each other row joins the group that it is most like on the mean, where that is
    `at_least` so much, and else is a group of its own.
    """
    groups = np.zeros(len(rows), np.int64)
    made = 0
    for part in _reachable(rows, at_least):
        found = _linked_part(rows[part], at_least)
        groups[part] = made + found
        made += int(found.max()) + 1
    return groups


def _reachable(rows: FloatArray, at_least: float) -> list[NDArray[np.int64]]:
    """Rows that a chain of alike pairs connects, apart from all others: no group ever reaches beyond such a part, and
    linking part by part is what fits into the memory."""
    parts = np.arange(len(rows), dtype=np.int64)
    for first, alike in pairs_in_blocks(rows):
        for begin in range(first, first + len(alike), _ROWS_AT_ONCE):
            some = alike[begin - first : begin - first + _ROWS_AT_ONCE]
            known = parts[begin : begin + len(some), None] == parts[first:]
            ends = np.nonzero((some >= at_least) & ~known)
            pairs = (parts[begin + ends[0]], parts[first + ends[1]])
            graph = coo_matrix((np.ones(len(ends[0]), np.bool_), pairs), shape=(len(rows), len(rows)))
            parts = connected_components(graph, directed=False)[1][parts]
    order = np.argsort(parts, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(parts[order])) + 1) if len(rows) else []


def _linked_part(rows: FloatArray, at_least: float) -> NDArray[np.int64]:
    if len(rows) <= MOST_LINKED_WHOLE:
        return _linked_whole(rows, at_least)
    chosen = np.linspace(0, len(rows) - 1, MOST_LINKED_WHOLE).round().astype(np.int64)
    groups = np.full(len(rows), -1, np.int64)
    groups[chosen] = _linked_whole(rows[chosen], at_least)
    means = _means(rows[chosen], groups[chosen])
    others = np.flatnonzero(groups < 0)
    for begin in range(0, len(others), BLOCK):
        some = others[begin : begin + BLOCK]
        alike = rows[some] @ means.T  # with a group's mean: the mean of what it is with each of the group's rows
        groups[some] = np.where(alike.max(axis=1) >= at_least, alike.argmax(axis=1), -1)
    alone = np.flatnonzero(groups < 0)
    groups[alone] = len(means) + np.arange(len(alone))
    return groups


def _means(rows: FloatArray, groups: NDArray[np.int64]) -> FloatArray:
    """The mean row of each group: float32, shape (groups, some)."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    sums = np.add.reduceat(rows[order], np.cumsum(sizes) - sizes, axis=0)
    return np.asarray(sums / sizes[:, None], np.float32)


def _linked_whole(rows: FloatArray, at_least: float) -> NDArray[np.int64]:
    if len(rows) == 1:
        return np.zeros(1, np.int64)
    apart = np.empty(len(rows) * (len(rows) - 1) // 2, np.float64)
    begin = 0
    for _first, alike in pairs_in_blocks(rows):
        for row, values in enumerate(alike):
            rest = values[row + 1 :]
            apart[begin : begin + len(rest)] = (1.0 - rest).clip(0.0)
            begin += len(rest)
    return np.asarray(fcluster(linkage(apart, "average"), 1.0 - at_least, "distance"), np.int64) - 1
