"""OpenAI's form of transcription, for programs that speak it already: sound in, text out, nothing kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from assistant.engine.client import HeardSpeech, Priority
from assistant.errors import BadInput
from assistant.recognising.hotwords import clean_hotwords
from assistant.recognising.recognizer import ClipOptions
from assistant.recognising.subtitles import write_srt, write_vtt
from web.api.models import PROBLEMS
from web.library import services_of
from web.pages.jobs import uploaded_form
from web.uploads import UploadedForm

router = APIRouter(tags=["transcriptions"], responses=PROBLEMS)
FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
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
                        "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
                    },
                }
            }
        },
    }
}


@router.post("/v1/audio/transcriptions", openapi_extra=_BODY)
def transcribe(request: Request, form: Annotated[UploadedForm, Depends(uploaded_form)]) -> Response:
    file = form.file("file")
    wanted = form.fields.get("response_format", "json")
    if file is None or file.path is None:
        raise BadInput("the form has no sound", "send it in the field `file`")
    if wanted not in FORMATS:
        raise BadInput(f"response_format {wanted[:40]!r} is unknown", f"use one of {', '.join(FORMATS)}")
    speech = services_of(request).engine.transcribe(
        file.path, filename=file.filename or "sound", options=_options(form), priority=Priority.INDEX
    )
    return _reply(speech, wanted)


def _options(form: UploadedForm) -> ClipOptions:
    terms = form.fields.get("prompt", "").split(",")
    return ClipOptions(language=form.fields.get("language") or None, hotwords=clean_hotwords(terms))


def _reply(speech: HeardSpeech, wanted: str) -> Response:
    text = " ".join(segment.text for segment in speech.segments)
    if wanted == "text":
        return PlainTextResponse(text + "\n")
    if wanted == "srt":
        return PlainTextResponse(write_srt(speech.segments))
    if wanted == "vtt":
        return PlainTextResponse(write_vtt(speech.segments))
    return JSONResponse({"text": text} if wanted == "json" else _verbose(speech, text))


def _verbose(speech: HeardSpeech, text: str) -> dict[str, Any]:
    segments = [
        {"id": number, "start": round(segment.start_s, 3), "end": round(segment.end_s, 3), "text": segment.text}
        for number, segment in enumerate(speech.segments)
    ]
    document: dict[str, Any] = {
        "task": "transcribe",
        "language": speech.language,
        "duration": round(speech.duration_s, 3),
        "text": text,
        "segments": segments,
    }
    words = [word for segment in speech.segments for word in segment.words]
    if words:
        document["words"] = [
            {"word": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)} for word in words
        ]
    return document
