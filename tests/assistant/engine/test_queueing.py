"""The queue over real processes: the recogniser is a scripted OpenAI-compatible server, so that time stands still."""

import os
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from assistant.engine.client import Priority
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.lanes import DeadlinePassed, LaneLimits
from assistant.engine.spec import RecogniserSpec
from assistant.engine.wav import clip_to_wav
from assistant.errors import Busy, RecognizerDown
from assistant.recognising.recognizer import Recognised
from knowledge.transcripts.segment import Segment
from tests.assistant.engine.conftest import StartProxy
from tests.assistant.engine.running_engine import EngineProcess, ScriptedServer, numbered_clip, until

pytestmark = pytest.mark.timed


def ask(
    crowd: ThreadPoolExecutor, engine: EngineProcess, number: int, priority: Priority = Priority.INDEX
) -> Future[Recognised]:
    return crowd.submit(engine.client.recognize_clip, numbered_clip(number), priority=priority)


def text_of(result: Recognised) -> str:
    return " ".join(segment.text for segment in result.segments)


def test_every_clip_gets_its_own_answer(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=3, limits=LaneLimits(questions=200, index=200))
    server.takes_s = 0.005
    with ThreadPoolExecutor(24) as crowd:
        asked = {
            number: ask(crowd, engine, number, Priority.QUESTION if number % 3 else Priority.INDEX)
            for number in range(150)
        }
    assert {number: text_of(answer.result()) for number, answer in asked.items()} == {
        number: f"clip number {number}" for number in range(150)
    }


def test_a_question_overtakes_a_long_queue_of_indexing(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=1)
    server.gate.clear()
    with ThreadPoolExecutor(24) as crowd:
        for number in range(20):
            ask(crowd, engine, number)
        until(lambda: len(server.came) == 1)
        question = ask(crowd, engine, 500, Priority.QUESTION)
        time.sleep(0.3)
        server.gate.set()
        assert text_of(question.result(20)) == "clip number 500"
    assert server.came.index(500) == 1


def test_one_asker_with_many_questions_does_not_keep_another_waiting(
    start_proxy: StartProxy, server: ScriptedServer
) -> None:
    engine = start_proxy(children=1)
    server.gate.clear()

    def post(number: int, asker: str) -> int:
        headers = {"X-Earmark-Priority": "question", "X-Earmark-Asker": asker}
        sound = clip_to_wav(numbered_clip(number).samples)
        return engine.post(sound, data={"clip": "true"}, headers=headers).status_code

    with ThreadPoolExecutor(24) as crowd:
        busy = [crowd.submit(post, 0, "busy")]
        until(lambda: server.came == [0])
        busy += [crowd.submit(post, number, "busy") for number in range(1, 12)]
        until(lambda: sum(one.done() for one in busy) == 3)  # eight may wait
        other = crowd.submit(post, 500, "other")
        time.sleep(0.3)
        server.gate.set()
        assert sorted(one.result(60) for one in busy) == [200] * 9 + [429] * 3
        assert other.result(60) == 200
    assert server.came.index(500) <= 2


def test_indexing_leaves_one_child_to_questions(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=3)
    server.gate.clear()
    with ThreadPoolExecutor(24) as crowd:
        for number in range(12):
            ask(crowd, engine, number)
        until(lambda: len(server.came) == 2)
        time.sleep(0.3)
        assert len(server.came) == 2
        ask(crowd, engine, 500, Priority.QUESTION)
        until(lambda: 500 in server.came, within_s=2)
        server.gate.set()


