"""Running engines: one with the real models, started once; one before a scripted server, a test each."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engine.lanes import LaneLimits
from assistant.engine.spec import EmbedderSpec, EngineSpec, Patience, RecogniserSpec
from assistant.engine.wav import clip_to_wav, wav_to_clip
from assistant.recognising.recognizer import Clip
from tests.assistant.engine.running_engine import (
    EngineProcess,
    ScriptedServer,
    running_engine,
    scripted_server,
    until,
)

IMPATIENT = Patience(floor_s=8.0, per_clip_second=2.0, ping_every_s=1.0, pong_within_s=3.0)
StartProxy = Callable[..., EngineProcess]


@pytest.fixture(scope="session")
def real_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """pocketsphinx twice and MiniLM, as shipped but less patient."""
    with running_engine(tmp_path_factory.mktemp("engine"), EngineSpec(children=2, patience=IMPATIENT)) as engine:
        until(lambda: engine.raw.get("/readyz").status_code == 200)
        yield engine


@pytest.fixture(autouse=True)
def _whole_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that killed children leaves the shared engine whole."""
    yield
    if "real_engine" in request.fixturenames:
        engine: EngineProcess = request.getfixturevalue("real_engine")
        until(lambda: engine.raw.get("/readyz").status_code == 200)
        until(lambda: len(engine.children("recogniser")) == 2)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A question said by flite: 16 kHz mono WAV."""
    path = tmp_path_factory.mktemp("spoken") / "question.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", "the manager signs the report", "-o", str(path)], check=True)
    return path.read_bytes()


@pytest.fixture
def spoken_clip(spoken: bytes) -> Clip:
    return Clip(wav_to_clip(spoken, filename="question.wav"))


@pytest.fixture(scope="session")
def noise_wav() -> bytes:
    return clip_to_wav(np.random.default_rng(1).uniform(-0.2, 0.2, 16_000).astype(np.float32))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def start_proxy(server: ScriptedServer, tmp_path: Path) -> Iterator[StartProxy]:
    """Starts an engine whose recogniser is the scripted server; ready when it returns."""
    with ExitStack() as started:

        def start(
            *,
            children: int,
            limits: LaneLimits | None = None,
            home: str = "home",
            key: str | None = None,
            recogniser: RecogniserSpec | None = None,
            waits: bool = True,
            **more: Any,
        ) -> EngineProcess:
            spec = EngineSpec(
                recogniser or RecogniserSpec("remote", "scripted", server.url),
                EmbedderSpec("/nowhere"),
                children=children,
                limits=limits or LaneLimits(),
                **more,
            )
            engine = started.enter_context(running_engine(tmp_path / home, spec, key=key))
            if waits:
                until(lambda: len(engine.children("recogniser")) == children and engine.recogniser_is("ready"))
            return engine

        yield start
