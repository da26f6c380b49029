"""Speaks to live engines over HTTP: several addresses share the load, those that are down are left out a while.

Knows OpenAI's forms and the engine's own fields beside them; knows no model. Safe to call from several threads.
"""

import base64
import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import numpy as np
from pydantic import TypeAdapter, ValidationError

from assistant.engine.client import EngineState, HeardSpeech, Priority
from assistant.engine.lanes import DeadlinePassed
from assistant.engine.wav import clip_to_wav
from assistant.errors import (
    BadInput,
    BadMedia,
    Busy,
    EarmarkError,
    EmbedderDown,
    PartDown,
    RecognizerDown,
    UnknownLanguage,
)
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, Vectors
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource, Word

CONNECT_S = 3.0
CLIP_S = 600.0
"""How long a clip's answer may take where the caller gave no deadline: waiting in the lane included."""
FILE_S = 24 * 3600.0
EMBED_S = 120.0
TEXTS_A_REQUEST = 256
GRACE_S = 2.0
"""The engine answers late work itself; the connection is held a little longer than the deadline."""
LEFT_OUT_S = 3.0
"""An engine that did not answer is tried last for so long."""
STATE: TypeAdapter[EngineState] = TypeAdapter(EngineState)
KINDS = {error.kind: error for error in (BadMedia, UnknownLanguage, BadInput, RecognizerDown, EmbedderDown)}
NOTHING_KNOWN = ClipOptions()
Value = TypeVar("Value")


