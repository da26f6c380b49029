"""Pages and API put together over given services. One router a subject; the guard stands before them all."""

import time
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from web import error_pages
from web.api import docs, questions, transcriptions
from web.api import jobs as api_jobs
from web.api import recordings as api_recordings
from web.guard import BodyLimits, Guard
from web.limits import Limited
from web.metrics import Measured, Metrics
from web.pages import (
    ask,
    audit,
    courses,
    groups,
    health,
    inbox,
    interface,
    jobs,
    judging,
    learning,
    me,
    media,
    people,
    proof,
    recordings,
    sign_in,
    terms,
    topics,
)
from web.rules import declared_routes
from web.services import WebServices
from web.term_maps import TermMaps
from web.uploads_folder import sweep_uploads
from web.views.shell import Shell
from web.visitors import Recognised, Recognition, person_in

STATIC = Path(__file__).parent / "static"
PAGES = (
    ask,
    recordings,
    courses,
    jobs,
    inbox,
    media,
    interface,
    health,
    sign_in,
    me,
    people,
    groups,
    audit,
    terms,
    learning,
    judging,
    topics,
    proof,
)
API = (questions, api_recordings, api_jobs, transcriptions, docs)

ROUTERS = tuple(subject.router for subject in (*PAGES, *API))


def create_app(services: WebServices) -> FastAPI:
    app = FastAPI(
        title="Earmark",
        version=services.version,
        summary="Ask training recordings; get the moments that answer.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # An environment meant for other programs must not make this one report requests anywhere.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    sweep_uploads(services.home, now_s=time.time())
    metrics = Metrics()
    shell = Shell(services.engine_state, services.version)
    recognition = Recognition(services.database, sign_in=services.sign_in, limits=services.session_limits)
    app.state.services = services
    app.state.metrics = metrics
    app.state.shell = shell
    app.state.recognition = recognition
    app.state.term_maps = TermMaps(services.database)
    for router in ROUTERS:
        app.include_router(router)
    # A route that does not say who may call it is found now, not by a stranger.
    app.state.scopes = docs.scopes_of(declared_routes(ROUTERS))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    error_pages.install(app)
    app.add_middleware(
        Limited,
        limits=services.limits,
        person_of=person_in,
        refuse=error_pages.too_often_reply,
        on_refusal=metrics.count_refusal,
    )
    app.add_middleware(Recognised, recognition=recognition, failed=error_pages.database_reply)
    app.add_middleware(
        Guard,
        limits=BodyLimits(recording_bytes=services.max_upload_bytes),
        refuse=error_pages.refusal_reply,
        gate=services.gate,
    )
    app.add_middleware(Measured, metrics=metrics)
    return app
