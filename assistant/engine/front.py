"""The engine's front: OpenAI's two routes and Cohere's of reranking over HTTP, loading no model itself.

Knows no course, no page and no person. Everything but /healthz needs the secret.
"""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import TypeAdapter

from assistant.engine.answers import (
    MEDIA_TYPES,
    Events,
    as_text,
    embedding_document,
    joined,
    reranking_document,
    verbose_document,
)
from assistant.engine.client import EngineState, HeardSpeech, OnSegments
from assistant.engine.front_errors import hang_error_handlers
from assistant.engine.front_forms import (
    LARGEST_FIELD_BYTES,
    EmbeddingRequest,
    RerankRequest,
    TranscriptionRequest,
    caller_of,
    transcription_request,
)
from assistant.engine.front_guard import Guard
from assistant.engine.front_stream import streamed, until_gone
from assistant.engine.lanes import Caller
from assistant.engine.running import RunningEngine, Transcription, commonest_language
from assistant.engine.spec import EngineSpec
from assistant.engine.wav import wav_to_clip
from assistant.errors import BadMedia
from assistant.recognising.recognizer import MAX_CLIP_S, SAMPLE_RATE_HZ, Clip

log = structlog.get_logger(__name__)

LARGEST_CLIP_BYTES = int(MAX_CLIP_S * SAMPLE_RATE_HZ * 2) + 4096
"""30.0 s of 16-bit samples and a generous header."""
SAFE_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")
STATE: TypeAdapter[EngineState] = TypeAdapter(EngineState)
Answer = TypeVar("Answer")


