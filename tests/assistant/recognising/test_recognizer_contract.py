"""What every recogniser keeps, whichever engine is behind it."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.errors import UnknownLanguage
from assistant.recognising.fun_asr.recogniser import FunAsrRecognizer
from assistant.recognising.pocketsphinx import PocketsphinxRecognizer
from assistant.recognising.recognizer import Clip, ClipOptions, Recognizer, Samples
from assistant.recognising.remote import RemoteRecognizer
from bench.random_fun_asr import build_small_model
from tests.assistant.engine.running_engine import running_engine, until
from tests.assistant.recognising.flite import say
from tests.assistant.recognising.scripted import ScriptedRecognizer
from tests.assistant.recognising.transcription_server import Asked, Reply, TranscriptionServer, error, verbose_json


def english_only(asked: Asked) -> Reply:
    if asked.fields.get("language", "en") != "en":
        return error(400, "Invalid language", param="language", code="invalid_language_format")
    return verbose_json("close the fire door")


def remote() -> Iterator[Recognizer]:
    server = TranscriptionServer(english_only)
    client = RemoteRecognizer(server.url, "key", "whisper-1")
    yield client
    client.close()
    server.close()


def pocketsphinx() -> Iterator[Recognizer]:
    yield PocketsphinxRecognizer()


def funasr() -> Iterator[Recognizer]:
    with tempfile.TemporaryDirectory() as folder:
        model = build_small_model(Path(folder) / "small")
        yield FunAsrRecognizer.load(model, device="cpu", dtype="fp32")


def our_engine_as_a_server() -> Iterator[Recognizer]:
    """The remote client before our own engine, which speaks the same forms."""
    with tempfile.TemporaryDirectory() as home:
        spec = EngineSpec(RecogniserSpec(), EmbedderSpec("/nowhere"), children=2)
        with running_engine(Path(home), spec) as engine:
            until(lambda: engine.recogniser_is("ready"))
            client = RemoteRecognizer(engine.address.url, engine.address.key, "whisper-1")
            yield client
            client.close()


def scripted() -> Iterator[Recognizer]:
    yield ScriptedRecognizer()


ENGINES = [pocketsphinx, funasr, remote, our_engine_as_a_server, scripted]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.__name__)
def recogniser(request: pytest.FixtureRequest) -> Iterator[Recognizer]:
    engine: Callable[[], Iterator[Recognizer]] = request.param
    yield from engine()


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return say("close the fire door", tmp_path_factory.mktemp("speech"))


def clip(samples: object) -> Clip:
    return Clip(np.asarray(samples, np.float32))


BAD = {
    "no samples": clip([]),
    "10 ms": clip(np.full(160, 0.1)),
    "not numbers": clip(np.full(16_000, np.nan)),
    "infinite": clip(np.full(16_000, np.inf)),
    "31 s": clip(np.full(31 * 16_000, 0.1)),
}


def test_one_result_a_clip(recogniser: Recognizer, speech: Samples) -> None:
    assert recogniser.recognize([]) == []
    assert len(recogniser.recognize([clip(speech)] * 3)) == 3


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_clip_has_its_reason_and_harms_no_other(recogniser: Recognizer, speech: Samples, kind: str) -> None:
    alone = recogniser.recognize([clip(speech)])[0]
    before, bad, after = recogniser.recognize([clip(speech), BAD[kind], clip(speech)])
    assert bad.error
    assert bad.segments == ()
    assert before == after == alone
    assert alone.error is None
    assert alone.segments


def test_silence_gives_no_words(recogniser: Recognizer) -> None:
    (result,) = recogniser.recognize([clip(np.zeros(32_000))])
    assert (result.segments, result.error) == ((), None)


def test_segments_lie_inside_their_clip_in_order(recogniser: Recognizer, speech: Samples) -> None:
    whole = clip(np.concatenate([speech, np.zeros(16_000, np.float32), speech]))
    (result,) = recogniser.recognize([whole])
    bounds = [second for segment in result.segments for second in (segment.start_s, segment.end_s)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= whole.duration_s


def test_words_have_times_only_where_the_engine_says_so(recogniser: Recognizer, speech: Samples) -> None:
    (result,) = recogniser.recognize([clip(speech)])
    assert all(bool(segment.words) == recogniser.gives_word_times for segment in result.segments)


def test_an_unknown_language_is_refused(recogniser: Recognizer, speech: Samples) -> None:
    with pytest.raises(UnknownLanguage) as refusal:
        recogniser.recognize([Clip(speech, ClipOptions(language="tlh"))])
    assert refusal.value.way_out


def test_samples_are_not_changed(recogniser: Recognizer, speech: Samples) -> None:
    kept = speech.copy()
    speech.flags.writeable = False
    recogniser.recognize([clip(speech)])
    assert np.array_equal(kept, speech)


def test_it_says_what_it_is(recogniser: Recognizer) -> None:
    assert recogniser.name
    assert len(bytes.fromhex(recogniser.digest)) == 32
    assert recogniser.languages is None or "en" in recogniser.languages
