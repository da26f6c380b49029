"""Speaks to live engines over HTTP: several addresses share the load, those that are down are left out a while.

Knows OpenAI's forms and the engine's own fields beside them; knows no model. Safe to call from several threads.
"""

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import httpx
import numpy as np
from pydantic import TypeAdapter, ValidationError

from assistant.engine.client import EngineState, HeardSpeech, ModelState, OnSegments, Priority
from assistant.engine.http_answers import (
    document_in,
    error_in,
    error_of,
    heard_in,
    scores_in,
    segments_in,
    vectors_in,
)
from assistant.engine.lanes import DeadlinePassed
from assistant.engine.wav import clip_to_wav
from assistant.errors import (
    BadInput,
    Busy,
    EmbedderDown,
    PartDown,
    RecognizerDown,
    RerankerDown,
)
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, TextVectors, one_after_another
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import Segment

CONNECT_S = 3.0
CLIP_S = 600.0
"""How long a clip's answer may take where the caller gave no deadline: waiting in the lane included."""
FILE_S = 24 * 3600.0
EMBED_S = 120.0
RERANK_S = 120.0
SILENT_STREAM_S = 60.0
TEXTS_A_REQUEST = 256
GRACE_S = 2.0
"""The engine answers late work itself; the connection is held a little longer than the deadline."""
LOOK_AGAIN_S = 3.0
"""How often an engine that did not answer is asked whether it is there again; until then it is tried last."""
STATE: TypeAdapter[EngineState] = TypeAdapter(EngineState)
NOT_RUNNING = (
    "the part that hears and compares is not running",
    "it is usually back within seconds: try again; if not, tell whoever runs Earmark",
)
TOO_SLOW = (
    "the part that hears and compares does not answer",
    "try again in a moment; if that does not help, tell whoever runs Earmark",
)
"""What is wrong and what to do, as pages say it in their language; the address goes beside, as the reason."""
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
        self._down: set[tuple[str, type[PartDown]]] = set()
        self._closed = threading.Event()
        self._embedder_digest: str | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        self._http.close()

    def state(self) -> EngineState:
        """Each model of the first engine where it is ready; `children` counts those of every engine that answers."""
        states: list[EngineState] = []
        failure: PartDown | None = None
        for url in sorted(self._urls, key=self._is_silent):
            if states and self._is_silent(url):
                break  # those that do not answer come last, and each costs its patience
            try:
                states.append(self._state_of(url))
            except PartDown as error:
                failure = error
                self._leave_out(url, RecognizerDown)
                self._leave_out(url, EmbedderDown)
        if not states:
            raise failure or RecognizerDown("no engine answers")
        embedder = _readiest([state.embedder for state in states])
        rerankers = [state.reranker for state in states if state.reranker is not None]
        with self._lock:
            self._embedder_digest = embedder.digest or self._embedder_digest
        return EngineState(
            recogniser=_readiest([state.recogniser for state in states]),
            embedder=embedder,
            children=sum(state.children for state in states),
            clips_at_once=sum(state.clips_at_once for state in states),
            reranker=_readiest(rerankers) if rerankers else None,
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
                segments=segments_in(document),
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
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        told = None if on_segments is None else _Told(on_segments)
        fields = _fields(options) | ({} if longest_s is None else {"longest_s": str(longest_s)})

        def ask(url: str) -> HeardSpeech:
            headers, wait_s = _headers(priority, deadline_s, asker), _wait_s(deadline_s, FILE_S)
            with nullcontext(sound) if isinstance(sound, bytes) else sound.open("rb") as content:
                if told is None:
                    return heard_in(self._transcription(url, content, filename, fields, headers, wait_s))
                return self._told_transcription(url, content, filename, fields, headers, wait_s, told)

        return self._try_each(ask, down=RecognizerDown, once_more=lambda: told is None or not told.segments)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors:
        """Vectors of one embedder alone: an engine whose embedder is another one is not asked again."""
        if not texts:
            return TextVectors(np.zeros((0, self.state().embedder.dimensions or 0), np.float32), ())
        return one_after_another(
            [
                self._embed_some(
                    texts[start : start + TEXTS_A_REQUEST],
                    kind,
                    _headers(priority, deadline_s, asker),
                    _wait_s(deadline_s, EMBED_S),
                )
                for start in range(0, len(texts), TEXTS_A_REQUEST)
            ]
        )

    def _embed_some(self, texts: Sequence[str], kind: TextKind, headers: dict[str, str], wait_s: float) -> TextVectors:
        body = {
            "input": list(texts),
            "model": "",
            "encoding_format": "base64",
            "input_type": "query" if kind is TextKind.QUESTION else "passage",
            "tokens": True,
        }

        def ask(url: str) -> TextVectors:
            document = self._post(url, "/v1/embeddings", EmbedderDown, wait_s, json=body, headers=headers)
            self._refuse_other_embedder(url, document)
            return vectors_in(document, len(texts))

        return self._try_each(ask, down=EmbedderDown)

    def rerank(
        self,
        question: str,
        texts: Sequence[str],
        *,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextScores:
        """Scores of one model: an engine is asked for all of them or for none, the next one for what time is left."""
        if not texts:
            return np.zeros(0, np.float32)
        body = {"query": question, "documents": list(texts)}
        until = None if deadline_s is None else time.monotonic() + deadline_s

        def ask(url: str) -> TextScores:
            left_s = None if until is None else until - time.monotonic()
            headers, wait_s = _headers(priority, left_s, asker), _wait_s(left_s, RERANK_S)
            document = self._post(url, "/v1/rerank", RerankerDown, wait_s, json=body, headers=headers)
            return scores_in(document, len(texts))

        return self._try_each(ask, down=RerankerDown, once_more=lambda: until is None or time.monotonic() < until)

    def _refuse_other_embedder(self, url: str, document: dict[str, Any]) -> None:
        digest = document.get("earmark", {}).get("digest")
        if digest == self._embedder_digest or len(self._urls) == 1:
            return
        self.state()
        if self._embedder_digest is not None and digest != self._embedder_digest:
            raise EmbedderDown(f"{url}: has another embedder than {self._urls[0]}", "give every engine the same")

    def _try_each(
        self, ask: Callable[[str], Value], *, down: type[PartDown], once_more: Callable[[], bool] = lambda: True
    ) -> Value:
        """Ask one engine after another, beginning with the next in turn; those lately down come last.

        `once_more`: whether another may be asked after one that failed.
        """
        failure: PartDown | None = None
        for url in self._in_turn(down):
            try:
                return ask(url)
            except DeadlinePassed:
                raise
            except PartDown as error:
                failure = error
                if not isinstance(error, Busy):
                    self._leave_out(url, down)
                if not once_more():
                    break
        raise failure or down("no engine answers")

    def _in_turn(self, down: type[PartDown]) -> list[str]:
        first = next(self._turn) % len(self._urls)
        return sorted([*self._urls[first:], *self._urls[:first]], key=lambda url: self._is_down(url, down))

    def _is_silent(self, url: str) -> bool:
        return self._is_down(url, RecognizerDown) and self._is_down(url, EmbedderDown)

    def _is_down(self, url: str, part: type[PartDown]) -> bool:
        with self._lock:
            return (url, part) in self._down

    def _leave_out(self, url: str, part: type[PartDown]) -> None:
        """Tried last from now on, until that model of it is ready. Of a lone engine there is nothing to choose."""
        if len(self._urls) == 1:
            return
        with self._lock:
            if (url, part) in self._down:
                return
            self._down.add((url, part))
        threading.Thread(target=self._look_again, args=(url, part), name=f"look for {url}", daemon=True).start()

    def _look_again(self, url: str, part: type[PartDown]) -> None:
        while not self._closed.wait(LOOK_AGAIN_S):
            with suppress(PartDown, BadInput, RuntimeError):  # closed in the meantime
                model = _model_of(self._state_of(url), part)
                if model is not None and model.state == "ready":
                    break
        with self._lock:
            self._down.discard((url, part))

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

    def _told_transcription(
        self,
        url: str,
        sound: bytes | IO[bytes],
        filename: str,
        fields: dict[str, Any],
        headers: dict[str, str],
        wait_s: float,
        told: "_Told",
    ) -> HeardSpeech:
        """The transcript by its events, each segment told as it comes."""
        request = self._http.stream(
            "POST",
            url + "/v1/audio/transcriptions",
            data=fields | {"stream": "true"},
            files={"file": (filename, sound, "application/octet-stream")},
            headers=headers,
            timeout=httpx.Timeout(wait_s, connect=CONNECT_S),
        )
        with _reaching(url, RecognizerDown, wait_s), request as response:
            if not response.is_success:
                response.read()
                raise error_of(url, response, RecognizerDown)
            # From here on it speaks every few seconds, or it is gone.
            response.request.extensions["timeout"]["read"] = SILENT_STREAM_S
            for line in response.iter_lines():
                if line.startswith(":"):
                    told.tell(())
                if not line.startswith("data:"):
                    continue
                event = document_in(url, line.removeprefix("data:"))
                if event.get("type") == "error":
                    raise error_in(event, url, RecognizerDown)
                if event.get("type") == "transcript.text.done":
                    return replace(heard_in(event), segments=told.segments)
                told.tell(segments_in({"segments": [event]}))
        raise RecognizerDown(*NOT_RUNNING, reason=f"{url}: broke off in the middle of its answer")

    def _post(self, url: str, path: str, down: type[PartDown], wait_s: float, **request: Any) -> dict[str, Any]:
        return document_in(url, self._send(url, "POST", path, down, wait_s, **request).content, down)

    def _send(
        self, url: str, method: str, path: str, down: type[PartDown], wait_s: float, **request: Any
    ) -> httpx.Response:
        with _reaching(url, down, wait_s):
            response = self._http.request(
                method, url + path, timeout=httpx.Timeout(wait_s, connect=CONNECT_S), **request
            )
        if not response.is_success:
            raise error_of(url, response, down)
        return response


def _model_of(state: EngineState, part: type[PartDown]) -> ModelState | None:
    if part is RerankerDown:
        return state.reranker
    return state.recogniser if part is RecognizerDown else state.embedder


def _readiest(models: Sequence[ModelState]) -> ModelState:
    return next((model for model in models if model.state == "ready"), models[0])


@contextmanager
def _reaching(url: str, down: type[PartDown], wait_s: float) -> Iterator[None]:
    """What the network does, in our own errors."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise down(*TOO_SLOW, reason=f"{url}: did not answer within {wait_s:.0f} s") from error
    except httpx.TransportError as error:
        raise down(*NOT_RUNNING, reason=f"{url}: cannot be reached: {error}") from error
    except httpx.InvalidURL as error:
        raise BadInput(f"{url}: no address: {error}", "check engine_url") from error


@dataclass
class _Told:
    """Segments that came so far; each is told on as it comes."""

    on_segments: OnSegments
    segments: tuple[Segment, ...] = ()

    def tell(self, segments: tuple[Segment, ...]) -> None:
        self.segments += segments
        self.on_segments(segments)


def _headers(priority: Priority, deadline_s: float | None, asker: str | None = None) -> dict[str, str]:
    headers = {"X-Earmark-Priority": priority.value}
    if asker:  # an engine tells askers apart; who they are is none of its business
        headers["X-Earmark-Asker"] = hashlib.sha256(asker.encode()).hexdigest()[:16]
    if deadline_s is not None:
        headers["X-Earmark-Deadline-S"] = f"{deadline_s:.3f}"
    return headers


def _wait_s(deadline_s: float | None, otherwise_s: float) -> float:
    return otherwise_s if deadline_s is None else max(0.0, deadline_s) + GRACE_S


def _fields(options: ClipOptions) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "model": "earmark",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"] if options.word_times else ["segment"],
        "itn": "true" if options.itn else "false",
    }
    if options.language:
        fields["language"] = options.language
    if options.hotwords:
        fields["hotwords"] = json.dumps(options.hotwords, ensure_ascii=False)
    if options.script:
        fields["script"] = options.script
    return fields
