"""The engine goes over from torch to the embedder's export while it serves, or stays with torch where it cannot."""

import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant.engine.device import EmbedderModel, serve
from assistant.engine.messages import Embed, Embedded, Frame, Ready, to_bytes
from assistant.engine.spec import EmbedderSpec, EngineSpec
from knowledge.embedding import TextKind
from knowledge.exported_model import GRAPH
from knowledge.sentence_embedder import SentenceEmbedder
from tests.assistant.engine.conftest import IMPATIENT
from tests.assistant.engine.running_engine import EngineProcess, running_engine, until
from tests.knowledge.small_models import save_small_model

QUESTION = ["where is the fire extinguisher?"]
EXPORTING_S = 240.0


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("small") / "model")


def spec_of(model: Path, exports: Path) -> EngineSpec:
    return EngineSpec(children=1, embedder=EmbedderSpec(str(model), exports=str(exports)), patience=IMPATIENT)


def embedder_runs_by(engine: EngineProcess) -> str | None:
    state = engine.client.state().embedder
    return state.runs_by if state.state == "ready" else None


def libraries_of(pid: int) -> set[str]:
    return {Path(each.path).name for each in psutil.Process(pid).memory_maps()}


@pytest.mark.slow
def test_torch_serves_until_the_export_is_there_and_is_not_loaded_again(small_model: Path, tmp_path: Path) -> None:
    with running_engine(tmp_path, spec_of(small_model, tmp_path / "exported")) as engine:
        until(lambda: embedder_runs_by(engine))
        assert embedder_runs_by(engine) == "torch"
        by_torch = engine.client.embed(QUESTION, kind=TextKind.QUESTION).whole
        first = engine.children("embedder")["0"]

        until(lambda: psutil.Process(first).children(), EXPORTING_S)
        again = engine.client.embed(QUESTION, kind=TextKind.QUESTION).whole
        np.testing.assert_array_equal(again, by_torch)

        until(lambda: embedder_runs_by(engine) == "ONNX Runtime", EXPORTING_S)
        by_export = engine.client.embed(QUESTION, kind=TextKind.QUESTION).whole
        np.testing.assert_allclose(by_export, by_torch, atol=1e-4)
        assert engine.children("embedder")["0"] == first
        assert not psutil.Process(first).children()

        os.kill(first, signal.SIGKILL)
        until(lambda: engine.children("embedder").get("0") not in (None, first) and embedder_runs_by(engine))
        assert embedder_runs_by(engine) == "ONNX Runtime"
        assert not [name for name in libraries_of(engine.children("embedder")["0"]) if "torch" in name]
        np.testing.assert_array_equal(engine.client.embed(QUESTION, kind=TextKind.QUESTION).whole, by_export)


class CountingModel:
    """Embeds nothing, and counts how often it is left in between."""

    runs_by = None

    def __init__(self) -> None:
        self.times_in_between = 0

    def ready(self) -> Ready:
        raise AssertionError("nobody asks")

    def answer(self, frame: Frame) -> Frame:
        return Frame(Embedded(0, ()))

    def in_between(self) -> None:
        self.times_in_between += 1


@pytest.mark.parametrize(("longest_s", "times"), [(60.0, 0), (0.0, 3)])
def test_a_child_that_never_rests_looks_after_its_model_too(longest_s: float, times: int) -> None:
    ours, theirs = socket.socketpair()
    model = CountingModel()
    with ours, theirs:
        ours.sendall(3 * to_bytes(Frame(Embed(("x",), TextKind.PASSAGE))))
        ours.shutdown(socket.SHUT_WR)
        serve(theirs, model, longest_without_rest_s=longest_s)
    assert model.times_in_between == times


@pytest.mark.faults
def test_where_nothing_can_be_written_torch_goes_on(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made below this")
    with running_engine(tmp_path / "home", spec_of(small_model, tmp_path / "file" / "exported")) as engine:
        until(lambda: embedder_runs_by(engine))
        pid = engine.children("embedder")["0"]
        until(lambda: psutil.Process(pid).children(), EXPORTING_S)
        until(lambda: not psutil.Process(pid).children(), EXPORTING_S)
        assert embedder_runs_by(engine) == "torch"
        assert engine.client.embed(QUESTION, kind=TextKind.QUESTION).whole.shape == (1, 16)
        assert engine.children("embedder")["0"] == pid


@pytest.mark.faults
def test_the_exporting_process_ends_with_the_embedder(small_model: Path, tmp_path: Path) -> None:
    with running_engine(tmp_path, spec_of(small_model, tmp_path / "exported")) as engine:
        until(lambda: embedder_runs_by(engine))
        embedder = psutil.Process(engine.children("embedder")["0"])
        until(embedder.children, EXPORTING_S)
        (exporting,) = embedder.children()
        embedder.kill()
        assert psutil.wait_procs([exporting], timeout=10)[1] == []


@pytest.mark.faults
def test_the_exporting_process_says_why_it_could_not(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = exporting(small_model, tmp_path / "file" / "exported")
    assert run.returncode == 1
    assert "torch goes on running it" in run.stdout
    assert "Not a directory" in run.stdout


@pytest.mark.faults
@pytest.mark.parametrize(("level", "logged"), [(logging.INFO, True), (logging.WARNING, False)])
def test_an_export_is_told_to_a_server_s_log_and_to_no_terminal(
    small_model: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    level: int,
    logged: bool,
) -> None:
    """As `device.main` sets the level: a server's engine says what it does, one for a single call does not."""
    (tmp_path / "file").write_text("")
    caplog.set_level(level)
    before = set(psutil.Process().children())  # engines of other tests, which live as long as the run
    model = EmbedderModel(spec_of(small_model, tmp_path / "file" / "exported"), lambda _detail: None)
    model.in_between()
    [exporting] = set(psutil.Process().children()) - before
    exporting.wait(EXPORTING_S)
    model.in_between()  # it sees that the process has ended
    assert ("torch goes on running it" in "".join(capfd.readouterr())) is logged


@pytest.mark.faults
def test_the_exporting_process_says_that_a_model_cannot_be_loaded(tmp_path: Path) -> None:
    """As plain attention may not exist for a model that loads without."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    run = exporting(tmp_path / "model", tmp_path / "exported")
    assert run.returncode == 1
    assert "torch goes on running it" in run.stdout
    assert "Traceback" not in run.stderr


@pytest.mark.faults
def test_an_exporting_process_that_is_killed_leaves_nothing_that_is_used(small_model: Path, tmp_path: Path) -> None:
    exports = tmp_path / "exported"
    with subprocess.Popen(command_of(small_model, exports)) as process:
        until(lambda: list(exports.glob(f"making-*/*/{GRAPH}*")), EXPORTING_S)
        process.kill()
    assert SentenceEmbedder(small_model, threads=1, exports=exports).runs_by == "torch"
    assert exporting(small_model, exports).returncode == 0
    assert not list(exports.glob("making-*"))
    assert SentenceEmbedder(small_model, threads=1, exports=exports).runs_by == "ONNX Runtime"


def exporting(model: Path, exports: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command_of(model, exports), check=False, capture_output=True, text=True)


def command_of(model: Path, exports: Path) -> list[str]:
    return [sys.executable, "-m", "assistant.engine.exporting", str(model), str(exports), str(os.getpid())]
