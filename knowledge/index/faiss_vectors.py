"""Nearest neighbours under a filter. The only file that knows FAISS.

Exact wherever that is quick: for the delta, and for any number of permitted rows up to EXACT_ROWS, because every
approximate index loses recall under a narrow filter. Beyond, inverted lists of one byte a number name the candidates,
which are scored anew by the vectors themselves: only for those who may hear all there is, because where the lists lie
and whom they leave out depends on every vector that was there when they were made.
"""

import os
import struct
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.index.candidates import Found
from knowledge.inner_products import inner_products
from knowledge.passages.store import STORED_VECTOR

_faiss: Any = faiss  # its own type hints are of the C++ calls, not of the Python ones
Rows = NDArray[np.int64]
"""int64, shape (n,): row numbers."""
Mask = NDArray[np.bool_]
"""bool, shape (rows,): which rows may be returned."""

EXACT_ROWS = 500_000
"""Permitted rows that are all compared: 12 ms of one core with 384 numbers each (a million: 24 ms). All of a million
permitted, lists take 8 ms."""
LARGE = EXACT_ROWS
"""Vectors above which lists are written."""
PROBED = 0.35
"""Share of the lists that are looked into, the nearest ones: at a million passages 8 ms of one core and recall@10 .998;
.25: 6 ms, .993; .15: 5 ms, .96."""
RESCORED = 2
"""Times the rows wanted: so many candidates are scored anew; four times found no more."""
_ROWS_TO_LEARN_A_LIST = 64
_ROWS_AT_ONCE = 20_000
_NOTHING = np.empty(0, np.int64), np.empty(0, np.float32)


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

    def nearest(self, vector: Vectors, *, allowed: "Bitmap", n: int) -> Found:
        """Only of rows that the bitmap allows."""
        return _searched(self._index, vector, min(n, allowed.count), allowed.parameters)

    def of(self, rows: Rows) -> Vectors:
        """Vectors of these rows, in their order."""
        stored = _faiss.rev_swig_ptr(self._index.get_xb(), len(self) * self.dimensions)
        picked: Vectors = stored.reshape(len(self), self.dimensions)[rows]
        return picked


class MappedVectors:
    """Vectors of a base, read where they lie on the disk. Never changes; searching is thread-safe."""

    def __init__(self, path: Path, lists: Path) -> None:
        """`lists`: used where it is there. Raises OSError; ValueError for files that are not what was written."""
        self._index = _opened(path, _faiss.IO_FLAG_MMAP_IFC)
        self._lists = _opened(lists, _faiss.IO_FLAG_MMAP) if lists.exists() else None
        start = len(_header(self.dimensions, 0))
        shape = (len(self), self.dimensions * STORED_VECTOR.itemsize)
        self._bytes = np.memmap(path, np.uint8, "r", offset=start, shape=shape)
        if self._lists is not None:
            # FAISS would start 32 threads for each question, to read ahead what the system reads ahead anyway.
            _faiss.downcast_InvertedLists(self._lists.invlists).prefetch_nthread = 0

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        return int(self._index.d)

    def nearest(self, vector: Vectors, *, allowed: "Bitmap", n: int, by_lists: bool) -> Found:
        """Only of rows that the bitmap allows. Exact unless `by_lists`, and then, too, where there are few of them."""
        wanted = min(n, allowed.count)
        if not by_lists or self._lists is None or allowed.count <= max(EXACT_ROWS, RESCORED * wanted):
            return _searched(self._index, vector, wanted, allowed.parameters)
        probed = ceil(self._lists.nlist * PROBED)
        parameters = _faiss.SearchParametersIVF(sel=allowed.selector, nprobe=probed)
        rows, _ = _searched(self._lists, vector, RESCORED * wanted, parameters)
        scores = inner_products(self.of(rows), np.asarray(vector, np.float32).reshape(1, -1))[:, 0]
        best = np.argsort(-scores, kind="stable")[:wanted]
        return rows[best], scores[best]

    def touch(self) -> None:
        """Look at every vector once, in every form there is."""
        everywhere = Bitmap(np.ones(len(self), np.bool_))
        anything = np.ones((1, self.dimensions), np.float32)
        _searched(self._index, anything, 1, everywhere.parameters)
        if self._lists is not None:
            every_list = _faiss.SearchParametersIVF(sel=everywhere.selector, nprobe=self._lists.nlist)
            _searched(self._lists, anything, 1, every_list)

    def of(self, rows: Rows) -> Vectors:
        """Vectors of these rows, in their order."""
        return self.stored(rows).astype(np.float32)

    def stored(self, rows: Rows) -> NDArray[np.float16]:
        """The same as they lie on the disk."""
        picked: NDArray[np.float16] = self._bytes[rows].view(STORED_VECTOR)
        return picked


