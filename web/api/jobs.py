"""Jobs by program: watch, cancel, try again."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from assistant.access.policy import Action
from assistant.jobs import store as jobs
from assistant.jobs.job import JobState
from web import library
from web.api.models import PROBLEMS, JobOut, JobsOut
from web.library import services_of
from web.rules import needs
from web.visitors import caller_of

router = APIRouter(prefix="/api/v1", tags=["jobs"], responses=PROBLEMS)


@router.get("/jobs", dependencies=[needs(Action.BRING_IN)], response_model=JobsOut)
def list_jobs(
    request: Request,
    state: JobState | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Any:
    """Newest first."""
    states = frozenset({state}) if state else None
    page = library.list_jobs(services_of(request).database, caller_of(request), states=states, after=after, limit=limit)
    return JobsOut(items=[JobOut.of(job) for job in page.items], next=page.next)


@router.get("/jobs/{job_id}", dependencies=[needs(Action.BRING_IN)], response_model=JobOut)
def get_job(request: Request, job_id: str) -> Any:
    with services_of(request).database.read() as session:
        return JobOut.of(library.job(session, caller_of(request), job_id))


@router.post("/jobs/{job_id}/cancel", dependencies=[needs(Action.BRING_IN)], response_model=JobOut)
def cancel_job(request: Request, job_id: str) -> Any:
    with services_of(request).database.write() as session:
        jobs.cancel(session, library.job(session, caller_of(request), job_id).id)
    return get_job(request, job_id)


@router.post("/jobs/{job_id}/retry", dependencies=[needs(Action.BRING_IN)], response_model=JobOut)
def retry_job(request: Request, job_id: str) -> Any:
    with services_of(request).database.write() as session:
        jobs.retry(session, library.job(session, caller_of(request), job_id).id)
    return get_job(request, job_id)
