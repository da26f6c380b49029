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
from web.metrics import Measured, Metrics
from web.pages import ask, courses, health, interface, jobs, media, recordings
from web.services import WebServices
from web.uploads import sweep_uploads
from web.views.shell import Shell

STATIC = Path(__file__).parent / "static"
PAGES = (ask, recordings, courses, jobs, media, interface, health)
API = (questions, api_recordings, api_jobs, transcriptions, docs)


def create_app(services: WebServices) -> FastAPI:
    app = FastAPI(
        title="Earmark",
        version=services.version,
        summary="Ask training recordings; get the moments that answer.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # An environment meant for other programs must not make this one report requests anywhere.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
    )
    sweep_uploads(services.home, now_s=time.time())
    metrics = Metrics()
    shell = Shell(services.database, services.engine_state, services.version)
    app.state.services = services
    app.state.metrics = metrics
    app.state.shell = shell
    for subject in (*PAGES, *API):
        app.include_router(subject.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    error_pages.install(app)
    app.add_middleware(
        Guard,
        limits=BodyLimits(recording_bytes=services.max_upload_bytes),
        refuse=error_pages.refusal_reply,
    )
    app.add_middleware(Measured, metrics=metrics)
    return app
