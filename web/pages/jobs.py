"""The trainer's desk: uploading recordings, the jobs that make them findable (progress, failure with its way out,
cancel, retry), and the first open questions."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.jobs import store as jobs
from web import library
from web.library import services_of
from web.open_questions import waiting
from web.receiving import check_free_disk, receive_all
from web.render import is_partial, render
from web.rules import needs
from web.uploads import UploadedForm, form_in_folder, read_form
from web.uploads_folder import uploads_folder
from web.views.jobs import JobView, job_view
from web.visitors import caller_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
_OPEN_SHOWN = 5


async def uploaded_form(request: Request) -> AsyncIterator[UploadedForm]:
    services = services_of(request)
    coming = request.headers.get("content-length", "0")
    coming_bytes = int(coming) if coming.isdecimal() else 0
    await run_in_threadpool(check_free_disk, services, coming_bytes=coming_bytes)
    async with form_in_folder(request, uploads_folder(services.home)) as form:
        yield form


@router.get("/jobs", dependencies=[needs(Action.BRING_IN)])
def jobs_page(request: Request, skipped: str = "") -> Response:
    database, caller = services_of(request).database, caller_of(request)
    known = library.recordings_by_id(database, caller, [skipped]) if skipped else {}
    courses = library.courses(database, caller, Action.EDIT)
    open_questions = waiting(services_of(request), caller, most=_OPEN_SHOWN)
    values = _jobs_values(request) | {"courses": courses, "skipped": known.get(skipped), "waiting": open_questions}
    return render(request, "jobs.html", values)


@router.get("/jobs/list", dependencies=[needs(Action.BRING_IN)])
def jobs_list(request: Request) -> Response:
    """What the page asks for again and again while something is under way."""
    return render(request, "partials/jobs.html", _jobs_values(request))


@router.post("/recordings", dependencies=[needs(Action.BRING_IN)])
def upload(request: Request, form: Annotated[UploadedForm, Depends(uploaded_form)]) -> Response:
    received = receive_all(services_of(request), caller_of(request), form)
    if is_partial(request):
        values = _jobs_values(request) | {"received": received}
        return render(request, "partials/uploaded.html", values)
    skipped = next((one.recording_id for one in received if one.skipped_reason), None)
    return RedirectResponse(f"/jobs?skipped={skipped}" if skipped else "/jobs", status_code=303)


@router.post("/jobs/{job_id}/cancel", dependencies=[needs(Action.BRING_IN)])
def cancel(request: Request, job_id: str, _form: Form) -> Response:
    with services_of(request).database.write() as session:
        jobs.cancel(session, library.job(session, caller_of(request), job_id).id)
    return _back(request)


@router.post("/jobs/{job_id}/retry", dependencies=[needs(Action.BRING_IN)])
def retry(request: Request, job_id: str, _form: Form) -> Response:
    with services_of(request).database.write() as session:
        jobs.retry(session, library.job(session, caller_of(request), job_id).id)
    return _back(request)


def _back(request: Request) -> Response:
    if is_partial(request):
        return jobs_list(request)
    return RedirectResponse("/jobs", status_code=303)


def _jobs_values(request: Request) -> dict[str, object]:
    database, caller = services_of(request).database, caller_of(request)
    watched, more_waiting = library.jobs_to_watch(database, caller)
    recordings = library.recordings_by_id(database, caller, (job.recording_id for job in watched))
    courses = library.course_names(database, caller)
    views = [job_view(job, recordings.get(job.recording_id), courses) for job in watched]
    shown: list[JobView] = [view for view in views if not view.removed]
    return {"jobs": shown, "more_waiting": more_waiting, "busy": any(view.is_open for view in shown)}