class VectorsWriter:
    """Streams vectors into a file in FAISS's form, so that it maps them. Raises OSError where the disk is full."""

    def __init__(self, path: Path, dimensions: int) -> None:
        self.dimensions = dimensions
        self.rows = 0
        self._file = path.open("wb")
        self._file.write(_header(dimensions, 0))

    def append(self, vectors: NDArray[np.float16]) -> None:
        """vectors: shape (rows, dimensions). Raises ValueError for other dimensions than before."""
        if vectors.shape[1] != self.dimensions:
            raise ValueError(f"vectors of {vectors.shape[1]} dimensions among those of {self.dimensions}")
        self._file.write(np.ascontiguousarray(vectors, dtype=STORED_VECTOR).tobytes())
        self.rows += len(vectors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.seek(0)
            self._file.write(_header(self.dimensions, self.rows))
        finally:
            self._file.close()


def write_lists(path: Path, vectors: Path) -> None:
    """Inverted lists over the vectors of a file, one byte a number: while they are made they are in memory, half as
    large as that file. Raises OSError."""
    mapped = MappedVectors(vectors, path)
    count = round(len(mapped) ** 0.5)
    index = _faiss.index_factory(mapped.dimensions, f"IVF{count},SQ8", _faiss.METRIC_INNER_PRODUCT)
    threads = _faiss.omp_get_max_threads()
    _faiss.omp_set_num_threads(max(1, (os.cpu_count() or 1) - 1))  # for this thread; one is left for questions
    try:
        learnt = np.linspace(0, len(mapped) - 1, min(len(mapped), count * _ROWS_TO_LEARN_A_LIST)).astype(np.int64)
        index.train(mapped.of(learnt))
        for rows in _blocks(len(mapped)):
            index.add(mapped.of(rows))
        _faiss.write_index(index, str(path))
    except RuntimeError as error:  # what FAISS makes of a full disk
        raise OSError(f"{path}: {error}") from error
    finally:
        _faiss.omp_set_num_threads(threads)


class Bitmap:
    """Which rows may be returned, in the form that FAISS tests fastest."""

    def __init__(self, mask: Mask) -> None:
        self.count = int(mask.sum())
        self._bits = np.packbits(mask, bitorder="little")  # FAISS keeps a bare pointer to it
        self.selector = _faiss.IDSelectorBitmap(self._bits)
        self.parameters = _faiss.SearchParameters(sel=self.selector)


def _searched(index: Any, vector: Vectors, wanted: int, parameters: Any) -> Found:
    if wanted == 0:
        return _NOTHING
    question = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
    if question.shape[1] != index.d:
        raise ValueError(f"a vector of {question.shape[1]} dimensions, the index has {index.d}")
    # One question on one core: FAISS would spread it over threads and wait for the slowest, which on busy cores takes
    # a hundred times as long (52 ms for 10,000 vectors, 0.3 with one). Holds for the calling thread alone.
    _faiss.omp_set_num_threads(1)
    scores, rows = index.search(question, wanted, params=parameters)
    found = rows[0] >= 0
    return rows[0][found], scores[0][found]


def _opened(path: Path, how: int) -> Any:
    path.stat()  # a missing file is told as such
    try:
        return _faiss.read_index(str(path), how)
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error


def _header(dimensions: int, rows: int) -> bytes:
    """How FAISS begins a file of so many vectors of float16: that of an empty one, with both counts put in.

    FAISS itself writes only what it holds in memory. The counts stand behind the type's four letters and the
    dimensions, and right before the vectors.
    """
    empty = _faiss.IndexScalarQuantizer(dimensions, _faiss.ScalarQuantizer.QT_fp16, _faiss.METRIC_INNER_PRODUCT)
    header = bytearray(_faiss.serialize_index(empty).tobytes())
    header[8:16] = struct.pack("<q", rows)
    header[-8:] = struct.pack("<Q", rows * dimensions * STORED_VECTOR.itemsize)
    return bytes(header)


def _blocks(rows: int) -> Iterator[Rows]:
    for start in range(0, rows, _ROWS_AT_ONCE):
        yield np.arange(start, min(start + _ROWS_AT_ONCE, rows))
