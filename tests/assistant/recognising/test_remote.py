"""The OpenAI-compatible client against a real small server."""

import io
import logging
import socket
import threading
import time
import wave
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from assistant.errors import BadInput, Busy, EarmarkError, RecognizerDown, UnknownLanguage
from assistant.recognising.recognizer import Clip, ClipOptions
from assistant.recognising.remote import RemoteRecognizer, endpoint_of
from knowledge.transcripts.segment import Segment, TimeSource
from tests.assistant.recognising.transcription_server import (
    KEY,
    Asked,
    Reply,
    TranscriptionServer,
    error,
    plain_json,
    verbose_json,
)


def sound(seconds: float = 2.0, *, level: float = 0.1, options: ClipOptions | None = None) -> Clip:
    samples = np.random.default_rng(0).normal(0, level, int(seconds * 16_000)).clip(-1, 1).astype(np.float32)
    return Clip(samples, options or ClipOptions())


@pytest.fixture
def server() -> Iterator[TranscriptionServer]:
    serving = TranscriptionServer(lambda asked: verbose_json("close the fire door"))
    yield serving
    serving.close()


@pytest.fixture
def recogniser(server: TranscriptionServer) -> Iterator[RemoteRecognizer]:
    client = RemoteRecognizer(server.url, KEY, "whisper-1", timeout_s=5)
    yield client
    client.close()


def test_it_sends_the_standard_s_fields_and_nothing_else(
    server: TranscriptionServer, recogniser: RemoteRecognizer
) -> None:
    options = ClipOptions(language="en-GB", hotwords=("lockout", "ISO 9001"), script="the whole script", itn=False)
    recogniser.recognize([sound(options=options)])
    (asked,) = server.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.authorization == f"Bearer {KEY}"
    assert asked.fields == {
        "model": "whisper-1",
        "response_format": "verbose_json",
        "language": "en",
        "prompt": "lockout, ISO 9001",
    }
    assert (asked.file_name, asked.file_type) == ("clip.wav", "audio/wav")
    with wave.open(io.BytesIO(asked.file)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() == 32_000


def test_nothing_known_is_nothing_sent(server: TranscriptionServer) -> None:
    client = RemoteRecognizer(server.url, None, "whisper-1")
    client.recognize([sound(options=ClipOptions(language="und"))])
    client.close()
    assert set(server.asked[0].fields) == {"model", "response_format"}
    assert server.asked[0].authorization is None


def test_a_clip_s_bounds_are_its_own_whatever_the_server_says(recogniser: RemoteRecognizer) -> None:
    (result,) = recogniser.recognize([sound(2.0)])
    assert result.segments == (Segment(0.0, 2.0, "close the fire door", "en", TimeSource.VAD),)
    assert result.segments[0].words == ()


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/v1/audio/transcriptions"])
def test_the_address_may_be_given_with_or_without_v1(server: TranscriptionServer, base: str) -> None:
    client = RemoteRecognizer(server.url + base, KEY, "m")
    client.recognize([sound()])
    client.close()
    assert server.asked[0].path == "/v1/audio/transcriptions"


@pytest.mark.parametrize("url", ["", "localhost:8000", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="RECOGNIZER_URL"):
        endpoint_of(url)


def test_plain_json_is_asked_for_where_verbose_json_is_refused(
    server: TranscriptionServer, recogniser: RemoteRecognizer
) -> None:
    def only_json(asked: Asked) -> Reply:
        if asked.fields["response_format"] == "json":
            return plain_json("hello there")
        return error(400, "response_format 'verbose_json' is not compatible with model", param="response_format")

    server.answering = only_json
    first, second = (recogniser.recognize([sound()])[0] for _ in range(2))
    assert first.segments[0].text == second.segments[0].text == "hello there"
    assert [asked.fields["response_format"] for asked in server.asked] == ["verbose_json", "json", "json"]


def test_results_stay_in_the_order_of_the_clips(server: TranscriptionServer, recogniser: RemoteRecognizer) -> None:
    def by_length(asked: Asked) -> Reply:
        frames = (len(asked.file) - 44) // 2
        time.sleep(0.3 - frames / 160_000)
        return plain_json(f"{frames} samples")

    server.answering = by_length
    clips = [sound(seconds) for seconds in (0.5, 1.0, 1.5, 2.0, 2.5, 0.7)]
    texts = [result.segments[0].text for result in recogniser.recognize(clips)]
    assert texts == [f"{len(clip.samples)} samples" for clip in clips]


@pytest.mark.parametrize(
    ("reply", "raised", "says"),
    [
        (error(401, "Incorrect API key provided"), RecognizerDown, "RECOGNIZER_KEY"),
        (error(403, "forbidden"), RecognizerDown, "RECOGNIZER_KEY"),
        (error(404, "The model `x` does not exist", code="model_not_found"), RecognizerDown, "RECOGNIZER_MODEL"),
        (error(429, "Rate limit reached", Retry_After="30"), Busy, "too many requests"),
        (error(502, "bad gateway"), RecognizerDown, "answers 502"),
        (error(503, "loading"), RecognizerDown, "answers 503"),
        (Reply(200, b"<html>It works!</html>", {"Content-Type": "text/html"}), RecognizerDown, "no transcription"),
        (Reply(200, b"[1, 2]"), RecognizerDown, "no transcription"),
        (Reply(302, b"", {"Location": "http://elsewhere.invalid/"}), RecognizerDown, "no transcription"),
    ],
)
def test_a_server_that_cannot_work_is_said_to_be_down(
    server: TranscriptionServer, recogniser: RemoteRecognizer, reply: Reply, raised: type[EarmarkError], says: str
) -> None:
    server.answering = lambda asked: reply
    with pytest.raises(raised, match=says) as failure:
        recogniser.recognize([sound()])
    assert failure.value.way_out
    assert KEY not in str(failure.value)


def test_a_short_wait_that_the_server_asks_for_is_kept(
    server: TranscriptionServer, recogniser: RemoteRecognizer
) -> None:
    replies = [error(429, "slow down", Retry_After="1"), error(500, "hiccup"), plain_json("hello")]
    server.answering = lambda asked: replies.pop(0)
    began = time.monotonic()
    assert recogniser.recognize([sound()])[0].segments[0].text == "hello"
    assert time.monotonic() - began >= 1.0


def test_a_long_wait_is_handed_on_with_its_seconds(server: TranscriptionServer, recogniser: RemoteRecognizer) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.answering = lambda asked: error(429, "slow down", Retry_After=at)
    with pytest.raises(Busy) as failure:
        recogniser.recognize([sound()])
    assert 60 < failure.value.retry_after_s <= 90


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (error(400, "Audio file might be corrupted or unsupported", code="invalid_value"), "might be corrupted"),
        (error(413, "Maximum content size limit exceeded"), "Maximum content size"),
        (error(500, "The server had an error"), "had an error"),
        (Reply(200, b'{"text": null}'), "without a text"),
        (Reply(200, b"{}"), "without a text"),
        (Reply(422, b'{"detail": [{"loc": ["body", "file"]}]}'), "body"),
    ],
)
def test_a_bad_clip_has_its_reason_and_its_neighbours_are_heard(
    server: TranscriptionServer, recogniser: RemoteRecognizer, reply: Reply, says: str
) -> None:
    server.answering = lambda asked: reply if len(asked.file) < 30_000 else plain_json("fine")
    good, bad, fine = recogniser.recognize([sound(2.0), sound(0.5), sound(3.0)])
    assert says in str(bad.error)
    assert [result.segments[0].text for result in (good, fine)] == ["fine", "fine"]


