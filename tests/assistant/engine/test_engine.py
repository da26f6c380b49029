"""The engine with the models it ships: real processes, real pocketsphinx, real MiniLM."""

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from assistant.engine.client import Priority
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import read_live_engine
from assistant.engine.running import MOST_FILES
from assistant.engine.service import borrowed_engine, run_engine
from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.engine.wav import clip_to_wav
from assistant.errors import BadInput, BadMedia, EmbedderDown, RecognizerDown, UnknownLanguage
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, ClipOptions
from knowledge.embedding import TextKind
from knowledge.model_files import MINILM, MINILM_SHA256, digest_of
from knowledge.token_vectors import unpack
from knowledge.transcripts.segment import Segment
from tests.assistant.engine.canaries import Canaries, heard_alone, mixed_up
from tests.assistant.engine.running_engine import EngineProcess, running_engine, until
from tests.assistant.recognising.flite import say

pytestmark = pytest.mark.timed

SILENCE = clip_to_wav(np.zeros(SAMPLE_RATE_HZ, np.float32))
FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


def long_clip(spoken: Clip, seconds: float) -> Clip:
    """The same words again and again: seconds of work for the recogniser."""
    samples = np.tile(spoken.samples, 30)
    return Clip(samples[: int(seconds * SAMPLE_RATE_HZ)])


def code_of(response: httpx.Response) -> str:
    error = response.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    return str(error["code"])


# What it hears


