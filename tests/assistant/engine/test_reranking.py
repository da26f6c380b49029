"""Reranking by a real small cross-encoder in a child of its own: what it answers, refuses, and does when it is late."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engine.http_client import GRACE_S, HttpEngineClient
from assistant.engine.lanes import DeadlinePassed
from assistant.engine.pace import EASED, Pace
from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec, RerankerSpec
from assistant.errors import RerankerDown
from knowledge.cross_encoder import CrossEncoderReranker
from knowledge.model_files import MINILM, packaged_model_folder
from tests.assistant.engine.running_engine import EngineProcess, running_engine, until
from tests.small_cross_encoder import small_cross_encoder

pytestmark = pytest.mark.timed

TEXTS = tuple(f"{number} apples and {100 - number} pears" for number in range(30))


def reranking_alone(model: str | None) -> EngineSpec:
    """The other models cannot be loaded, and need not be."""
    reranker = None if model is None else RerankerSpec(model, threads=1)
    return EngineSpec(RecogniserSpec("none"), EmbedderSpec("/nowhere"), reranker, children=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cross_encoder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def engine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("engine"), reranking_alone(str(folder))) as engine:
        until(lambda: reranker_is(engine, "ready"))
        yield engine


def reranker_is(engine: EngineProcess, state: str) -> bool:
    now = engine.client.state().reranker
    return now is not None and now.state == state


def test_scores_come_in_the_order_of_the_texts(engine: EngineProcess, folder: Path) -> None:
    scores = engine.client.rerank("how many apples", TEXTS)
    np.testing.assert_allclose(scores, CrossEncoderReranker(folder).score("how many apples", TEXTS), atol=1e-4)
    assert engine.client.rerank("how many apples", []).shape == (0,)


def test_the_form_is_the_one_its_field_uses(engine: EngineProcess) -> None:
    asked = {"query": "how many", "documents": list(TEXTS), "model": "any", "return_documents": False}
    whole = engine.raw.post("/v1/rerank", json=asked).json()
    best = engine.raw.post("/v1/rerank", json={**asked, "top_n": 3}).json()
    assert whole["model"] == "small"
    scores = [each["relevance_score"] for each in whole["results"]]
    assert scores == sorted(scores, reverse=True)
    assert sorted(each["index"] for each in whole["results"]) == list(range(len(TEXTS)))
    assert best["results"] == whole["results"][:3]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"documents": ["a"]}, "query"),
        ({"query": "", "documents": ["a"]}, "query"),
        ({"query": "a"}, "documents"),
        ({"query": "a", "documents": []}, "documents"),
        ({"query": "a", "documents": ["a"] * 101}, "documents"),
        ({"query": "a", "documents": ["x" * 10_001]}, "documents.0"),
        ({"query": "a", "documents": [1]}, "documents.0"),
        ({"query": "a", "documents": ["a"], "top_n": 0}, "top_n"),
    ],
)
def test_nonsense_and_too_much_are_refused_by_name(engine: EngineProcess, body: dict[str, Any], names: str) -> None:
    response = engine.raw.post("/v1/rerank", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["message"].startswith(names)


def test_the_engine_names_it_and_does_not_wait_for_it_to_be_ready(engine: EngineProcess, folder: Path) -> None:
    state = engine.client.state().reranker
    assert state is not None
    assert (state.name, state.digest, state.trial) == ("small", CrossEncoderReranker(folder).digest, False)
    assert engine.raw.get("/readyz").json()["reranker"] == {"state": "ready", "detail": None}


@pytest.mark.faults
def test_a_killed_reranker_comes_back_and_the_work_is_done(engine: EngineProcess) -> None:
    before = engine.client.rerank("how many apples", TEXTS)
    os.kill(engine.children("reranker")["0"], signal.SIGKILL)
    np.testing.assert_allclose(engine.client.rerank("how many apples", TEXTS), before, atol=1e-4)


@pytest.mark.faults
def test_late_work_is_dropped_and_the_next_is_turned_away_at_once_until_there_is_time_again(
    engine: EngineProcess,
) -> None:
    until(lambda: reranker_is(engine, "ready"))
    stopped = engine.children("reranker")["0"]
    os.kill(stopped, signal.SIGSTOP)
    try:
        with pytest.raises(DeadlinePassed, match="deadline passed"):
            engine.client.rerank("how many apples", TEXTS, deadline_s=0.5)
        started = time.monotonic()
        with pytest.raises(DeadlinePassed, match="takes about"):
            engine.client.rerank("how many apples", TEXTS, deadline_s=0.5)
        assert time.monotonic() - started < 0.4
    finally:
        os.kill(stopped, signal.SIGCONT)

    def in_time() -> bool:
        try:
            return engine.client.rerank("how many apples", TEXTS, deadline_s=0.5).shape == (30,)
        except DeadlinePassed:
            return False

    until(in_time)


def test_without_a_reranker_the_engine_says_so(tmp_path: Path) -> None:
    with running_engine(tmp_path, reranking_alone(None)) as engine:
        assert engine.client.state().reranker is None
        assert "reranker" not in engine.raw.get("/readyz").json()
        with pytest.raises(RerankerDown, match="no reranker; set reranker"):
            engine.client.rerank("how many", ["a"])


def test_of_several_engines_one_with_a_reranker_is_enough(folder: Path, tmp_path: Path) -> None:
    with (
        running_engine(tmp_path / "without", reranking_alone(None), key="k") as without,
        running_engine(tmp_path / "with", reranking_alone(str(folder)), key="k") as other,
        HttpEngineClient(f"{without.address.url},{other.address.url}", "k") as client,
    ):
        until(lambda: reranker_is(other, "ready"))
        state = client.state().reranker
        assert state is not None
        assert state.name == "small"
        assert [client.rerank("how many", ["a", "b"]).shape for _ in range(4)] == [(2,)] * 4


@contextmanager
def answering(status: int, body: dict[str, Any], *, after_s: float = 0.0) -> Iterator[str]:
    """An address that answers whatever is asked in this way."""
    over = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            over.wait(after_s)
            content = json.dumps(body).encode()
            with suppress(OSError):  # nobody waits any more
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library's name)
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()


def test_an_older_engine_among_several_is_passed_over() -> None:
    """It knows nothing of reranking, as one whose reranker is down."""
    unknown = {"error": {"message": "Not Found", "type": "invalid_request_error", "param": None, "code": "bad-request"}}
    scores = {"results": [{"index": 0, "relevance_score": 1.5}]}
    with (
        answering(404, unknown) as older,
        answering(200, scores) as newer,
        HttpEngineClient(f"{older},{newer}", "k") as client,
    ):
        assert [client.rerank("how many", ["a"]).tolist() for _ in range(4)] == [[1.5]] * 4


@pytest.mark.faults
def test_several_engines_that_keep_silent_cost_no_more_than_one() -> None:
    with (
        answering(200, {}, after_s=30) as one,
        answering(200, {}, after_s=30) as other,
        HttpEngineClient(f"{one},{other}", "k") as client,
    ):
        started = time.monotonic()
        with pytest.raises(RerankerDown, match="did not answer"):
            client.rerank("how many", ["a"], deadline_s=0.1)
        assert time.monotonic() - started < 0.1 + GRACE_S + 1.0


def test_a_folder_that_holds_none_is_said_to_be_the_reason(tmp_path: Path) -> None:
    with running_engine(tmp_path, reranking_alone(str(packaged_model_folder(MINILM)))) as engine:
        until(lambda: reranker_is(engine, "down"))
        with pytest.raises(RerankerDown, match="no cross-encoder but BertModel"):
            engine.client.rerank("how many", ["a"])


# How fast it is


def test_the_first_work_may_try() -> None:
    assert Pace().needs_s(1_000_000) == 0.0


def test_what_it_took_tells_what_it_will_take() -> None:
    pace = Pace()
    pace.took(1000, 2.0)
    assert pace.needs_s(500) == pytest.approx(1.0)
    pace.took(1000, 1.0)
    assert 0.5 < pace.needs_s(500) < 1.0


def test_work_that_was_broken_off_never_makes_it_look_faster() -> None:
    pace = Pace()
    pace.took(1000, 2.0)
    pace.took_at_least(1000, 0.1)
    assert pace.needs_s(1000) == pytest.approx(2.0)
    pace.took_at_least(1000, 3.0)
    assert pace.needs_s(1000) == pytest.approx(3.0)


def test_who_is_turned_away_may_try_again_in_the_end() -> None:
    pace = Pace()
    pace.took_at_least(1000, 10.0)
    pace.turned_away()
    assert pace.needs_s(1000) == pytest.approx(10.0 * EASED)
    for _ in range(30):
        pace.turned_away()
    assert pace.needs_s(1000) < 1.0
