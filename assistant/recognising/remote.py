"""Recognises by an OpenAI-compatible server: POST {url}/audio/transcriptions, standard fields only.

Knows nothing of what runs there. Segment times inside a clip are not believed: such servers spread them or set them by
rule, so a clip's text has the clip's own bounds and no timed words. The key is never part of a message or a log line.
"""

import hashlib
import io
import time
import wave
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from babel import Locale

from assistant.errors import BadInput, Busy, RecognizerDown, UnknownLanguage
from assistant.recognising.clip_checks import is_silent, reason_to_refuse
from assistant.recognising.hotwords import hotword_prompt
from assistant.recognising.invention import invention_reason
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, ClipOptions, Recognised, Samples
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource

ENDPOINT = "/audio/transcriptions"
AT_ONCE = 4
TIMEOUT_S = 60.0
ATTEMPTS = 3
LONGEST_WAIT_S = 5.0
"""A server that asks for a longer pause is busy: the caller is told when to come back."""
SILENT_PROBABILITY = 0.6
SILENT_LOG_PROBABILITY = -1.0
"""Whisper's own rule: no speech above the one, with words less likely than the other."""


class RemoteRecognizer:
    """Safe to call from several threads; sends AT_ONCE clips at a time."""

    gives_word_times = False
    batch_s = 0.0
    languages: frozenset[str] | None = None

    def __init__(
        self, url: str, key: str | None, model: str, *, timeout_s: float = TIMEOUT_S, at_once: int = AT_ONCE
    ) -> None:
        self._url = endpoint_of(url)
        self._model = model
        self._at_once = at_once
        self._format = "verbose_json"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=timeout_s, follow_redirects=False)

    @property
    def name(self) -> str:
        return f"{self._model} at {_host_of(self._url)}"

    @property
    def digest(self) -> str:
        """Of the address and the model's name: a server does not show its files."""
        return hashlib.sha256(f"{self._url}\0{self._model}".encode()).hexdigest()

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(self._recognize_one, clips))

    def close(self) -> None:
        self._client.close()

    def _recognize_one(self, clip: Clip) -> Recognised:
        refusal = reason_to_refuse(clip)
        if refusal is not None:
            return Recognised(error=refusal)
        if is_silent(clip):
            return Recognised()
        response = self._post(clip)
        if response.status_code != httpx.codes.OK:
            return Recognised(error=f"the server refused this clip: {_message_of(response)}")
        document = _document_of(response)
        if document is None or not isinstance(document.get("text"), str):
            return Recognised(error="the server answered without a text")
        return heard_of(document, clip)

    def _post(self, clip: Clip) -> httpx.Response:
        """Once more as plain json where verbose_json is refused: some models know only that."""
        response = self._post_patiently(clip, self._format)
        refused = response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY)
        if refused and self._format == "verbose_json":
            plain = self._post_patiently(clip, "json")
            if plain.status_code == httpx.codes.OK:
                self._format = "json"
                return plain
        return response

    def _post_patiently(self, clip: Clip, response_format: str) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            response = self._send(clip, response_format)
            wait_s = _wait_of(response, attempt)
            if wait_s is None:
                break
            if attempt == ATTEMPTS or wait_s > LONGEST_WAIT_S:
                self._give_up(response, wait_s)
                break
            time.sleep(wait_s)
        self._check(response, clip.options)
        return response

    def _send(self, clip: Clip, response_format: str) -> httpx.Response:
        fields = request_fields(self._model, clip.options, response_format)
        files = {"file": ("clip.wav", wav_of(clip.samples), "audio/wav")}
        try:
            return self._client.post(self._url, data=fields, files=files)
        except httpx.TimeoutException as error:
            raise RecognizerDown(
                f"{_host_of(self._url)}: no answer in time", "see whether the recogniser there is overloaded"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RecognizerDown(
                f"{_host_of(self._url)}: cannot be reached ({type(error).__name__})",
                "check RECOGNIZER_URL and that the server runs",
            ) from error

    def _give_up(self, response: httpx.Response, wait_s: float) -> None:
        """A clip may be to blame for a 500; the other codes speak of the server."""
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Busy(f"{_host_of(self._url)}: too many requests", "try again later", retry_after_s=wait_s)
        if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
            raise RecognizerDown(f"{_host_of(self._url)}: answers {response.status_code}", "see that server's own log")

    def _check(self, response: httpx.Response, options: ClipOptions) -> None:
        """Raises what no other clip could do better."""
        host, status = _host_of(self._url), response.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RecognizerDown(f"{host}: does not accept our key ({status})", "check RECOGNIZER_KEY")
        if status == httpx.codes.NOT_FOUND:
            raise RecognizerDown(
                f"{host}: knows no such address or model (404): {_message_of(response)}",
                "check RECOGNIZER_URL and RECOGNIZER_MODEL",
            )
        if response.is_redirect or (response.is_success and _document_of(response) is None):
            raise RecognizerDown(f"{host}: what answers is no transcription server ({status})", "check RECOGNIZER_URL")
        if options.language and status in (400, 422) and _blames_language(response):
            raise UnknownLanguage(
                f"language {options.language!r}: {_message_of(response)}",
                f"choose a language that {self._model} at {host} hears",
            )


def endpoint_of(url: str) -> str:
    """`http://host`, `http://host/v1` and the whole address mean the same."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{url!r}: no address of a server", "set RECOGNIZER_URL to something like http://host:8000/v1")
    path = parts.path.rstrip("/").removesuffix(ENDPOINT)
    if not path.endswith("/v1"):
        path += "/v1"
    return parts._replace(path=path + ENDPOINT, fragment="").geturl()


def request_fields(model: str, options: ClipOptions, response_format: str) -> dict[str, str]:
    """The standard's fields. Its language is ISO 639-1, the first part of ours."""
    fields = {"model": model, "response_format": response_format}
    language = (options.language or "").replace("_", "-").split("-")[0].lower()
    if language and language != UNDETERMINED:
        fields["language"] = language
    prompt = hotword_prompt(options.hotwords)
    if prompt:
        fields["prompt"] = prompt
    return fields


def heard_of(document: Mapping[str, Any], clip: Clip) -> Recognised:
    """The text within the clip's own bounds. `document`: the server's, with a text."""
    text = " ".join(document["text"].split())
    if not text:
        return Recognised()
    language = _language_code(document.get("language")) or clip.options.language or UNDETERMINED
    invention = invention_reason(text, clip.duration_s)
    doubt = _silence_reason(document) or invention
    segment = Segment(
        0.0, clip.duration_s, text, language, TimeSource.VAD, hard_to_hear=doubt, invented=invention is not None
    )
    return Recognised((segment,), hard_to_hear=doubt)


def wav_of(samples: Samples) -> bytes:
    """16 bit mono at SAMPLE_RATE_HZ."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _silence_reason(document: Mapping[str, Any]) -> str | None:
    segments = document.get("segments")
    if not isinstance(segments, list) or not segments:
        return None
    if not all(isinstance(segment, dict) and _sounds_silent(segment) for segment in segments):
        return None
    return "the server itself doubts that anything was said"


def _sounds_silent(segment: Mapping[str, Any]) -> bool:
    silence, words = segment.get("no_speech_prob"), segment.get("avg_logprob")
    if not isinstance(silence, int | float) or not isinstance(words, int | float):
        return False
    return silence > SILENT_PROBABILITY and words < SILENT_LOG_PROBABILITY


def _wait_of(response: httpx.Response, attempt: int) -> float | None:
    """Seconds before the next attempt, None where there is no use in one. Retry-After is seconds or a date."""
    if response.status_code != httpx.codes.TOO_MANY_REQUESTS and response.status_code < 500:
        return None
    asked = response.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.2 * attempt


def _document_of(response: httpx.Response) -> dict[str, Any] | None:
    try:
        document = response.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _error_of(response: httpx.Response) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code"}}` of the standard; vLLM and others leave the envelope out."""
    document = _document_of(response) or {}
    inner = document.get("error")
    return inner if isinstance(inner, dict) else document


def _message_of(response: httpx.Response) -> str:
    error = _error_of(response)
    message = error.get("message") or error.get("detail") or f"status {response.status_code}"
    return " ".join(str(message).split())[:300]


def _blames_language(response: httpx.Response) -> bool:
    error = _error_of(response)
    return error.get("param") == "language" or "language" in str(error.get("code", ""))


def _language_code(said: object) -> str | None:
    """`en` for `en` and for `english`: Whisper's servers write the name."""
    if not isinstance(said, str) or not said:
        return None
    return said.lower() if len(said) <= 3 else _codes_by_name().get(said.lower())


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    names = Locale("en").languages
    return {name.lower(): code for code, name in names.items() if "_" not in code}


def _host_of(url: str) -> str:
    """Without user, password or query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
