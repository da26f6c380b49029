"""Arrays on the disk: what was appended is what is mapped."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.index.arrays import ArrayWriter, mapped, write_array


@given(st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=40), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_blocks_are_read_as_one_array(tmp_path: Path, blocks: list[list[int]]) -> None:
    with ArrayWriter(tmp_path / "a.npy", np.dtype(np.int64)) as writer:
        for block in blocks:
            writer.append(np.array(block, np.int64))
    assert mapped(tmp_path / "a.npy").tolist() == [number for block in blocks for number in block]


def test_numpy_reads_it_too(tmp_path: Path) -> None:
    write_array(tmp_path / "ids.npy", np.array([b"one", b"three"], "S36"))
    assert np.load(tmp_path / "ids.npy", allow_pickle=False).tolist() == [b"one", b"three"]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array at all, whatever its name says"])
def test_a_file_that_is_no_array_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.npy").write_bytes(content)
    with pytest.raises((ValueError, OSError)):
        mapped(tmp_path / "broken.npy")