def test_a_full_lane_answers_429_and_when_to_come_back(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=1, limits=LaneLimits(index=2, questions=2))
    server.gate.clear()
    with ThreadPoolExecutor(8) as crowd:
        waiting = []
        for number in range(3):
            waiting.append(ask(crowd, engine, number))
            until(lambda: len(server.came) == 1)
        time.sleep(0.3)
        refused = engine.post(clip_to_wav(numbered_clip(9).samples), data={"clip": "true"})
        with pytest.raises(Busy) as busy:
            engine.client.recognize_clip(numbered_clip(9))
        server.gate.set()
        assert [text_of(each.result(20)) for each in waiting] == [f"clip number {number}" for number in range(3)]
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["error"]["code"] == "busy"
    assert busy.value.retry_after_s >= 1


def test_work_past_its_deadline_is_dropped_and_answered_so(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=1)
    server.gate.clear()
    with ThreadPoolExecutor(4) as crowd:
        ask(crowd, engine, 0)
        until(lambda: server.came == [0])
        begun = time.monotonic()
        with pytest.raises(DeadlinePassed):
            engine.client.recognize_clip(numbered_clip(7), deadline_s=0.4)
        assert time.monotonic() - begun < 2
        late = engine.post(
            clip_to_wav(numbered_clip(8).samples), data={"clip": "true"}, headers={"X-Earmark-Deadline-S": "0.2"}
        )
        server.gate.set()
        assert text_of(ask(crowd, engine, 1).result(20)) == "clip number 1"
    assert late.status_code == 504
    assert server.came == [0, 1]


def test_a_client_that_goes_away_gives_its_place_up(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=1)
    server.gate.clear()
    with ThreadPoolExecutor(4) as crowd:
        ask(crowd, engine, 0)
        until(lambda: server.came == [0])
        with pytest.raises(httpx.ReadTimeout):
            engine.post(clip_to_wav(numbered_clip(7).samples), data={"clip": "true"}, timeout=0.5)
        time.sleep(0.5)
        server.gate.set()
        assert text_of(ask(crowd, engine, 1).result(20)) == "clip number 1"
    assert server.came == [0, 1]


@pytest.mark.faults
def test_a_clip_whose_child_is_killed_is_answered_by_another(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=2)
    server.gate.clear()
    with ThreadPoolExecutor(2) as crowd:
        asked = ask(crowd, engine, 42)
        until(lambda: server.came == [42])
        os.kill(engine.children("recogniser")["1"], signal.SIGKILL)
        until(lambda: server.came == [42, 42])
        server.gate.set()
        assert text_of(asked.result(20)) == "clip number 42"


@pytest.mark.faults
def test_a_clip_that_kills_every_child_is_blamed_in_its_slot(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=2, limits=LaneLimits(deaths=2))
    server.gate.clear()
    with ThreadPoolExecutor(2) as crowd:
        asked = ask(crowd, engine, 42)
        for deaths in (1, 2):
            until(lambda deaths=deaths: len(server.came) == deaths)
            os.kill(engine.children("recogniser")["1"], signal.SIGKILL)
        result = asked.result(20)
        server.gate.set()
        assert text_of(ask(crowd, engine, 1).result(20)) == "clip number 1"
    assert result.segments == ()
    assert "kills the recogniser" in (result.error or "")


def test_several_engines_share_the_load_and_one_that_is_down_is_skipped(
    start_proxy: StartProxy, server: ScriptedServer
) -> None:
    engine = start_proxy(children=2)
    with HttpEngineClient(f"http://127.0.0.1:9, {engine.address.url}/", engine.address.key) as client:
        assert {text_of(client.recognize_clip(numbered_clip(number))) for number in range(6)} == {
            f"clip number {number}" for number in range(6)
        }
        assert client.state().children == 2


@pytest.mark.faults
def test_the_clips_of_an_engine_that_dies_go_to_the_other(start_proxy: StartProxy, server: ScriptedServer) -> None:
    first = start_proxy(children=2, home="first", key="shared")
    second = start_proxy(children=2, home="second", key="shared")
    with HttpEngineClient(f"{first.address.url},{second.address.url}", "shared") as client:
        assert client.state().children == 4
        server.gate.clear()
        with ThreadPoolExecutor(12) as crowd:
            asked = {number: crowd.submit(client.recognize_clip, numbered_clip(number)) for number in range(12)}
            until(lambda: len(server.came) >= 2)  # each keeps a child for questions
            first.process.kill()
            server.gate.set()
            answers = {number: text_of(answer.result(60)) for number, answer in asked.items()}
        assert answers == {number: f"clip number {number}" for number in range(12)}
        assert client.state().children == 2


