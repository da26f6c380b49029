"""Arrays on disk that are longer than memory should hold: written block by block, mapped when read. Knows no engine."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class ArrayWriter:
    """A .npy file of one dtype that grows by its first axis. Raises OSError where the disk is full.

    Not by np.save: on a full disk that leaves half a file without a word.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._rows = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, block: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(block, dtype=self._dtype).tobytes())
        self._rows += len(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The header is as long as before: numpy leaves room in it for the first axis to grow."""
        try:
            self._file.seek(0)
            self._write_header()
        finally:
            self._file.close()

    def _write_header(self) -> None:
        described = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._rows,)}
        npy.write_array_header_1_0(self._file, described)


def write_array(path: Path, array: NDArray[Any]) -> None:
    with ArrayWriter(path, array.dtype) as writer:
        writer.append(array)


def mapped(path: Path) -> NDArray[Any]:
    """An array read where it lies: pages come in as they are touched, and are the system's to drop.

    Raises OSError, ValueError.
    """
    with path.open("rb") as file:
        npy.read_magic(file)
        shape, _, _ = npy.read_array_header_1_0(file)
    empty = 0 in shape  # nothing can be mapped where nothing is
    array: NDArray[Any] = np.load(path, mmap_mode=None if empty else "r", allow_pickle=False)
    return array.view(np.ndarray)  # a memmap is the same to read from, and takes five times as long to cut