class HttpEngineClient:
    """`url`: one base address or several, comma-separated. `key`: the secret they share."""

    def __init__(self, url: str, key: str) -> None:
        self._urls = tuple(part.strip().rstrip("/") for part in url.split(",") if part.strip())
        if not self._urls:
            raise BadInput("no engine's address is given", "set engine_url")
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(CLIP_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
            trust_env=False,  # an engine is never reached through a proxy meant for the outside
        )
        self._turn = itertools.count()
        self._down_until: dict[str, float] = {}
        self._embedder_digest: str | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    def state(self) -> EngineState:
        """The first engine's models; `children` counts those of every engine that answers."""
        states: list[EngineState] = []
        failure: PartDown | None = None
        for url in self._urls:
            try:
                states.append(self._state_of(url))
            except PartDown as error:
                failure = error
        if not states:
            raise failure or RecognizerDown("no engine answers")
        with self._lock:
            self._embedder_digest = states[0].embedder.digest or None
        return replace(
            states[0],
            children=sum(state.children for state in states),
            clips_at_once=sum(state.clips_at_once for state in states),
        )

    def recognize_clip(
        self, clip: Clip, *, priority: Priority = Priority.INDEX, deadline_s: float | None = None
    ) -> Recognised:
        wav = clip_to_wav(clip.samples)
        fields = {**_fields(clip.options), "clip": "true"}

        def ask(url: str) -> Recognised:
            document = self._transcription(
                url, wav, "clip.wav", fields, _headers(priority, deadline_s), _wait_s(deadline_s, CLIP_S)
            )
            extra = document.get("earmark", {})
            return Recognised(
                segments=_segments(document),
                error=extra.get("error"),
                truncated=bool(extra.get("truncated", False)),
                hard_to_hear=extra.get("hard_to_hear"),
            )

        return self._try_each(ask, down=RecognizerDown)

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions = NOTHING_KNOWN,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        longest_s: float | None = None,
    ) -> HeardSpeech:
        fields = _fields(options) | ({} if longest_s is None else {"longest_s": str(longest_s)})

        def ask(url: str) -> HeardSpeech:
            headers, wait_s = _headers(priority, deadline_s), _wait_s(deadline_s, FILE_S)
            if isinstance(sound, bytes):
                return _heard(self._transcription(url, sound, filename, fields, headers, wait_s))
            with sound.open("rb") as file:
                return _heard(self._transcription(url, file, filename, fields, headers, wait_s))

        return self._try_each(ask, down=RecognizerDown)

    def embed(self, texts: Sequence[str], *, kind: TextKind, priority: Priority = Priority.QUESTION) -> Vectors:
        """Vectors of one embedder alone: an engine whose embedder is another one is not asked again."""
        if not texts:
            return np.zeros((0, self.state().embedder.dimensions or 0), np.float32)
        return np.concatenate(
            [
                self._embed_some(texts[start : start + TEXTS_A_REQUEST], kind, priority)
                for start in range(0, len(texts), TEXTS_A_REQUEST)
            ]
        )

    def _embed_some(self, texts: Sequence[str], kind: TextKind, priority: Priority) -> Vectors:
        body = {
            "input": list(texts),
            "model": "",
            "encoding_format": "base64",
            "input_type": "query" if kind is TextKind.QUESTION else "passage",
        }

        def ask(url: str) -> Vectors:
            document = self._post(
                url, "/v1/embeddings", EmbedderDown, EMBED_S, json=body, headers=_headers(priority, None)
            )
            self._refuse_other_embedder(url, document)
            return _vectors(document, len(texts))

        return self._try_each(ask, down=EmbedderDown)

    def _refuse_other_embedder(self, url: str, document: dict[str, Any]) -> None:
        digest = document.get("earmark", {}).get("digest")
        if digest == self._embedder_digest or len(self._urls) == 1:
            return
        self.state()
        if digest != self._embedder_digest:
            raise EmbedderDown(f"{url}: has another embedder than {self._urls[0]}", "give every engine the same")

    def _try_each(self, ask: Callable[[str], Value], *, down: type[PartDown]) -> Value:
        """Ask one engine after another, beginning with the next in turn; those lately down come last."""
        failure: PartDown | None = None
        for url in self._in_turn():
            try:
                return ask(url)
            except DeadlinePassed:
                raise
            except PartDown as error:
                failure = error
                if not isinstance(error, Busy):
                    self._leave_out(url)
        raise failure or down("no engine answers")

    def _in_turn(self) -> list[str]:
        first = next(self._turn) % len(self._urls)
        turned = [*self._urls[first:], *self._urls[:first]]
        now = time.monotonic()
        with self._lock:
            return sorted(turned, key=lambda url: self._down_until.get(url, 0.0) > now)

    def _leave_out(self, url: str) -> None:
        with self._lock:
            self._down_until[url] = time.monotonic() + LEFT_OUT_S

    def _state_of(self, url: str) -> EngineState:
        response = self._send(url, "GET", "/v1/state", RecognizerDown, CONNECT_S)
        try:
            return STATE.validate_json(response.content)
        except ValidationError as error:
            raise RecognizerDown(f"{url}: is no Earmark engine", "check engine_url") from error

    def _transcription(
        self,
        url: str,
        sound: bytes | IO[bytes],
        filename: str,
        fields: dict[str, Any],
        headers: dict[str, str],
        wait_s: float,
    ) -> dict[str, Any]:
        files = {"file": (filename, sound, "application/octet-stream")}
        return self._post(
            url, "/v1/audio/transcriptions", RecognizerDown, wait_s, data=fields, files=files, headers=headers
        )

    def _post(self, url: str, path: str, down: type[PartDown], wait_s: float, **request: Any) -> dict[str, Any]:
        response = self._send(url, "POST", path, down, wait_s, **request)
        try:
            document = response.json()
        except ValueError as error:
            raise down(f"{url}: answered no JSON", "check engine_url") from error
        if not isinstance(document, dict):
            raise down(f"{url}: answered no object", "check engine_url")
        return document

    def _send(
        self, url: str, method: str, path: str, down: type[PartDown], wait_s: float, **request: Any
    ) -> httpx.Response:
        timeout = httpx.Timeout(wait_s, connect=CONNECT_S)
        try:
            response = self._http.request(method, url + path, timeout=timeout, **request)
        except httpx.TimeoutException as error:
            raise down(f"{url}: did not answer within {wait_s:.0f} s", "see whether the engine runs") from error
        except httpx.TransportError as error:
            raise down(f"{url}: cannot be reached: {error}", "see whether the engine runs") from error
        except httpx.InvalidURL as error:
            raise BadInput(f"{url}: no address: {error}", "check engine_url") from error
        if not response.is_success:
            raise _error_of(url, response, down)
        return response


