"""How many passages of each course hold each token, so that how rare a token is can be told of some courses alone.

A passage is in one course: over any courses these counts add up exactly. Knows no engine and no file.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.index.tokens import TokenStream
from knowledge.index.view import Hashes

HELD = np.dtype([("course", "<i4"), ("passages", "<i4")])
_PENDING = 2_000_000
"""Counts that are kept apart before they are added up: 24 MB."""

Keys = NDArray[np.uint64]
"""uint64, shape (counts,): a token's number in the upper half, a course's in the lower."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Holdings:
    """One field's. The token `tokens[i]` is held as `held[starts[i]:starts[i + 1]]` say, of dtype HELD; `tokens`
    ascend."""

    tokens: Hashes
    starts: NDArray[np.int64]
    held: NDArray[np.void]

    def of(self, tokens: Hashes, *, courses: NDArray[np.bool_]) -> Counts:
        """Passages that hold each of these tokens, of the courses whose numbers are True."""
        found = np.zeros(len(tokens), np.int64)
        if not len(self.tokens):
            return found
        places = np.minimum(np.searchsorted(self.tokens, tokens), len(self.tokens) - 1)
        for at in np.flatnonzero(self.tokens[places] == tokens).tolist():
            held = self.held[self.starts[places[at]] : self.starts[places[at] + 1]]
            found[at] = held["passages"][courses[held["course"]]].sum()
        return found


class HoldingsCount:
    """Counts recording by recording; what it keeps grows with the different tokens of each course, not with the
    passages."""

    def __init__(self) -> None:
        self._keys: list[Keys] = []
        self._counts: list[Counts] = []
        self._pending = 0
        self._limit = _PENDING

    def add(self, course: int, said: TokenStream) -> None:
        tokens, passages = passages_holding(said)
        self._keys.append((tokens.astype(np.uint64) << np.uint64(32)) | np.uint64(course))
        self._counts.append(passages)
        self._pending += len(tokens)
        if self._pending > self._limit:
            added = self._added_up()
            self._pending, self._limit = 0, max(_PENDING, len(added))

    def holdings(self) -> Holdings:
        keys = self._added_up()
        held = np.empty(len(keys), HELD)
        held["course"] = keys & np.uint64(0xFFFFFFFF)
        held["passages"] = self._counts[0]
        tokens, starts = np.unique((keys >> np.uint64(32)).astype(np.uint32), return_index=True)
        return Holdings(tokens, np.append(starts, len(keys)).astype(np.int64), held)

    def _added_up(self) -> Keys:
        """Each key once, ascending; its count is that in `_counts[0]`."""
        keys = np.concatenate([np.empty(0, np.uint64), *self._keys])
        counts = np.concatenate([np.empty(0, np.int64), *self._counts])
        order = np.argsort(keys, kind="stable")
        distinct, firsts = np.unique(keys[order], return_index=True)
        self._keys = [distinct]
        self._counts = [np.add.reduceat(counts[order], firsts) if len(firsts) else counts]
        return distinct


def passages_holding(said: TokenStream) -> tuple[Hashes, Counts]:
    """The different tokens of these passages, ascending, and how many passages hold each."""
    rows = np.repeat(np.arange(len(said), dtype=np.uint64), said.lengths)
    pairs = np.unique((said.hashes.astype(np.uint64) << np.uint64(32)) | rows)
    tokens, passages = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_counts=True)
    return tokens, passages.astype(np.int64)
