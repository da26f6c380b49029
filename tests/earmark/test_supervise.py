"""The supervisor over real processes: restarts, back-off, signals, the home's lock, and a parent that is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from earmark.supervise import HomeInUse, Pace, holding_home

pytestmark = pytest.mark.timed

PARENT = """
import sys
from pathlib import Path
from earmark.supervise import HomeInUse, Pace, Program, supervise
home = Path(sys.argv[1])
programs = [Program(name, (sys.executable, "-c", code)) for name, code in zip(sys.argv[2::2], sys.argv[3::2])]
try:
    sys.exit(supervise(programs, home=home, pace=Pace(first_pause_s=0.1, end_within_s=1.0),
                       on_ready=lambda: (home / "ready").touch()))
except HomeInUse as error:
    print(error)
    sys.exit(2)
"""
SLEEPS = "import time; time.sleep(600)"
STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("{up}").touch()
time.sleep(600)
"""


def until(true: Callable[[], object], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


class Parent:
    """A supervisor in a process of its own."""

    def __init__(self, home: Path, *programs: tuple[str, str]) -> None:
        arguments = [part for program in programs for part in program]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(home), *arguments], stdout=subprocess.PIPE, text=True
        )
        self.home = home

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def started(self, count: int) -> list[psutil.Process]:
        until(lambda: (self.home / "ready").exists() and len(self.children()) == count)
        return self.children()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Callable[..., Parent]]:
    started: list[Parent] = []

    def start(*programs: tuple[str, str]) -> Parent:
        started.append(Parent(tmp_path, *programs))
        return started[-1]

    yield start
    for each in started:
        each.end()


Start = Callable[..., Parent]


def test_a_killed_program_is_started_again_and_the_other_left_alone(parent: Start) -> None:
    first, second = (family := parent(("web", SLEEPS), ("worker", SLEEPS))).started(2)
    first.kill()
    until(lambda: len(family.children()) == 2 and first.pid not in {child.pid for child in family.children()})
    assert second.is_running()


def test_sigterm_ends_every_program_and_gives_0(parent: Start) -> None:
    children = (family := parent(("web", SLEEPS), ("worker", SLEEPS))).started(2)
    family.process.terminate()
    assert family.process.wait(5) == 0
    assert not any(child.is_running() for child in children)


def test_sigint_gives_130(parent: Start) -> None:
    (family := parent(("web", SLEEPS))).started(1)
    family.process.send_signal(signal.SIGINT)
    assert family.process.wait(5) == 130


def test_a_program_that_will_not_end_is_killed_when_the_time_is_up(parent: Start, tmp_path: Path) -> None:
    family = parent(("stubborn", STUBBORN.format(up=tmp_path / "up")))
    until((tmp_path / "up").exists)
    (child,) = family.started(1)
    family.process.terminate()
    assert family.process.wait(5) == 0
    assert not child.is_running()


@pytest.mark.faults
def test_programs_die_with_a_parent_that_is_killed(parent: Start) -> None:
    children = (family := parent(("web", SLEEPS), ("worker", SLEEPS))).started(2)
    family.process.kill()
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_a_second_server_on_the_same_home_exits_naming_the_first(parent: Start) -> None:
    (family := parent(("web", SLEEPS))).started(1)
    second = parent(("web", SLEEPS))
    output, _ = second.process.communicate(timeout=10)
    assert second.process.returncode == 2
    assert f"as process {family.process.pid}" in output
    assert family.process.poll() is None


@pytest.mark.faults
def test_a_killed_servers_home_is_free_at_once(parent: Start, tmp_path: Path) -> None:
    (family := parent(("web", SLEEPS))).started(1)
    with pytest.raises(HomeInUse), holding_home(tmp_path):
        pass
    family.end()
    with holding_home(tmp_path):
        assert (tmp_path / "run" / "serve.lock").read_text() == str(os.getpid())


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_healthy_minute() -> None:
    pace = Pace(first_pause_s=1, longest_pause_s=5, healthy_s=60)
    assert [pace.next_pause_s(last, 0.1) for last in (None, 1, 2, 4, 5)] == [1, 2, 4, 5, 5]
    assert pace.next_pause_s(5, 61) == 1