@pytest.mark.faults
@pytest.mark.parametrize("streams", [False, True])
def test_a_line_that_is_cut_in_the_middle_of_an_answer_leads_to_the_other_engine(
    start_proxy: StartProxy, streams: bool, noise_wav: bytes
) -> None:
    engine = start_proxy(children=2, key="shared")
    with cut_lines() as (url, cut), HttpEngineClient(f"{url},{engine.address.url}", "shared") as client:
        told: list[Segment] = []
        heard = client.transcribe(noise_wav, filename="a.wav", on_segments=told.extend if streams else None)
        assert cut.is_set()
        assert heard == replace(
            engine.client.transcribe(noise_wav, filename="a.wav"),
            decode_ms=heard.decode_ms, recognise_ms=heard.recognise_ms,
        )  # fmt: skip


@contextmanager
def cut_lines() -> Iterator[tuple[str, threading.Event]]:
    """An address that promises an answer and hangs up in its middle."""
    cut = threading.Event()

    class Cuts(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
            cut.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cuts) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", cut
        server.shutdown()
        thread.join()


def test_a_model_that_is_down_on_one_engine_is_asked_of_the_other(
    start_proxy: StartProxy, server: ScriptedServer
) -> None:
    """The front of the first is well; what it cannot load is not everybody's answer."""
    well = start_proxy(children=2, home="well", key="shared")
    broken = start_proxy(children=1, home="broken", key="shared", recogniser=RecogniserSpec("none"), waits=False)
    until(lambda: broken.recogniser_is("down"))
    with HttpEngineClient(f"{broken.address.url},{well.address.url}", "shared") as client:
        assert client.state().recogniser.state == "ready"
        assert {text_of(client.recognize_clip(numbered_clip(number))) for number in range(4)} == {
            f"clip number {number}" for number in range(4)
        }


def test_who_asks_is_told_apart_without_being_named(
    start_proxy: StartProxy, server: ScriptedServer, spoken: bytes
) -> None:
    engine = start_proxy(children=1, limits=LaneLimits(questions_of_one=1))
    server.gate.clear()

    def ask(asker: str) -> object:
        return engine.client.transcribe(spoken, filename="q.wav", asker=asker)

    with ThreadPoolExecutor(4) as crowd:
        first = crowd.submit(ask, "a cookie")
        until(lambda: len(server.came) == 1)
        with pytest.raises(Busy, match="of yours"):
            ask("a cookie")
        other = crowd.submit(ask, "another")
        server.gate.set()
        first.result(60)
        other.result(60)


def test_an_engine_that_is_gone_is_said_to_be_down(start_proxy: StartProxy) -> None:
    engine = start_proxy(children=1)
    engine.process.kill()
    engine.process.wait()
    with pytest.raises(RecognizerDown, match="cannot be reached"):
        engine.client.recognize_clip(numbered_clip(1))


def test_a_server_that_is_down_is_said_to_be_down(start_proxy: StartProxy, server: ScriptedServer) -> None:
    engine = start_proxy(children=1)
    server.shutdown()
    server.server_close()
    with pytest.raises(RecognizerDown):
        engine.client.recognize_clip(numbered_clip(1))


def test_threads_share_one_client(start_proxy: StartProxy) -> None:
    engine = start_proxy(children=2)
    answers: dict[int, str] = {}

    def speak(number: int) -> None:
        answers[number] = text_of(engine.client.recognize_clip(numbered_clip(number)))

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"clip number {number}" for number in range(8)}
