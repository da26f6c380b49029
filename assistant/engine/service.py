"""Runs an engine: alone for a server, or borrowed for one call. Loads no model; its children do."""

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn
from pydantic import TypeAdapter

from assistant.engine.client import EngineClient
from assistant.engine.front import create_front
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import (
    EngineAddress,
    holding_engine_lock,
    publish_engine,
    read_live_engine,
    withdraw_engine,
)
from assistant.engine.loopback import is_loopback
from assistant.engine.pool import STDERR_FD, child_environment
from assistant.engine.spec import EngineSpec
from assistant.errors import BadInput, RecognizerDown

BACKLOG = 256
BORROWED_START_S = 60.0
BORROWED_END_S = 10.0
POLL_S = 0.02
SPEC: TypeAdapter[EngineSpec] = TypeAdapter(EngineSpec)

__all__ = ["EngineSpec", "borrowed_engine", "run_engine"]


def run_engine(spec: EngineSpec, *, home: Path, host: str = "127.0.0.1", port: int = 0, key: str | None = None) -> None:
    """Serve until told to stop. Publishes HOME/run/engine.json when it answers and removes it at the end.

    Without a key a random one is made, and then only loopback will do.
    """
    if key is None and not is_loopback(host):
        raise BadInput(f"an engine on {host} needs a secret", "set engine_key here and where it is used")
    secret = key or secrets.token_urlsafe(32)
    with holding_engine_lock(home), _listening(host, port) as listener:
        address = EngineAddress(_url(host, listener.getsockname()[1]), secret, os.getpid())
        app = create_front(
            spec,
            key=secret,
            on_started=lambda: publish_engine(home, address),
            on_ended=lambda: withdraw_engine(home, address.pid),
        )
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3, server_header=False)
        )
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises SIGTERM again when it has ended in order: that is an end like any other.
            signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
        server.run(sockets=[listener])


@contextmanager
def borrowed_engine(home: Path, spec: EngineSpec) -> Iterator[EngineClient]:
    """The live engine of this home, else a process started for this call and ended with it."""
    live = read_live_engine(home)
    if live is not None:
        with HttpEngineClient(live.url, live.key) as client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory(prefix="earmark-engine-") as run_home,
        _own_engine(Path(run_home), spec) as own,
        HttpEngineClient(own.url, own.key) as client,
    ):
        yield client


@contextmanager
def _own_engine(run_home: Path, spec: EngineSpec) -> Iterator[EngineAddress]:
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant.engine.service", str(run_home)],
        stdin=subprocess.PIPE,
        stdout=STDERR_FD,  # the caller's own output may be JSON
        env=child_environment(),
        start_new_session=True,  # Ctrl-C is for the caller, which ends this one in order
    )
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(SPEC.dump_json(spec) + b"\n")
        yield _published(run_home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(BORROWED_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _published(run_home: Path, process: subprocess.Popen[bytes]) -> EngineAddress:
    until = time.monotonic() + BORROWED_START_S
    while time.monotonic() < until and process.poll() is None:
        address = read_live_engine(run_home)
        if address is not None:
            return address
        time.sleep(POLL_S)
    raise RecognizerDown("the engine could not be started", "its messages above say why; `earmark doctor` checks more")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle off only then; with it on every answer takes 40 ms more.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"the engine cannot listen on {host}:{port}: {error.strerror}", "take --port 0 for a free one"
            ) from error
        listener.listen(BACKLOG)
        yield listener


def _url(host: str, port: int) -> str:
    """What programs on this machine call: an address that listens everywhere is reached by loopback."""
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared with, not bound)
    return f"http://[{reach}]:{port}" if ":" in reach else f"http://{reach}:{port}"


def _run_borrowed() -> None:
    """A process for one call: the spec comes by stdin, so that no key is seen in a list of processes."""
    from assistant.engine.device import die_with_parent

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    parent = os.getppid()
    spec = SPEC.validate_json(sys.stdin.buffer.readline())
    die_with_parent(parent)
    run_engine(spec, home=Path(sys.argv[1]))


if __name__ == "__main__":
    _run_borrowed()
