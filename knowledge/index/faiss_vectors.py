"""Exact nearest neighbours under a filter: flat inner product with a bitmap. The only file that knows FAISS.

Every approximate index loses recall under a filter by course; flat search loses none and is the fastest of all
where the filter is narrow, up to about a million passages.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors

_faiss: Any = faiss  # its own type hints are of the C++ calls, not of the Python ones
Rows = NDArray[np.int64]
"""int64, shape (n,): row numbers."""
Mask = NDArray[np.bool_]
"""bool, shape (rows,): which rows may be returned."""


class FlatVectors:
    """Vectors in memory, by row. Never changes once made; searching is thread-safe."""

    def __init__(self, vectors: NDArray[np.floating]) -> None:
        """vectors: shape (rows, dimensions), rows of length 1."""
        self._index = _faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        return int(self._index.d)

    def nearest(self, vector: Vectors, *, allowed: "Bitmap", n: int) -> tuple[Rows, NDArray[np.float32]]:
        """Rows and inner products, best first; only of rows that the bitmap allows."""
        wanted = min(n, allowed.count)
        if wanted == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        question = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        if question.shape[1] != self.dimensions:
            raise ValueError(f"a vector of {question.shape[1]} dimensions, the index has {self.dimensions}")
        scores, rows = self._index.search(question, wanted, params=allowed.parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def of(self, rows: Rows) -> Vectors:
        """Vectors of these rows, in their order."""
        stored = _faiss.rev_swig_ptr(self._index.get_xb(), len(self) * self.dimensions)
        picked: Vectors = stored.reshape(len(self), self.dimensions)[rows]
        return picked


class Bitmap:
    """Which rows may be returned, in the form that FAISS tests fastest.

    Used where all are, too: without it FAISS spreads one question over threads, which on busy cores takes a hundred
    times as long (52 ms for 10,000 vectors, 0.3 with it).
    """

    def __init__(self, mask: Mask) -> None:
        self.count = int(mask.sum())
        self._bits = np.packbits(mask, bitorder="little")  # FAISS keeps a bare pointer to it
        self._selector = _faiss.IDSelectorBitmap(self._bits)
        self.parameters = _faiss.SearchParameters(sel=self._selector)
