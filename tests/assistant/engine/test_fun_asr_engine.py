"""The engine with Fun-ASR in its children, on the small model: clips in batches, none ever another's."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.engine.lanes import LaneLimits
from assistant.engine.spec import FUNASR, EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.errors import UnknownLanguage
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.recognizer import Clip, ClipOptions
from bench.random_fun_asr import build_small_model
from tests.assistant.engine.canaries import Canaries, heard_alone, mixed_up, said_by
from tests.assistant.engine.running_engine import EngineProcess, running_engine, until
from tests.assistant.recognising.test_fun_asr import sound


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_model(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture(scope="module")
def engine(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    spec = EngineSpec(
        RecogniserSpec(FUNASR, str(model), device="cpu", dtype="fp32"),
        EmbedderSpec("/nowhere"),
        limits=LaneLimits(index=512, questions=512),
    )
    with running_engine(tmp_path_factory.mktemp("engine"), spec) as engine:
        until(lambda: engine.recogniser_is("ready") and len(engine.children("recogniser")) == 2)
        yield engine


@pytest.fixture(scope="module")
def canaries(model: Path) -> Canaries:
    recogniser = FunAsrRecognizer.load(model, device="cpu", dtype="fp32")
    return heard_alone(recogniser, (sound(0.6 + 0.05 * (seed % 40), seed) for seed in range(200)))


def test_it_says_how_many_clips_keep_it_busy(engine: EngineProcess) -> None:
    state = engine.client.state()
    assert (state.children, state.clips_at_once) == (2, 12)
    assert state.recogniser.languages is not None
    assert len(state.recogniser.languages) == 31
    assert not state.recogniser.trial


def test_each_of_many_requests_gets_its_own_answer(engine: EngineProcess, canaries: Canaries) -> None:
    assert mixed_up(engine, canaries, at_once=64) == []


def test_an_unknown_language_in_a_batch_refuses_itself_alone(engine: EngineProcess, canaries: Canaries) -> None:
    def ask(at: int) -> bool:
        clip, text = canaries[at]
        if at % 8 == 3:
            with pytest.raises(UnknownLanguage, match="tlh"):
                engine.client.recognize_clip(Clip(clip.samples, ClipOptions(language="tlh")))
            return True
        return said_by(engine.client.recognize_clip(clip)) == text

    with ThreadPoolExecutor(32) as crowd:
        assert all(crowd.map(ask, range(32)))


@pytest.mark.faults
def test_a_batch_whose_child_is_killed_is_answered_by_the_next(engine: EngineProcess, canaries: Canaries) -> None:
    with ThreadPoolExecutor(32) as crowd:
        asked = [crowd.submit(engine.client.recognize_clip, clip) for clip, _ in canaries]
        until(lambda: "1" in engine.children("recogniser"))
        os.kill(engine.children("recogniser")["1"], signal.SIGKILL)
        assert [said_by(each.result(60)) for each in asked] == [text for _, text in canaries]
    until(lambda: len(engine.children("recogniser")) == 2)
