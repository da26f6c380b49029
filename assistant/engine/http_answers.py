"""Reads what an engine answered: documents, events and errors, back into our own values. Pure; sends nothing."""

import base64
import json
from typing import Any

import httpx
import numpy as np

from assistant.engine.client import HeardSpeech
from assistant.engine.lanes import DeadlinePassed
from assistant.errors import (
    BadInput,
    BadMedia,
    Busy,
    EarmarkError,
    EmbedderDown,
    PartDown,
    RecognizerDown,
    RerankerDown,
    UnknownLanguage,
)
from knowledge.embedding import TextVectors
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource, Word

KINDS = {
    error.kind: error for error in (BadMedia, UnknownLanguage, BadInput, RecognizerDown, EmbedderDown, RerankerDown)
}


def document_in(url: str, content: str | bytes, down: type[PartDown] = RecognizerDown) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise down(f"{url}: answered no JSON", "check engine_url") from error
    if not isinstance(document, dict):
        raise down(f"{url}: answered no object", "check engine_url")
    return document


def error_of(url: str, response: httpx.Response, down: type[PartDown]) -> EarmarkError:
    try:
        document = response.json()
    except ValueError:
        document = None
    return error_in(document, url, down, status=response.status_code, retry_after_s=_retry_after_s(response))


def error_in(
    document: Any, url: str, down: type[PartDown], *, status: int | None = None, retry_after_s: float = 2.0
) -> EarmarkError:
    """The error that the engine meant, rebuilt from its status and its own fields."""
    try:
        status = status or int(document["status"])
        error = document["error"]
        ours = error.get("earmark", {})
        detail, way_out = ours.get("detail", error["message"]), ours.get("way_out", "")
        kind = error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, way_out, kind = f"{url}: answered with status {status}", "", None
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Busy(detail, way_out, retry_after_s=retry_after_s)
    if status == httpx.codes.GATEWAY_TIMEOUT:
        return DeadlinePassed(detail, way_out)
    if status == httpx.codes.UNAUTHORIZED:
        return down(f"{url}: refuses our secret", "set engine_key to the engine's own")
    if status == httpx.codes.NOT_FOUND:
        return down(f"{url}: knows no such request", "check engine_url; an older engine lacks what a newer one has")
    if kind in KINDS:
        return KINDS[kind](detail, way_out)
    if status is not None and httpx.codes.is_client_error(status):
        return BadInput(detail, way_out)
    return down(detail, way_out)


def heard_in(document: dict[str, Any]) -> HeardSpeech:
    extra = document.get("earmark", {})
    return HeardSpeech(
        segments=segments_in(document),
        language=str(document.get("language") or UNDETERMINED),
        duration_s=float(document.get("duration") or 0.0),
        decode_ms=float(extra.get("decode_ms", 0.0)),
        recognise_ms=float(extra.get("recognise_ms", 0.0)),
    )


def segments_in(document: dict[str, Any]) -> tuple[Segment, ...]:
    try:
        return tuple(_segment(given) for given in document.get("segments", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise RecognizerDown(f"the engine answered a segment that cannot be: {error}") from error


def vectors_in(document: dict[str, Any], count: int) -> TextVectors:
    try:
        rows = sorted(document["data"], key=lambda row: int(row["index"]))
        vectors = np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows])
        tokens = tuple(base64.b64decode(row.get("tokens", "")) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        raise EmbedderDown(f"the engine answered vectors that cannot be: {error}") from error
    if len(vectors) != count:
        raise EmbedderDown(f"the engine answered {len(vectors)} vectors for {count} texts")
    return TextVectors(vectors.astype(np.float32, copy=False), tokens)


def scores_in(document: dict[str, Any], count: int) -> TextScores:
    try:
        given = {int(row["index"]): float(row["relevance_score"]) for row in document["results"]}
        scores = np.array([given[index] for index in range(count)], np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise RerankerDown(f"the engine answered scores that cannot be: {error}") from error
    if len(given) != count or not np.isfinite(scores).all():
        raise RerankerDown(f"the engine answered no {count} scores for {count} texts")
    return scores


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
        invented=bool(given.get("invented", False)),
    )


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return max(0.1, float(response.headers.get("retry-after", "2")))
    except ValueError:
        return 2.0
