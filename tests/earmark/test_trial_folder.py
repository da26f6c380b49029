"""The copy that a change is tried on: in the home, for as long as it is tried, however that ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.errors import Busy
from earmark.forgetting import free_copies
from earmark.trial_folder import trial_folder
from tests.product.running import wait_until

TRIES = """
import sys, time
from pathlib import Path
from earmark.trial_folder import ended_in_order, trial_folder

with ended_in_order(), trial_folder(Path(sys.argv[1])) as folder:
    (folder / "earmark.db").write_text("the heron drinks")
    time.sleep(60)
"""

HEARS_HANG_UPS = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""
"""Also where the tests themselves run under nohup."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def copies(home: Path) -> list[Path]:
    return list(home.rglob("earmark.db"))


def killed(home: Path, number: signal.Signals) -> int:
    """How a trial ended that a signal reached when it had copied."""
    process = subprocess.Popen([sys.executable, "-c", HEARS_HANG_UPS + TRIES, str(home)])
    try:
        wait_until(lambda: copies(home), timeout_s=30, what="a copy")
        process.send_signal(number)
        return process.wait(10)
    finally:
        process.kill()
        process.wait()


def test_it_lies_in_the_home_for_its_owner_alone_and_goes_with_the_block(home: Path) -> None:
    with trial_folder(home) as folder:
        assert folder.parent == home / "run"
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "earmark.db").write_text("words")
    assert copies(home) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_hang_up_leaves_nothing(home: Path, number: signal.Signals) -> None:
    assert killed(home, number) == 128 + number
    assert copies(home) == []


def test_under_nohup_a_hang_up_ends_nothing(home: Path) -> None:
    process = subprocess.Popen(["nohup", sys.executable, "-c", TRIES, str(home)], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: copies(home), timeout_s=30, what="a copy")
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        process.kill()
        process.wait()


def test_what_a_kill_left_goes_with_the_next_trial_or_whatever_else_deletes(home: Path) -> None:
    killed(home, signal.SIGKILL)
    assert len(copies(home)) == 1
    free_copies(home, [])
    assert copies(home) == []
    killed(home, signal.SIGKILL)
    with trial_folder(home):
        assert copies(home) == []


def test_one_at_a_time_and_what_is_under_way_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.trial_folder._SWEPT_WITHIN_S", 0.0)
    with trial_folder(home) as folder:
        (folder / "earmark.db").write_text("words")
        free_copies(home, [])
        with pytest.raises(Busy), trial_folder(home):
            pass
        assert copies(home) == [folder / "earmark.db"]
