"""The engine with Fun-ASR in its children, on the small model: clips in batches, none ever another's."""

import os
import random
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.engine.client import Priority
from assistant.engine.lanes import LaneLimits
from assistant.engine.spec import FUNASR, EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.engine.wav import clip_to_wav, wav_to_clip
from assistant.errors import UnknownLanguage
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.recognizer import Clip, ClipOptions
from bench.random_fun_asr import build_small_model
from knowledge.transcripts.segment import Segment
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
def canaries(model: Path) -> list[tuple[Clip, str]]:
    """32 clips, and what each gives when nobody else is there: no two the same."""
    recogniser = FunAsrRecognizer.load(model, device="cpu", dtype="fp32")
    found: dict[str, Clip] = {}
    for seed in range(200):
        clip = Clip(wav_to_clip(clip_to_wav(sound(0.6 + 0.05 * (seed % 40), seed)), filename="canary.wav"))
        found.setdefault(text_of(recogniser.recognize([clip])[0].segments), clip)
        if len(found) == 32:
            return [(clip, text) for text, clip in found.items()]
    raise AssertionError(f"only {len(found)} different texts")


def text_of(segments: Sequence[Segment]) -> str:
    return repr([(each.text, each.hard_to_hear) for each in segments])


def test_it_says_how_many_clips_keep_it_busy(engine: EngineProcess) -> None:
    state = engine.client.state()
    assert (state.children, state.clips_at_once) == (2, 12)
    assert state.recogniser.languages is not None
    assert len(state.recogniser.languages) == 31
    assert not state.recogniser.trial


def test_each_of_many_requests_gets_its_own_answer(engine: EngineProcess, canaries: list[tuple[Clip, str]]) -> None:
    asked = [(at, rank % 3) for rank in range(5) for at in range(len(canaries))]
    random.Random(4).shuffle(asked)

    def ask(at: int, lane: int) -> bool:
        priority = Priority.QUESTION if lane == 0 else Priority.INDEX
        clip, text = canaries[at]
        return text_of(engine.client.recognize_clip(clip, priority=priority).segments) == text

    with ThreadPoolExecutor(64) as crowd:
        assert all(crowd.map(lambda each: ask(*each), asked))


def test_an_unknown_language_in_a_batch_refuses_itself_alone(
    engine: EngineProcess, canaries: list[tuple[Clip, str]]
) -> None:
    def ask(at: int) -> bool:
        clip, text = canaries[at]
        if at % 8 == 3:
            with pytest.raises(UnknownLanguage, match="tlh"):
                engine.client.recognize_clip(Clip(clip.samples, ClipOptions(language="tlh")))
            return True
        return text_of(engine.client.recognize_clip(clip).segments) == text

    with ThreadPoolExecutor(32) as crowd:
        assert all(crowd.map(ask, range(32)))


@pytest.mark.faults
def test_a_batch_whose_child_is_killed_is_answered_by_the_next(
    engine: EngineProcess, canaries: list[tuple[Clip, str]]
) -> None:
    with ThreadPoolExecutor(32) as crowd:
        asked = [crowd.submit(engine.client.recognize_clip, clip) for clip, _ in canaries]
        until(lambda: "1" in engine.children("recogniser"))
        os.kill(engine.children("recogniser")["1"], signal.SIGKILL)
        assert [text_of(each.result(60).segments) for each in asked] == [text for _, text in canaries]
    until(lambda: len(engine.children("recogniser")) == 2)
