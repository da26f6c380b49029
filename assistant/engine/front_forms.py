"""Reads OpenAI's request forms, and Cohere's of reranking. Knows no queue and no model."""

import json
import math
import re
import time
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import structlog
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import FormData, UploadFile

from assistant.engine.answers import FORMATS, STREAMED_FORMATS
from assistant.engine.client import Priority
from assistant.engine.front_errors import TooLarge
from assistant.engine.lanes import Caller
from assistant.errors import BadInput
from assistant.recognising.hotwords import clean_hotwords
from assistant.recognising.languages import language_tag
from assistant.recognising.recognizer import ClipOptions
from knowledge.embedding import TextKind

log = structlog.get_logger(__name__)

SCRIPT_BYTES = 1_000_000
LONGEST_ASKER = 64
LARGEST_FIELD_BYTES = 2_000_000
MOST_TEXTS = 2048
MOST_TEXT_CHARS = 100_000
MOST_DOCUMENTS = 100
MOST_DOCUMENT_CHARS = 10_000
"""Rerankers read some thousand characters; the rest would only be carried."""
GRANULARITIES = frozenset({"word", "segment"})
FIELDS = frozenset(
    [
        "file",
        "model",
        "language",
        "prompt",
        "response_format",
        "temperature",
        "timestamp_granularities[]",
        "hotwords",
        "itn",
        "script",
        "clip",
        "longest_s",
        "stream",
        "include[]",
        "chunking_strategy",
    ]
)
TRUE = frozenset({"true", "1", "yes", "on"})
FALSE = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    file: UploadFile
    filename: str
    options: ClipOptions
    response_format: str
    words: bool
    clip: bool
    stream: bool
    longest_s: float | None


class EmbeddingRequest(BaseModel):
    """OpenAI's form; beside it `input_type`, and `tokens` for the vectors of each token, packed. Other fields are let
    be, as OpenAI's clients send several."""

    model_config = ConfigDict(extra="ignore")

    input: (
        Annotated[str, Field(max_length=MOST_TEXT_CHARS)]
        | Annotated[list[Annotated[str, Field(max_length=MOST_TEXT_CHARS)]], Field(min_length=1, max_length=MOST_TEXTS)]
    )
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"
    input_type: Literal["query", "passage"] = "query"
    tokens: bool = False

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input

    @property
    def kind(self) -> TextKind:
        return TextKind.QUESTION if self.input_type == "query" else TextKind.PASSAGE


class RerankRequest(BaseModel):
    """The form that Cohere, Jina, vLLM and others share. Other fields are let be."""

    model_config = ConfigDict(extra="ignore")

    query: Annotated[str, Field(min_length=1, max_length=MOST_DOCUMENT_CHARS)]
    documents: Annotated[
        list[Annotated[str, Field(max_length=MOST_DOCUMENT_CHARS)]], Field(min_length=1, max_length=MOST_DOCUMENTS)
    ]
    model: str = ""
    top_n: Annotated[int, Field(ge=1)] | None = None


def caller_of(request: Request) -> Caller:
    """The three headers. Without a priority the work is taken for indexing: it never delays a question."""
    named = request.headers.get("x-earmark-priority", Priority.INDEX.value)
    if named not in set(Priority):
        raise BadInput(f"X-Earmark-Priority: {named!r} is unknown", "send question or index")
    asker = request.headers.get("x-earmark-asker", "")
    if len(asker) > LONGEST_ASKER:
        raise BadInput(f"X-Earmark-Asker: longer than {LONGEST_ASKER} characters")
    given = request.headers.get("x-earmark-deadline-s")
    if given is None:
        return Caller(Priority(named), None, asker)
    try:
        deadline_s = float(given)
    except ValueError:
        deadline_s = math.nan
    if not math.isfinite(deadline_s):
        raise BadInput(f"X-Earmark-Deadline-S: {given!r} is no number of seconds", "send seconds from now")
    return Caller(Priority(named), time.monotonic() + deadline_s, asker)


def transcription_request(form: FormData) -> TranscriptionRequest:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise BadInput("file: missing", "send the sound as a file in a multipart form")
    unknown = sorted(set(form) - FIELDS)
    if unknown:
        log.info("unknown form fields left alone", fields=len(unknown))
    response_format = _text(form, "response_format") or "json"
    if response_format not in FORMATS:
        raise BadInput(f"response_format: {response_format!r} is unknown", f"known: {', '.join(FORMATS)}")
    granularities = {str(value) for value in form.getlist("timestamp_granularities[]")}
    if not granularities <= GRANULARITIES:
        raise BadInput("timestamp_granularities[]: unknown", "known: word, segment")
    stream = _flag(form, "stream", default=False)
    if stream and response_format not in STREAMED_FORMATS:
        raise BadInput(f"stream: {response_format} is not streamed", f"these are: {', '.join(STREAMED_FORMATS)}")
    return TranscriptionRequest(
        file=file,
        filename=file.filename or "sound",
        options=replace(_options(form), word_times="word" in granularities),
        response_format=response_format,
        words="word" in granularities,
        clip=_flag(form, "clip", default=False),
        stream=stream,
        longest_s=_seconds(form, "longest_s"),
    )


def _options(form: FormData) -> ClipOptions:
    written = _text(form, "language")
    language = language_tag(written) if written else None
    if written and language is None:
        raise BadInput(f"language: {written[:40]!r} is no BCP 47 code", "send one such as en, zh or yue")
    script = _text(form, "script") or None
    if script and len(script.encode()) > SCRIPT_BYTES:
        raise TooLarge("script: larger than 1 MB", "send the part that is spoken here")
    return ClipOptions(language=language, hotwords=_hotwords(form), itn=_flag(form, "itn", default=True), script=script)


def _hotwords(form: FormData) -> tuple[str, ...]:
    """Our own field, a JSON list; OpenAI's `prompt` is taken as terms, a comma or a line each."""
    prompt = _text(form, "prompt")
    terms = [term.strip() for term in re.split(r"[,\n]", prompt) if term.strip()] if prompt else []
    given = _text(form, "hotwords")
    if given:
        try:
            listed = json.loads(given)
        except ValueError as error:
            raise BadInput("hotwords: not JSON", 'send a list such as ["lockout", "tagout"]') from error
        if not isinstance(listed, list) or not all(isinstance(term, str) for term in listed):
            raise BadInput("hotwords: not a list of texts", 'send a list such as ["lockout", "tagout"]')
        terms = [*listed, *terms]
    return clean_hotwords(terms)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{name}: a text is needed, not a file")
    return value.strip() if name != "script" else value


def _seconds(form: FormData, name: str) -> float | None:
    value = _text(form, name)
    try:
        seconds = float(value) if value else None
    except ValueError:
        seconds = math.nan
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise BadInput(f"{name}: {value[:40]!r} is no number of seconds")
    return seconds


def _flag(form: FormData, name: str, *, default: bool) -> bool:
    value = _text(form, name).lower()
    if not value:
        return default
    if value not in TRUE | FALSE:
        raise BadInput(f"{name}: {value[:40]!r} is neither true nor false")
    return value in TRUE
