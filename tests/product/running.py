"""Runs the real program: commands to their end, and a server until told to stop."""

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from knowledge.model_files import MINILM, packaged_model_folder

ASKING = frozenset({"ask", "bench", "demo", "index", "transcribe"})
"""Commands that start an engine of their own."""
MAKE_EXPORT = """
import sys
from pathlib import Path
from knowledge.model_export import make_export

make_export(Path(sys.argv[1]), Path(sys.argv[2]))
"""
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


@cache
def _exported() -> Path:
    """The packaged embedder as ONNX Runtime takes it, made once a run: by each home for itself, as the engine's tests
    show it, it would take each half a minute."""
    made = tempfile.mkdtemp(prefix="earmark-exported-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    subprocess.run([sys.executable, "-c", MAKE_EXPORT, packaged_model_folder(MINILM), made], check=True)
    return Path(made)


def _give_export(home: Path) -> None:
    if not (home / "exported").exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copytree(_exported(), home / "exported", copy_function=os.link)


def command(home: Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "earmark", "--home", str(home), *map(str, arguments)]


def earmark(home: Path, *arguments: str | Path, timeout_s: float = 240, **extra: str) -> Ran:
    """Run one command to its end; `extra` are environment variables."""
    if arguments and arguments[0] in ASKING:
        _give_export(home)
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
    _give_export(home)
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
