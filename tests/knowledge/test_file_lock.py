"""A lock between processes: one holder at a time, free again however the holder ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.file_lock import file_lock

HOLD = """
import sys, time
from pathlib import Path
from knowledge.file_lock import file_lock
with file_lock(Path(sys.argv[1]), wait_s=0) as had:
    print(had, flush=True)
    time.sleep(60)
"""


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    with file_lock(tmp_path / "run" / "a.lock", wait_s=0) as first:
        assert first
        with file_lock(tmp_path / "run" / "a.lock", wait_s=0.1) as second:
            assert not second
    with file_lock(tmp_path / "run" / "a.lock", wait_s=0) as third:
        assert third


@pytest.mark.faults
def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with file_lock(path, wait_s=0) as had:
            assert not had
        holder.kill()
        with file_lock(path, wait_s=10) as had:
            assert had
