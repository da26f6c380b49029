"""The parent of web, engine and worker: starts them, restarts what dies, ends them together. Knows none of them.

One a home: HOME/run/serve.lock names the pid. Programs die with the parent, also when the parent is killed, and
whatever they started dies with them.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog

from assistant.errors import BadInput

log = structlog.get_logger(__name__)

PR_SET_PDEATHSIG = 1
POLL_S = 0.1


class HomeInUse(BadInput):
    """Another `serve` runs on this home."""

    kind = "home-in-use"


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive. `environment` is added to our own."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pace:
    """`first_pause_s`: before a dead program is started again, doubled up to `longest_pause_s`; anew after
    `healthy_s` of life. `end_within_s`: what still runs after that is killed.
    """

    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    healthy_s: float = 60.0
    end_within_s: float = 10.0

    def next_pause_s(self, last_pause_s: float | None, lived_s: float) -> float:
        if last_pause_s is None or lived_s >= self.healthy_s:
            return self.first_pause_s
        return min(self.longest_pause_s, 2 * last_pause_s)


class _Kept:
    """A program and the process that runs it now."""

    def __init__(self, program: Program, pace: Pace) -> None:
        self.program = program
        self._pace = pace
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._pause_s: float | None = None

    def look_after(self, now: float) -> None:
        """Start it where it is due; where it has died, say so and set when."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._pause_s = self._pace.next_pause_s(self._pause_s, now - self._started_at)
            self._start_at = now + self._pause_s
            log.warning(
                "program ended", name=self.program.name, pid=self._process.pid, code=code, again_in_s=self._pause_s
            )
            self._kill_group()
            self._process = None
        if self._process is None and now >= self._start_at:
            self._start(now)

    def _start(self, now: float) -> None:
        parent = os.getpid()
        self._started_at = now
        self._process = subprocess.Popen(
            self.program.argv,
            env={**os.environ, **self.program.environment},
            start_new_session=True,  # Ctrl-C comes to the parent alone, which ends all in order
            preexec_fn=lambda: _die_with(parent),  # safe: this process has one thread
        )
        log.info("program started", name=self.program.name, pid=self._process.pid)

    def ask_to_end(self) -> None:
        if self.runs:
            assert self._process is not None
            self._process.terminate()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            self._kill_group()
            self._process.wait()

    def _kill_group(self) -> None:
        """The program's own children too, where they are still of its session."""
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def supervise(
    programs: Sequence[Program],
    *,
    home: Path,
    is_ready: Callable[[], bool] | None = None,
    on_ready: Callable[[], None] | None = None,
    pace: Pace = Pace(),
) -> int:
    """Keep the programs running until SIGTERM (gives 0) or SIGINT (gives 130). Call it from the main thread.

    `on_ready` is called once, when `is_ready` says so for the first time. Raises HomeInUse naming the other's pid.
    """
    with holding_home(home), _told_to_end() as told:
        kept = [_Kept(program, pace) for program in programs]
        waiting_for_ready = on_ready is not None
        try:
            while not told:
                now = time.monotonic()
                for each in kept:
                    each.look_after(now)
                if waiting_for_ready and on_ready is not None and (is_ready is None or is_ready()):
                    waiting_for_ready = False
                    on_ready()
                time.sleep(POLL_S)
        finally:
            _end(kept, within_s=pace.end_within_s)
    return 128 + signal.SIGINT if told[0] == signal.SIGINT else 0


def _end(kept: Sequence[_Kept], *, within_s: float) -> None:
    """All together, in order: asked first, killed when the time is up."""
    for each in kept:
        each.ask_to_end()
    until = time.monotonic() + within_s
    while any(each.runs for each in kept) and time.monotonic() < until:
        time.sleep(POLL_S / 2)
    for each in kept:
        if each.runs:
            log.warning("program killed: it did not end in time", name=each.program.name)
        each.kill()


@contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """The signals that have come, instead of what they do by default. A second one changes nothing."""
    told: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def holding_home(home: Path) -> Iterator[None]:
    """HOME/run/serve.lock, held by flock: it is free again however its holder ended."""
    folder = home / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "serve.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise HomeInUse(
                f"{home}: a server runs on this home already, as process {pid}", "stop it, or take another --home"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _die_with(parent_pid: int) -> None:
    """In the new process: ask the kernel to kill it when the parent is gone."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


_LIBC = ctypes.CDLL(None, use_errno=True)
