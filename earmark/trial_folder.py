"""Where a home's words lie while a change is tried on them: in the home itself, where everything that deletes looks."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from assistant.errors import Busy
from knowledge.file_lock import file_lock

_PREFIX = "trial-"
_SWEPT_WITHIN_S = 10.0


@contextmanager
def trial_folder(home: Path) -> Iterator[Path]:
    """An empty folder for the block: HOME/run/trial-…, gone after it; what was killed before is gone first. Raises Busy
    where another trial of this home is under way."""
    with file_lock(_lock(home), wait_s=_SWEPT_WITHIN_S) as had:
        if not had:
            raise Busy("another change is being tried on this home", "wait until it is through")
        _sweep(home)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=home / "run") as folder:
            yield Path(folder)


def sweep_trials(home: Path) -> None:
    """Delete what killed trials left; one that is under way keeps its own."""
    if not any(_left(home)):
        return
    with file_lock(_lock(home), wait_s=0) as had:
        if had:
            _sweep(home)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an exception does, so that it cleans up; by default they end it on the spot.

    Call it from the main thread. What `nohup` has switched off stays off.
    """
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _exit)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _sweep(home: Path) -> None:
    for folder in _left(home):
        shutil.rmtree(folder, ignore_errors=True)


def _left(home: Path) -> list[Path]:
    return list((home / "run").glob(f"{_PREFIX}*"))


def _lock(home: Path) -> Path:
    return home / "run" / "trial.lock"