def test_a_clip_gives_words_with_times_inside_it(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    result = real_engine.client.recognize_clip(spoken_clip, priority=Priority.QUESTION)
    assert result.error is None
    words = [word for segment in result.segments for word in segment.words]
    assert "report" in {word.text for word in words}
    assert all(0 <= word.start_s <= word.end_s <= spoken_clip.duration_s for word in words)


def test_a_file_gives_its_segments_and_how_long_it_took(
    real_engine: EngineProcess, spoken: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "question.wav"
    path.write_bytes(spoken)
    for sound in (path, spoken):
        heard = real_engine.client.transcribe(sound, filename="question.wav")
        assert "report" in " ".join(segment.text for segment in heard.segments)
        assert heard.language == "en"
        assert heard.duration_s == pytest.approx(len(spoken) / 32_000, abs=0.05)
        assert heard.decode_ms > 0
        assert heard.recognise_ms > 0


def test_silence_gives_no_words(real_engine: EngineProcess) -> None:
    assert real_engine.client.transcribe(SILENCE, filename="silence.wav").segments == ()


def test_each_response_format_has_its_form(real_engine: EngineProcess, spoken: bytes) -> None:
    said = {
        form: real_engine.post(spoken, data={"response_format": form, "model": "whisper-1"})
        for form in ("json", "text", "srt", "vtt", "verbose_json")
    }
    assert all(response.status_code == 200 for response in said.values())
    assert set(said["json"].json()) == {"text"}
    assert "report" in said["text"].text
    assert " --> " in said["srt"].text
    assert said["vtt"].text.startswith("WEBVTT")
    assert "words" not in said["verbose_json"].json()
    assert set(said["verbose_json"].json()["earmark"]) >= {"recogniser", "digest", "truncated", "hard_to_hear"}


@pytest.fixture
def three_sentences(spoken_clip: Clip) -> bytes:
    """The same sentence three times, two seconds apart: three clips at least."""
    pause = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    return clip_to_wav(np.concatenate([spoken_clip.samples, pause] * 3))


def test_segments_are_told_in_order_while_the_rest_is_heard(real_engine: EngineProcess, three_sentences: bytes) -> None:
    told: list[Sequence[Segment]] = []
    heard = real_engine.client.transcribe(three_sentences, filename="talk.wav", on_segments=told.append)

    whole = real_engine.client.transcribe(three_sentences, filename="talk.wav")
    assert replace(heard, decode_ms=0, recognise_ms=0) == replace(whole, decode_ms=0, recognise_ms=0)
    assert len(told) >= 3
    assert tuple(segment for segments in told for segment in segments) == heard.segments


def test_a_stream_that_nobody_reads_any_more_ends_its_work(real_engine: EngineProcess, three_sentences: bytes) -> None:
    class EnoughError(Exception):
        pass

    def enough(_segments: object) -> None:
        raise EnoughError

    for _ in range(MOST_FILES + 1):  # more than may be heard at once: none of them lingers
        with pytest.raises(EnoughError):
            real_engine.client.transcribe(
                three_sentences, filename="talk.wav", priority=Priority.INDEX, on_segments=enough
            )
    assert real_engine.client.transcribe(three_sentences, filename="talk.wav").segments


def test_a_streamed_clip_is_an_event_and_an_end(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    data = {"stream": "true", "clip": "true", "response_format": "text"}
    reply = real_engine.post(clip_to_wav(spoken_clip.samples), data=data)
    assert reply.headers["content-type"].startswith("text/event-stream")
    delta, done = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    assert (delta["type"], done["type"]) == ("transcript.text.delta", "transcript.text.done")
    assert delta["delta"] == done["text"]


@pytest.fixture(scope="module")
def spoken_canaries(tmp_path_factory: pytest.TempPathFactory) -> Canaries:
    from assistant.recognising.pocketsphinx import PocketsphinxRecognizer

    folder = tmp_path_factory.mktemp("canaries")
    sentences = (
        f"the {who} {does} the {what}"
        for who, does, what in product(
            ("manager", "visitor", "driver", "nurse"), ("signs", "reads", "carries"), ("report", "letter", "key")
        )
    )
    return heard_alone(PocketsphinxRecognizer(), (say(sentence, folder) for sentence in sentences))


@pytest.mark.slow
def test_each_of_many_voices_gets_its_own_words(real_engine: EngineProcess, spoken_canaries: Canaries) -> None:
    assert mixed_up(real_engine, spoken_canaries, at_once=24) == []


def test_words_come_where_they_are_asked_for_and_real(real_engine: EngineProcess, spoken: bytes) -> None:
    data = {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
    words = real_engine.post(spoken, data=data).json()["words"]
    assert "report" in {word["word"] for word in words}
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)


def test_a_script_helps_the_recogniser(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    clip = Clip(spoken_clip.samples, ClipOptions("en", ("manager",), script="The manager signs the report.\n" * 5))
    result = real_engine.client.recognize_clip(clip)
    assert "manager signs the report" in " ".join(segment.text for segment in result.segments)


def test_a_language_it_cannot_hear_is_refused_by_name(real_engine: EngineProcess, spoken: bytes) -> None:
    with pytest.raises(UnknownLanguage, match="zh"):
        real_engine.client.transcribe(spoken, filename="q.wav", options=ClipOptions(language="zh"))


# What it embeds


def test_vectors_are_those_of_the_packaged_model(real_engine: EngineProcess) -> None:
    texts = [f"passage number {number}" for number in range(70)]
    made = real_engine.client.embed(texts, kind=TextKind.PASSAGE)
    vectors = made.whole
    assert all(len(unpack(each) or ()) == 3 for each in made.tokens)
    assert vectors.shape == (70, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    last = real_engine.client.embed(texts[-1:], kind=TextKind.PASSAGE).whole
    np.testing.assert_allclose(vectors[-1:], last, atol=1e-5)


def test_embeddings_speak_openais_form(real_engine: EngineProcess) -> None:
    as_list = real_engine.raw.post("/v1/embeddings", json={"input": "near miss", "model": "any", "user": "x"}).json()
    as_base64 = real_engine.raw.post(
        "/v1/embeddings", json={"input": ["near miss"], "model": "any", "encoding_format": "base64"}
    ).json()
    assert as_list["object"] == "list"
    assert as_list["model"] == MINILM
    assert as_list["data"][0]["index"] == 0
    decoded = np.frombuffer(base64.b64decode(as_base64["data"][0]["embedding"]), "<f4")
    np.testing.assert_allclose(decoded, as_list["data"][0]["embedding"], atol=1e-6)


def test_no_texts_are_no_vectors(real_engine: EngineProcess) -> None:
    assert real_engine.client.embed([], kind=TextKind.PASSAGE).whole.shape == (0, 384)


@pytest.mark.parametrize(
    "body", [{}, {"input": []}, {"input": [1, 2]}, {"input": "a", "encoding_format": "hex"}, {"input": None}, []]
)
def test_nonsense_to_embed_is_a_422(real_engine: EngineProcess, body: object) -> None:
    response = real_engine.raw.post("/v1/embeddings", json=body)
    assert response.status_code == 422
    assert code_of(response) == "bad-input"


# What it says of itself


def test_the_state_names_both_models_and_that_they_are_the_trial_ones(real_engine: EngineProcess) -> None:
    state = real_engine.client.state()
    assert (state.recogniser.name, state.recogniser.trial, state.recogniser.gives_word_times) == (
        "pocketsphinx",
        True,
        True,
    )
    assert (state.embedder.name, state.embedder.digest, state.embedder.dimensions) == (
        MINILM,
        digest_of(MINILM_SHA256),
        384,
    )
    assert state.embedder.languages == frozenset({"en"})
    assert state.children == 2


def test_the_address_is_written_for_the_owner_alone(real_engine: EngineProcess) -> None:
    path = real_engine.home / "run" / "engine.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["pid"] == real_engine.process.pid
    assert real_engine.address.key not in repr(real_engine.address)


def test_the_front_loads_no_model_and_the_children_no_web(real_engine: EngineProcess) -> None:
    front = {library.path for library in psutil.Process(real_engine.process.pid).memory_maps()}
    assert not [path for path in front if "torch" in path or "pocketsphinx" in path]
    code = "import sys, {module}; sys.exit(any(name in sys.modules for name in {names}))"
    for module, names in (
        ("assistant.engine.service", ("torch", "pocketsphinx", "sentence_transformers")),
        ("assistant.engine.device", ("fastapi", "starlette", "uvicorn", "torch", "pocketsphinx")),
    ):
        run = subprocess.run([sys.executable, "-c", code.format(module=module, names=names)], check=False)
        assert run.returncode == 0, module


# Who may speak to it


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic é".encode()}])
@pytest.mark.parametrize(
    "path", ["/readyz", "/v1/state", "/v1/embeddings", "/v1/rerank", "/v1/audio/transcriptions", "/nowhere"]
)
def test_without_the_secret_there_is_nothing_but_healthz(
    real_engine: EngineProcess, sent: dict[str, str], path: str
) -> None:
    response = httpx.post(real_engine.address.url + path, headers=sent, trust_env=False)
    assert response.status_code == 401
    assert code_of(response) == "unauthorised"
    assert httpx.get(real_engine.address.url + "/healthz", trust_env=False).json() == {"status": "ok"}


def test_a_client_with_the_wrong_secret_says_so(real_engine: EngineProcess) -> None:
    client = HttpEngineClient(real_engine.address.url, "wrong")
    with pytest.raises(EmbedderDown, match="refuses our secret"):
        client.embed(["a"], kind=TextKind.PASSAGE)
    client.close()


def test_another_address_than_loopback_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs a secret"):
        run_engine(EngineSpec(), home=tmp_path, host="0.0.0.0")


# Bad input


@pytest.mark.parametrize(
    ("sound", "fields", "status", "says"),
    [
        (b"", {}, 422, "clip.wav: empty"),
        (b"no sound at all, only text", {}, 422, "clip.wav"),
        (b"no sound", {"clip": "true"}, 422, "clip.wav: not a WAV"),
        (SILENCE[:60], {"clip": "true"}, 422, "cut short"),
        (clip_to_wav(np.zeros(31 * SAMPLE_RATE_HZ, np.float32)), {"clip": "true"}, 422, "longer than 30.0 s"),
        (SILENCE, {"language": "../../etc"}, 422, "BCP 47"),
        (SILENCE, {"clip": "perhaps"}, 422, "neither true nor false"),
        (SILENCE, {"response_format": "xml"}, 422, "known: json"),
        (SILENCE, {"hotwords": "{not json"}, 422, "hotwords"),
        (SILENCE, {"hotwords": '{"a": 1}'}, 422, "hotwords"),
        (SILENCE, {"script": "x" * 1_000_001}, 413, "1 MB"),
        (SILENCE, {"stream": "true", "response_format": "srt"}, 422, "not streamed"),
        (b"no sound", {"stream": "true"}, 422, "clip.wav"),
        (SILENCE, {"longest_s": "soon"}, 422, "no number of seconds"),
        (SILENCE, {"longest_s": "0.5"}, 422, "longer than 0.5 s"),
    ],
)
def test_bad_input_is_refused_by_name(
    real_engine: EngineProcess, sound: bytes, fields: dict[str, str], status: int, says: str
) -> None:
    response = real_engine.post(sound, data=fields)
    assert response.status_code == status
    assert says in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Earmark-Priority": "urgent"},
        {"X-Earmark-Deadline-S": "soon"},
        {"X-Earmark-Deadline-S": "nan"},
        {"X-Earmark-Asker": "x" * 65},
    ],
)
def test_bad_headers_are_refused_by_name(real_engine: EngineProcess, headers: dict[str, str]) -> None:
    response = real_engine.post(SILENCE, headers=headers)
    assert response.status_code == 422
    assert next(iter(headers)) in response.json()["error"]["message"]


def test_a_body_larger_than_allowed_is_a_413(tmp_path: Path) -> None:
    nothing_loads = EngineSpec(RecogniserSpec("none"), EmbedderSpec("none"), children=1, max_upload_mb=0.1)
    with running_engine(tmp_path, nothing_loads) as engine:
        declared = engine.post(b"x" * 5_000_000)
        streamed = engine.raw.post(
            "/v1/audio/transcriptions",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
            content=(FORM_HEAD if number == 0 else b"y" * 1_000_000 for number in range(6)),
        )
    assert (declared.status_code, streamed.status_code) == (413, 413)


def test_no_form_at_all_is_refused(real_engine: EngineProcess) -> None:
    response = real_engine.raw.post("/v1/audio/transcriptions", content=b"sound")
    assert response.status_code == 422
    assert "file" in response.json()["error"]["message"]


def test_a_bad_file_is_named_to_the_caller(real_engine: EngineProcess) -> None:
    with pytest.raises(BadMedia, match=r"my talk\.mp3"):
        real_engine.client.transcribe(b"not sound" * 100, filename="my talk.mp3")


# What breaks


@pytest.mark.slow
@pytest.mark.faults
def test_a_clip_survives_its_child_being_killed_in_the_middle(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    with ThreadPoolExecutor(1) as crowd:
        asked = crowd.submit(real_engine.client.recognize_clip, long_clip(spoken_clip, 25))
        time.sleep(0.5)
        victim = real_engine.children("recogniser")["1"]
        os.kill(victim, signal.SIGKILL)
        result = asked.result(60)
    assert result.error is None
    assert result.segments
    assert real_engine.children("recogniser").get("1") != victim


@pytest.mark.slow
@pytest.mark.faults
def test_a_stopped_child_is_replaced_and_its_clip_answered(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    victim = real_engine.children("recogniser")["1"]
    os.kill(victim, signal.SIGSTOP)
    result = real_engine.client.recognize_clip(spoken_clip, priority=Priority.INDEX)
    assert result.segments
    until(lambda: real_engine.children("recogniser").get("1") not in (None, victim))
    assert not psutil.pid_exists(victim)


@pytest.mark.slow
@pytest.mark.faults
def test_an_idle_stopped_child_is_replaced(real_engine: EngineProcess) -> None:
    victim = real_engine.children("embedder")["0"]
    os.kill(victim, signal.SIGSTOP)
    until(lambda: real_engine.children("embedder").get("0") not in (None, victim))


@pytest.mark.slow
@pytest.mark.faults
def test_without_the_embedder_it_still_hears(real_engine: EngineProcess, spoken_clip: Clip) -> None:
    os.kill(real_engine.children("embedder")["0"], signal.SIGKILL)
    until(lambda: real_engine.client.state().embedder.state != "ready")
    assert real_engine.raw.get("/readyz").status_code == 503
    assert real_engine.client.recognize_clip(spoken_clip).segments
    assert real_engine.client.embed(["near miss"], kind=TextKind.QUESTION).whole.shape == (1, 384)


def test_a_model_that_cannot_load_is_said_to_be_down_with_the_reason(tmp_path: Path) -> None:
    spec = EngineSpec(RecogniserSpec("nothing-like-it"), EmbedderSpec(str(tmp_path / "no-model")), children=1)
    with running_engine(tmp_path, spec) as engine:
        until(lambda: engine.recogniser_is("down") and engine.client.state().embedder.state == "down")
        with pytest.raises(RecognizerDown, match="nothing-like-it"):
            engine.client.recognize_clip(Clip(np.zeros(16_000, np.float32)))
        with pytest.raises(EmbedderDown, match="no-model"):
            engine.client.embed(["a"], kind=TextKind.PASSAGE)


@pytest.mark.faults
def test_children_die_with_an_engine_that_is_killed(tmp_path: Path) -> None:
    with running_engine(tmp_path, EngineSpec(children=2, embedder=EmbedderSpec("/nowhere"))) as engine:
        until(lambda: len(engine.children("recogniser")) == 2)
        family = psutil.Process(engine.process.pid).children(recursive=True)
        engine.process.kill()
        _, alive = psutil.wait_procs(family, timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert read_live_engine(tmp_path) is None


# Living and borrowed


def test_an_engine_that_ends_takes_its_address_along(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path, EngineSpec(RecogniserSpec("none"), EmbedderSpec("none"), children=1))
    family = psutil.Process(engine.process.pid).children(recursive=True)
    assert engine.end() == 0
    assert not (tmp_path / "run" / "engine.json").exists()
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_a_second_engine_on_the_same_home_is_refused_naming_the_first(real_engine: EngineProcess) -> None:
    with pytest.raises(BadInput, match=str(real_engine.process.pid)):
        run_engine(EngineSpec(), home=real_engine.home)


def test_a_port_in_use_is_refused_by_name(real_engine: EngineProcess, tmp_path: Path) -> None:
    port = int(real_engine.address.url.rsplit(":", 1)[1])
    with pytest.raises(BadInput, match=str(port)):
        run_engine(EngineSpec(), home=tmp_path, port=port)


def test_what_a_dead_engine_left_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "engine.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "key": "k", "pid": 1}))
    assert read_live_engine(tmp_path) is None
    (tmp_path / "run" / "engine.lock").touch()
    assert read_live_engine(tmp_path) is None


def test_a_call_borrows_the_live_engine(real_engine: EngineProcess) -> None:
    before = set(psutil.Process().children())
    with borrowed_engine(real_engine.home, EngineSpec()) as client:
        assert set(psutil.Process().children()) == before
        assert client.embed(["near miss"], kind=TextKind.QUESTION).whole.shape == (1, 384)


def test_a_call_starts_an_engine_where_none_lives_and_ends_it(
    tmp_path: Path, spoken_clip: Clip, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(psutil.Process().children())
    with borrowed_engine(tmp_path, EngineSpec(children=1, embedder=EmbedderSpec("/nowhere"))) as client:
        started = set(psutil.Process().children()) - before
        assert client.recognize_clip(spoken_clip).segments
    assert len(started) == 1
    assert not any(process.is_running() for process in started)
    assert not (tmp_path / "run").exists()
    assert capfd.readouterr().out == ""


def test_pieces_of_many_texts_come_back_in_order(real_engine: EngineProcess) -> None:
    texts = [f"{number} apples" for number in range(40)]
    together = real_engine.client.embed(texts, kind=TextKind.PASSAGE).whole
    alone = real_engine.client.embed([texts[17]], kind=TextKind.PASSAGE).whole
    np.testing.assert_allclose(together[17], alone[0], atol=1e-5)