def create_front(
    spec: EngineSpec,
    *,
    key: str,
    on_started: Callable[[], None] = lambda: None,
    on_ended: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application. Its children start with it and end with it."""
    engine = RunningEngine(spec)

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        on_started()
        try:
            yield
        finally:
            on_ended()
            await engine.close()

    app = FastAPI(
        title="Earmark engine",
        lifespan=living,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # An environment meant for other programs must not make this one report requests anywhere.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    hang_error_handlers(app)
    _hang_state(app, engine)
    _hang_work(app, engine)
    app.add_middleware(Guard, key=key, max_upload_bytes=int(spec.max_upload_mb * 1e6))
    return app


def _hang_state(app: FastAPI, engine: RunningEngine) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        state = engine.state()
        models = {"recogniser": state.recogniser, "embedder": state.embedder}
        ready = all(model.state == "ready" for model in models.values())
        if state.reranker is not None:  # told, not waited for: questions are answered without it
            models["reranker"] = state.reranker
        body = {
            "status": "ready" if ready else "not ready",
            **{part: {"state": model.state, "detail": model.detail} for part, model in models.items()},
        }
        return JSONResponse(body, status_code=200 if ready else 503)

    @app.get("/v1/state")
    async def state() -> Response:
        return Response(STATE.dump_json(engine.state()), media_type="application/json")

    @app.get("/v1/children")
    async def children() -> dict[str, dict[int, int]]:
        return engine.pids()


def _hang_work(app: FastAPI, engine: RunningEngine) -> None:
    @app.post("/v1/audio/transcriptions")
    async def transcriptions(request: Request) -> Response:
        caller = caller_of(request)
        async with AsyncExitStack() as opened:
            form = await opened.enter_async_context(
                request.form(max_files=1, max_fields=64, max_part_size=LARGEST_FIELD_BYTES)
            )
            asked = transcription_request(form)
            form_open = opened.pop_all()

        async def hear(on_segments: OnSegments | None) -> Transcription:
            async with form_open:  # the work reads its file, and may outlast this call
                return await (_hear_clip if asked.clip else _hear_file)(engine, asked, caller, on_segments)

        if not asked.stream:
            return _transcription_response(engine, asked, await until_gone(request, hear(None)))
        events = Events(verbose=asked.response_format == "verbose_json")
        end = partial(_end, engine, asked, events)
        return await until_gone(request, streamed(hear, of=events.of, end=end))

    @app.post("/v1/embeddings")
    async def embeddings(request: Request, asked: EmbeddingRequest) -> Response:
        caller = caller_of(request)
        vectors = await until_gone(
            request,
            engine.embed(asked.texts, caller, kind=asked.kind),
        )
        model = engine.state().embedder
        return JSONResponse(
            embedding_document(
                vectors,
                encoding=asked.encoding_format,
                with_tokens=asked.tokens,
                model=model.name,
                digest=model.digest,
            )
        )

    @app.post("/v1/rerank")
    async def rerank(request: Request, asked: RerankRequest) -> Response:
        scores = await until_gone(request, engine.rerank(asked.query, asked.documents, caller_of(request)))
        model = engine.state().reranker
        assert model is not None
        return JSONResponse(reranking_document(scores, top_n=asked.top_n, model=model.name, digest=model.digest))


async def _hear_clip(
    engine: RunningEngine, asked: TranscriptionRequest, caller: Caller, on_segments: OnSegments | None
) -> Transcription:
    content = await asked.file.read(LARGEST_CLIP_BYTES + 1)
    too_long = BadMedia(f"{asked.filename}: longer than {MAX_CLIP_S} s", "cut it shorter, or leave clip=true out")
    if len(content) > LARGEST_CLIP_BYTES:
        raise too_long
    samples = wav_to_clip(content, filename=asked.filename)
    clip = Clip(samples, asked.options)
    if clip.duration_s > MAX_CLIP_S:
        raise too_long
    started = time.perf_counter()
    result = await engine.recognise_clip(clip, caller)
    if on_segments and result.segments:
        on_segments(result.segments)
    speech = HeardSpeech(
        segments=result.segments,
        language=asked.options.language or commonest_language(result.segments),
        duration_s=clip.duration_s,
        decode_ms=0.0,
        recognise_ms=1000 * (time.perf_counter() - started),
    )
    return Transcription(speech, result.truncated, result.hard_to_hear, result.error)


async def _hear_file(
    engine: RunningEngine, asked: TranscriptionRequest, caller: Caller, on_segments: OnSegments | None
) -> Transcription:
    if not asked.file.size:
        raise BadMedia(f"{asked.filename}: empty", "send a file with sound")
    with tempfile.TemporaryDirectory(prefix="earmark-") as folder:
        suffix = Path(asked.filename).suffix
        path = Path(folder) / f"sound{suffix if SAFE_SUFFIX.fullmatch(suffix) else ''}"
        await asyncio.to_thread(_copy, asked, path)
        return await engine.transcribe(
            path,
            caller,
            name=asked.filename,
            options=asked.options,
            longest_s=asked.longest_s,
            on_segments=on_segments,
        )


def _copy(asked: TranscriptionRequest, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(asked.file.file, file, 1 << 20)


def _transcription_response(
    engine: RunningEngine, asked: TranscriptionRequest, transcription: Transcription
) -> Response:
    _refuse_unheard(asked, transcription)
    speech = transcription.speech
    if asked.response_format == "json":
        return JSONResponse({"text": joined(speech.segments)})
    if asked.response_format != "verbose_json":
        text = as_text(speech.segments, asked.response_format)
        return PlainTextResponse(text, media_type=MEDIA_TYPES[asked.response_format])
    document = verbose_document(speech, words=asked.words)
    return JSONResponse(document | {"earmark": _earmark_document(engine, transcription)})


def _end(
    engine: RunningEngine, asked: TranscriptionRequest, events: Events, transcription: Transcription
) -> dict[str, Any]:
    _refuse_unheard(asked, transcription)
    return events.end(transcription.speech, earmark=_earmark_document(engine, transcription))


def _refuse_unheard(asked: TranscriptionRequest, transcription: Transcription) -> None:
    """Only verbose_json has room to say why a lone clip gave nothing."""
    if transcription.error and asked.response_format != "verbose_json":
        raise BadMedia(f"{asked.filename}: {transcription.error}")


def _earmark_document(engine: RunningEngine, transcription: Transcription) -> dict[str, Any]:
    model = engine.state().recogniser
    return {
        "recogniser": model.name,
        "digest": model.digest,
        "truncated": transcription.truncated,
        "hard_to_hear": transcription.hard_to_hear,
        "error": transcription.error,
        "decode_ms": round(transcription.speech.decode_ms, 1),
        "recognise_ms": round(transcription.speech.recognise_ms, 1),
    }
