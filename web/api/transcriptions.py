"""OpenAI's form of transcription, for programs that speak it already: sound in, text out, nothing kept."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from assistant.access.policy import Action
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
from assistant.errors import BadInput, SignInNeeded
from assistant.recognising.hotwords import clean_hotwords
from assistant.recognising.recognizer import ClipOptions
from knowledge.transcripts.segment import Segment
from web.api.models import PROBLEMS
from web.library import services_of
from web.pages.jobs import uploaded_form
from web.rules import allowed_still, needs
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
ALLOWED_CHECKED_EVERY_S = 2.0
"""Whoever loses a session, a token or a right hears no more of it within 5 s, a slow database included."""


_REPLIES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was said, in the form that was asked for.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
            },
            **{kind.split(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()},
            "text/event-stream": {"schema": {"type": "object", "properties": {"data": {"type": "string"}}}},
        },
    }
}


@router.post(
    "/v1/audio/transcriptions",
    dependencies=[needs(Action.TRANSCRIBE)],
    response_class=Response,
    responses=_REPLIES,
    openapi_extra=_BODY,
)
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
    hear_while = partial(_hear_aside, hear, allowed=allowed_still(request, Action.TRANSCRIBE))
    if not _flag(form, "stream"):
        return _reply(await until_gone(request, hear_while(lambda _: None)), wanted)
    if wanted not in STREAMED_FORMATS:
        raise BadInput(f"{wanted} is not streamed", f"these are: {', '.join(STREAMED_FORMATS)}")
    events = Events(verbose=wanted == "verbose_json")
    return await until_gone(request, streamed(hear_while, of=events.of, end=events.end))


async def _hear_aside(
    hear: Callable[..., HeardSpeech], tell: OnSegments, *, allowed: Callable[[], bool]
) -> HeardSpeech:
    """In one of the threads. Cancelled, it ends with the next segments, or the next sign of life.

    Raises SignInNeeded soon after it is no longer `allowed`.
    """
    loop, gone = asyncio.get_running_loop(), threading.Event()

    def on_segments(segments: Sequence[Segment]) -> None:
        if gone.is_set():
            raise NobodyReads
        loop.call_soon_threadsafe(tell, segments)

    own_thread = CapacityLimiter(1)  # not to wait behind all who are being heard
    hearing = asyncio.ensure_future(to_thread.run_sync(partial(hear, on_segments=on_segments), abandon_on_cancel=True))
    try:
        while not (await asyncio.wait((hearing,), timeout=ALLOWED_CHECKED_EVERY_S))[0]:
            if not await to_thread.run_sync(allowed, limiter=own_thread):
                raise SignInNeeded("what you may do has changed meanwhile", "sign in, then try again")
        return hearing.result()
    finally:
        gone.set()
        hearing.cancel()


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
