"""Where this home's engine is: written by the engine that runs, read by everything beside it.

The lock says whether it lives, the file says where. Only the home's owner can read the secret.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from assistant.errors import BadInput

LOCK_TRIES = 20
LOCK_PAUSE_S = 0.05
"""Readers hold the lock for a moment to see whether it is free; an engine tries again before it gives up."""


class EngineRunsAlready(BadInput):
    kind = "engine-runs-already"


@dataclass(frozen=True, slots=True)
class EngineAddress:
    url: str
    key: str = field(repr=False)
    pid: int


def publish_engine(home: Path, address: EngineAddress) -> None:
    """Write HOME/run/engine.json whole or not at all, readable by its owner alone."""
    path = _file(home)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(asdict(address), file)
    draft.replace(path)


def withdraw_engine(home: Path, pid: int) -> None:
    """Remove the address, where it is still the one of this process."""
    address = _read(home)
    if address is not None and address.pid == pid:
        _file(home).unlink(missing_ok=True)


def read_live_engine(home: Path) -> EngineAddress | None:
    """The address of the engine that runs on this home; None where none does, whatever a dead one left."""
    return _read(home) if _is_locked(home) else None


@contextmanager
def holding_engine_lock(home: Path) -> Iterator[None]:
    """One engine a home. Raises EngineRunsAlready naming the pid of the other."""
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(home).open("a") as file:
        for _ in range(LOCK_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOCK_PAUSE_S)
        else:
            other = _read(home)
            who = f"process {other.pid}" if other else "another process"
            raise EngineRunsAlready(f"{home}: {who} runs this home's engine already", "stop it, or use it")
        yield


def _is_locked(home: Path) -> bool:
    try:
        with _lock(home).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _read(home: Path) -> EngineAddress | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        given = json.loads(_file(home).read_text(encoding="utf-8"))
        return EngineAddress(str(given["url"]), str(given["key"]), int(given["pid"]))
    return None


def _file(home: Path) -> Path:
    return home / "run" / "engine.json"


def _lock(home: Path) -> Path:
    return home / "run" / "engine.lock"
