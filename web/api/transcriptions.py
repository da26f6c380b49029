"""OpenAI's form of transcription, for programs that speak it already: sound in, text out, nothing kept."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from assistant.engine.answers import (
    FORMATS,
    MEDIA_TYPES,
    STREAMED_FORMATS,
    Events,
    as_text,
    joined,
    verbose_document,
)
from assistant.engine.client import HeardSpeech, OnSegments, Priority
from assistant.engine.front_stream import streamed, until_gone
from assistant.errors import BadInput
from assistant.recognising.hotwords import clean_hotwords
from assistant.recognising.recognizer import ClipOptions
from knowledge.transcripts.segment import Segment
from web.api.models import PROBLEMS
from web.library import services_of
from web.pages.jobs import uploaded_form
from web.uploads import UploadedForm

router = APIRouter(tags=["transcriptions"], responses=PROBLEMS)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "model": {"type": "string", "description": "taken for compatibility; one recogniser runs"},
                        "language": {"type": "string"},
                        "prompt": {"type": "string", "description": "terms likely to be said, comma-separated"},
                        "itn": {"type": "boolean", "default": True, "description": "numbers and dates as written"},
                        "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
                        "stream": {
                            "type": "boolean",
                            "default": False,
                            "description": "server-sent events while it is heard: transcript.text.delta, with "
                            "verbose_json transcript.text.segment; transcript.text.done at the end",
                        },
                    },
                }
            }
        },
    }
}


@router.post("/v1/audio/transcriptions", openapi_extra=_BODY)
async def transcribe(request: Request, form: Annotated[UploadedForm, Depends(uploaded_form)]) -> Response:
    file = form.file("file")
    wanted = form.fields.get("response_format", "json")
    if file is None or file.path is None:
        raise BadInput("the form has no sound", "send it in the field `file`")
    if wanted not in FORMATS:
        raise BadInput(f"response_format {wanted[:40]!r} is unknown", f"use one of {', '.join(FORMATS)}")
    hear = partial(
        services_of(request).engine.transcribe,
        file.path, filename=file.filename or "sound", options=_options(form), priority=Priority.INDEX,
    )  # fmt: skip
    if not _flag(form, "stream"):
        return _reply(await until_gone(request, _hear_aside(hear, lambda _: None)), wanted)
    if wanted not in STREAMED_FORMATS:
        raise BadInput(f"{wanted} is not streamed", f"these are: {', '.join(STREAMED_FORMATS)}")
    events = Events(verbose=wanted == "verbose_json")
    return await until_gone(request, streamed(partial(_hear_aside, hear), of=events.of, end=events.end))


async def _hear_aside(hear: Callable[..., HeardSpeech], tell: OnSegments) -> HeardSpeech:
    """In one of the threads. Cancelled, it ends with the next segments, or the next sign of life."""
    loop, gone = asyncio.get_running_loop(), threading.Event()

    def on_segments(segments: Sequence[Segment]) -> None:
        if gone.is_set():
            raise NobodyReads
        loop.call_soon_threadsafe(tell, segments)

    try:
        return await to_thread.run_sync(partial(hear, on_segments=on_segments), abandon_on_cancel=True)
    finally:
        gone.set()


class NobodyReads(Exception):
    """The client went away in the middle of its answer."""


def _options(form: UploadedForm) -> ClipOptions:
    terms = form.fields.get("prompt", "").split(",")
    return ClipOptions(
        language=form.fields.get("language") or None,
        hotwords=clean_hotwords(terms),
        itn=_flag(form, "itn", otherwise=True),
    )


def _flag(form: UploadedForm, name: str, *, otherwise: bool = False) -> bool:
    value = form.fields.get(name, "").strip().lower()
    if value not in ("", "true", "false", "1", "0"):
        raise BadInput(f"{name}: {value[:40]!r} is neither true nor false")
    return value in ("true", "1") if value else otherwise


def _reply(speech: HeardSpeech, wanted: str) -> Response:
    if wanted == "json":
        return JSONResponse({"text": joined(speech.segments)})
    if wanted == "verbose_json":
        return JSONResponse(verbose_document(speech))
    return PlainTextResponse(as_text(speech.segments, wanted), media_type=MEDIA_TYPES[wanted])
