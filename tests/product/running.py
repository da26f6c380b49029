"""Runs the real program: commands to their end, and a server until told to stop."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

READY = re.compile(r"(http://\S+)")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**extra: str) -> dict[str, str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EARMARK_")}
    return {**bare, **extra}


def command(home: Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "earmark", "--home", str(home), *map(str, arguments)]


def earmark(home: Path, *arguments: str | Path, timeout_s: float = 240, **extra: str) -> Ran:
    """Run one command to its end; `extra` are environment variables."""
    argv = command(home, *arguments)
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=timeout_s, env=environment(**extra), check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Server:
    """A running `earmark serve`; `http` speaks to its pages as a browser of its own origin would."""

    process: subprocess.Popen[str]
    address: str
    home: Path
    http: httpx.Client


@contextmanager
def serving(home: Path, log: Path, *arguments: str, **extra: str) -> Iterator[Server]:
    """`earmark serve` on a free port, ready for questions; ended with SIGTERM."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command(home, "serve", "--port", "0", *arguments),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment(**extra),
            start_new_session=True,
        )
        try:
            address = _address(process, log)
            wait_until(lambda: _is_ready(address), timeout_s=90, what=f"{address}/readyz; log: {log}")
            with httpx.Client(base_url=address, timeout=60, headers={"Origin": address}) as http:
                yield Server(process, address, home, http)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                if process.stdout is not None:
                    process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = READY.search(line)
        if found:
            return found[1]
    raise AssertionError(f"serve ended with {process.wait()}: {log.read_text()[-3000:]}")


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(condition: Any, *, timeout_s: float, what: str) -> float:
    """Seconds until `condition()` held. Raises AssertionError after the timeout."""
    started = time.monotonic()
    while time.monotonic() - started < timeout_s:
        if condition():
            return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"not within {timeout_s} s: {what}")


def processes_of(home: Path) -> Sequence[tuple[int, str]]:
    """(pid, command line) of every process that works on this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home) in line and "earmark" in line:
                found.append((int(entry.name), line))
    return found
