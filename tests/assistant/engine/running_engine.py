"""An engine in processes of its own, and a scripted OpenAI-compatible server for it to speak to."""

import email.parser
import email.policy
import io
import json
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from assistant.engine.client import EngineState
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import EngineAddress, read_live_engine
from assistant.engine.service import SPEC
from assistant.engine.spec import EngineSpec
from assistant.errors import PartDown
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip

START_S = 60.0
WITH_KEY = """
import sys
from pathlib import Path
from assistant.engine.service import SPEC, run_engine
run_engine(SPEC.validate_json(sys.stdin.readline()), home=Path(sys.argv[1]), key=sys.argv[2])
"""


def until(true: Callable[[], object], within_s: float = START_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


class EngineProcess:
    """`engine.client` speaks to it; `raw` is plain HTTP with the right secret."""

    def __init__(self, home: Path, spec: EngineSpec, *, key: str | None = None) -> None:
        self.home = home
        run = ["-m", "assistant.engine.service", str(home)] if key is None else ["-c", WITH_KEY, str(home), key]
        self.process = subprocess.Popen([sys.executable, *run], stdin=subprocess.PIPE)
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            stdin.write(SPEC.dump_json(spec) + b"\n")
        until(lambda: read_live_engine(home) or self.process.poll() is not None)
        address = read_live_engine(home)
        assert address is not None, "the engine ended while starting"
        self.address: EngineAddress = address
        self.client = HttpEngineClient(address.url, address.key)
        self.raw = httpx.Client(
            base_url=address.url, headers={"Authorization": f"Bearer {address.key}"}, timeout=60, trust_env=False
        )

    def state(self) -> EngineState | None:
        try:
            return self.client.state()
        except PartDown:
            return None

    def recogniser_is(self, state: str) -> bool:
        now = self.state()
        return now is not None and now.recogniser.state == state

    def children(self, role: str) -> dict[str, int]:
        pids: dict[str, int] = self.raw.get("/v1/children").json()[role]
        return pids

    def post(self, sound: bytes, name: str = "clip.wav", **request: Any) -> httpx.Response:
        return self.raw.post("/v1/audio/transcriptions", files={"file": (name, sound)}, **request)

    def end(self) -> int:
        self.client.close()
        self.raw.close()
        self.process.terminate()
        return self.process.wait(15)


@contextmanager
def running_engine(home: Path, spec: EngineSpec, *, key: str | None = None) -> Iterator[EngineProcess]:
    engine = EngineProcess(home, spec, key=key)
    try:
        yield engine
    finally:
        engine.end()


class ScriptedServer(ThreadingHTTPServer):
    """Answers each clip with the number that its length spells; `gate` closed, it keeps clips waiting."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.gate = threading.Event()
        self.gate.set()
        self.came: list[int] = []
        self.takes_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A child that is killed hangs up: nothing to say about it."""


class _Answers(BaseHTTPRequestHandler):
    server: ScriptedServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = number_of(_file_in(body, self.headers["Content-Type"]))
        self.server.came.append(number)
        self.server.gate.wait(60)
        time.sleep(self.server.takes_s)
        answer = json.dumps({"text": f"clip number {number}", "language": "english"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
        """Quiet."""


def _file_in(body: bytes, content_type: str) -> bytes:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in message.iter_parts():
        if part.get_filename():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            return content
    raise AssertionError("no file in the form")


def numbered_clip(number: int) -> Clip:
    """Noise whose length spells the number."""
    length = SAMPLE_RATE_HZ + 16 * number
    return Clip(np.random.default_rng(number).uniform(-0.2, 0.2, length).astype(np.float32))


def number_of(wav: bytes) -> int:
    with wave.open(io.BytesIO(wav)) as reader:
        return (reader.getnframes() - SAMPLE_RATE_HZ) // 16


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
