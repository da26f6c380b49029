"""For those who run it: alive, ready, metrics. Names what runs, and whether it is the trial default."""

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from assistant.access.policy import Action
from assistant.engine.client import ModelState
from assistant.errors import PartDown
from knowledge.errors import KnowledgeError
from web.library import services_of
from web.rules import needs

router = APIRouter(include_in_schema=False)


@router.get("/healthz", dependencies=[needs(None)])
def healthz(request: Request) -> Response:
    """200 while this process serves; the rest is told, not judged."""
    return JSONResponse({"status": "ok", "version": services_of(request).version, **_parts(request)})


@router.get("/readyz", dependencies=[needs(None)])
def readyz(request: Request) -> Response:
    """200 when a question can be answered: database, recogniser and embedder are there. A reranker is no part
    of that."""
    parts = _parts(request)
    ready = parts["database"] == "ready" and all(
        parts[name] is not None and parts[name]["state"] == "ready" for name in ("recogniser", "embedder")
    )
    return JSONResponse({"ready": ready, **parts}, status_code=200 if ready else 503)


@router.get("/metrics", dependencies=[needs(Action.WATCH)])
def metrics(request: Request) -> Response:
    reply: Response = request.app.state.metrics.exposition(services_of(request).database)
    return reply


def _parts(request: Request) -> dict[str, Any]:
    services = services_of(request)
    try:
        state = services.engine_state()
    except PartDown as error:
        nothing = {"recogniser": None, "embedder": None, "reranker": None}
        return {"database": _database(request), "engine": error.detail, **nothing}
    return {
        "database": _database(request),
        "engine": "ready",
        "recogniser": _model(state.recogniser),
        "embedder": _model(state.embedder),
        "reranker": _model(state.reranker) if state.reranker else None,
    }


def _database(request: Request) -> str:
    try:
        with services_of(request).database.read() as session:
            session.execute(text("select 1 from recording where 1 = 0"))
    except (SQLAlchemyError, KnowledgeError) as error:
        return f"down: {type(error).__name__}"
    return "ready"


def _model(model: ModelState) -> dict[str, Any]:
    return {
        "name": model.name,
        "digest": model.digest,
        "state": model.state,
        "trial": model.trial,
        "detail": model.detail,
        "runs_by": model.runs_by,
    }
