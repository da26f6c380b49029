"""Average linkage: rows that are alike enough on the mean become one group. Knows no questions."""

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from assistant.topics.likeness import FloatArray, pairs_in_blocks


def linked(rows: FloatArray, *, at_least: float) -> NDArray[np.int64]:
    """The group of each row: shape (n,), numbers from 0.

    `rows`: float32, shape (n, some), of length 1 or 0. The two groups most alike join, again and again, while the mean
    likeness between their rows is `at_least` so much (above 0).
    """
    groups = np.zeros(len(rows), np.int64)
    made = 0
    for part in _reachable(rows, at_least):
        found = _linked_whole(rows[part], at_least)
        groups[part] = made + found
        made += int(found.max()) + 1
    return groups


def _reachable(rows: FloatArray, at_least: float) -> list[NDArray[np.int64]]:
    """Rows that a chain of alike pairs connects, apart from all others: no group ever reaches beyond such a part, and
    linking part by part is what fits into the memory."""
    parts = np.arange(len(rows), dtype=np.int64)
    for first, alike in pairs_in_blocks(rows):
        ends = np.nonzero(alike >= at_least)
        pairs = (parts[first + ends[0]], parts[first + ends[1]])
        graph = coo_matrix((np.ones(len(ends[0]), np.bool_), pairs), shape=(len(rows), len(rows)))
        parts = connected_components(graph, directed=False)[1][parts]
    order = np.argsort(parts, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(parts[order])) + 1) if len(rows) else []


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