def _error_of(url: str, response: httpx.Response, down: type[PartDown]) -> EarmarkError:
    """The error that the engine meant, rebuilt from its status and its own fields."""
    try:
        error = response.json()["error"]
        ours = error.get("earmark", {})
        detail, way_out = ours.get("detail", error["message"]), ours.get("way_out", "")
        kind = error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, way_out, kind = f"{url}: answered with status {response.status_code}", "", None
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return Busy(detail, way_out, retry_after_s=_retry_after_s(response))
    if response.status_code == httpx.codes.GATEWAY_TIMEOUT:
        return DeadlinePassed(detail, way_out)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return down(f"{url}: refuses our secret", "set engine_key to the engine's own")
    if kind in KINDS:
        return KINDS[kind](detail, way_out)
    if httpx.codes.is_client_error(response.status_code):
        return BadInput(detail, way_out)
    return down(detail, way_out)


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return max(0.1, float(response.headers.get("retry-after", "2")))
    except ValueError:
        return 2.0


def _headers(priority: Priority, deadline_s: float | None) -> dict[str, str]:
    headers = {"X-Earmark-Priority": priority.value}
    if deadline_s is not None:
        headers["X-Earmark-Deadline-S"] = f"{deadline_s:.3f}"
    return headers


def _wait_s(deadline_s: float | None, otherwise_s: float) -> float:
    return otherwise_s if deadline_s is None else max(0.0, deadline_s) + GRACE_S


def _fields(options: ClipOptions) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "model": "earmark",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"],
        "itn": "true" if options.itn else "false",
    }
    if options.language:
        fields["language"] = options.language
    if options.hotwords:
        fields["hotwords"] = json.dumps(options.hotwords, ensure_ascii=False)
    if options.script:
        fields["script"] = options.script
    return fields


def _heard(document: dict[str, Any]) -> HeardSpeech:
    extra = document.get("earmark", {})
    return HeardSpeech(
        segments=_segments(document),
        language=str(document.get("language") or UNDETERMINED),
        duration_s=float(document.get("duration") or 0.0),
        decode_ms=float(extra.get("decode_ms", 0.0)),
        recognise_ms=float(extra.get("recognise_ms", 0.0)),
    )


def _segments(document: dict[str, Any]) -> tuple[Segment, ...]:
    try:
        return tuple(_segment(given) for given in document.get("segments", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise RecognizerDown(f"the engine answered a segment that cannot be: {error}") from error


def _segment(given: dict[str, Any]) -> Segment:
    return Segment(
        start_s=float(given["start"]),
        end_s=float(given["end"]),
        text=str(given["text"]),
        language=str(given.get("language") or UNDETERMINED),
        time_source=TimeSource(given.get("time_source", TimeSource.VAD)),
        words=tuple(
            Word(float(word["start"]), float(word["end"]), str(word["word"]), word.get("probability"))
            for word in given.get("words", ())
        ),
        hard_to_hear=given.get("hard_to_hear"),
    )


def _vectors(document: dict[str, Any], count: int) -> Vectors:
    try:
        rows = sorted(document["data"], key=lambda row: int(row["index"]))
        vectors = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows])
    except (KeyError, TypeError, ValueError) as error:
        raise EmbedderDown(f"the engine answered vectors that cannot be: {error}") from error
    if len(vectors) != count:
        raise EmbedderDown(f"the engine answered {len(vectors)} vectors for {count} texts")
    return vectors.astype(np.float32, copy=False)
