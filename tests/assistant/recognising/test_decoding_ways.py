"""The ways that bench/recogniser_gpu.py compares give the same tokens: their times can be compared."""

from dataclasses import replace

import pytest

from assistant.recognising.fun_asr.decoding import Asked, Generated, generate
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.recognizer import Clip
from bench.decoding_ways import Captured, by_transformers
from bench.random_fun_asr import build_small_model
from tests.assistant.recognising.test_fun_asr import LENGTHS_S, sound


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> FunAsrRecognizer:
    folder = build_small_model(tmp_path_factory.mktemp("model") / "small")
    return FunAsrRecognizer.load(folder, device="cpu", dtype="fp32")


@pytest.fixture(scope="module")
def asked(recogniser: FunAsrRecognizer) -> list[Asked]:
    clips = [Clip(sound(seconds, seed)) for seed, seconds in enumerate(LENGTHS_S)]
    return [replace(recogniser._asked(clip, None), most_tokens=8 + 4 * at) for at, clip in enumerate(clips)]


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("endless", [False, True])
def test_every_way_gives_the_same_tokens(
    recogniser: FunAsrRecognizer, asked: list[Asked], count: int, endless: bool
) -> None:
    ends = frozenset[int]() if endless else recogniser._ends
    ours = generate(recogniser._model, asked[:count], end_tokens=ends, trims_audio=True)
    captured = Captured(recogniser._model)
    for _ in range(2):  # the second time over what the first has left
        assert captured.generate(asked[:count], end_tokens=ends, trims_audio=True) == ours
    theirs = by_transformers(recogniser._model, asked[:count], end_tokens=ends, trims_audio=True)
    assert theirs == ours
    assert isinstance(ours[0], Generated)