def test_nobody_listening_is_down() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        client = RemoteRecognizer(f"http://127.0.0.1:{held.getsockname()[1]}", KEY, "m")
        with pytest.raises(RecognizerDown, match="cannot be reached"):
            client.recognize([sound()])
        client.close()


def test_a_server_that_never_answers_is_down(server: TranscriptionServer) -> None:
    stop = threading.Event()

    def never(asked: Asked) -> Reply:
        stop.wait(5)
        return plain_json("late")

    server.answering = never
    client = RemoteRecognizer(server.url, KEY, "m", timeout_s=0.3)
    with pytest.raises(RecognizerDown, match="no answer in time"):
        client.recognize([sound()])
    stop.set()
    client.close()


def test_a_server_s_own_doubt_marks_the_text(server: TranscriptionServer, recogniser: RemoteRecognizer) -> None:
    server.answering = lambda asked: verbose_json("Thank you.", no_speech_prob=0.9, avg_logprob=-1.4)
    (result,) = recogniser.recognize([sound()])
    assert "doubts" in str(result.segments[0].hard_to_hear)


def test_a_loop_is_marked_as_invented(server: TranscriptionServer, recogniser: RemoteRecognizer) -> None:
    server.answering = lambda asked: plain_json("thanks for watching " * 12)
    (result,) = recogniser.recognize([sound(20.0)])
    assert "over and over" in str(result.hard_to_hear)


def test_an_empty_text_is_no_speech(server: TranscriptionServer, recogniser: RemoteRecognizer) -> None:
    server.answering = lambda asked: verbose_json(" ")
    assert recogniser.recognize([sound()])[0].segments == ()


@pytest.mark.parametrize(("said", "code"), [("english", "en"), ("chinese", "zh"), ("de", "de"), ("klingonese", "und")])
def test_a_language_by_name_becomes_its_code(
    server: TranscriptionServer, recogniser: RemoteRecognizer, said: str, code: str
) -> None:
    server.answering = lambda asked: verbose_json("x", language=said)
    assert recogniser.recognize([sound()])[0].segments[0].language == code


def test_a_language_that_the_server_refuses_is_unknown(
    server: TranscriptionServer, recogniser: RemoteRecognizer
) -> None:
    server.answering = lambda asked: error(
        400, "Invalid language 'xx'", param="language", code="invalid_language_format"
    )
    with pytest.raises(UnknownLanguage, match="xx"):
        recogniser.recognize([sound(options=ClipOptions(language="xx"))])


def test_the_key_is_in_no_log_line(recogniser: RemoteRecognizer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        recogniser.recognize([sound()])
    assert caplog.text
    assert KEY not in caplog.text


def test_the_name_shows_no_password() -> None:
    client = RemoteRecognizer("http://user:hidden@example.invalid:8000/v1", KEY, "large")
    assert client.name == "large at example.invalid:8000"
    client.close()
