"""The jobs table as a queue: taken by lease, kept step by step, stopped at once when cancelled.

Every function works inside the caller's transaction, so that a job changes together with what it is about. Knows
no worker and no indexing; the states of recordings follow their jobs here, in the same transaction.
"""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from assistant.errors import BadInput, Cancelled, EarmarkError, NotFound
from assistant.jobs.job import (
    LEASE_S,
    MAX_ATTEMPTS,
    Job,
    JobError,
    JobKind,
    JobPage,
    JobState,
    JobStep,
    time_left_s,
    wait_before_next_attempt_s,
)
from assistant.jobs.tables import JobRow
from knowledge.database import new_id, utc_now
from knowledge.errors import KnowledgeError
from knowledge.recordings.tables import RecordingRow, RecordingState

_OVER = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def database_now(session: Session) -> dt.datetime:
    """The one clock of all hosts: the server's; a SQLite file has but one host."""
    if session.get_bind().dialect.name == "sqlite":
        return utc_now()
    now: dt.datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def enqueue(
    session: Session,
    recording_id: str,
    *,
    kind: JobKind = JobKind.INDEX,
    now: dt.datetime | None = None,
) -> str:
    """A new job, ready to be taken; its id."""
    moment = now or database_now(session)
    row = JobRow(
        id=new_id(),
        kind=kind,
        recording_id=recording_id,
        state=JobState.QUEUED,
        step=JobStep.RECEIVED,
        options={},
        run_at=moment,
        created_at=moment,
    )
    session.add(row)
    session.flush()
    return row.id


def anything_due(session: Session, *, now: dt.datetime | None = None) -> bool:
    """Whether `claim` would find work; a read, so that an idle worker never takes the write lock."""
    return bool(session.scalar(select(exists().where(_due(now or database_now(session))))))


def claim(session: Session, *, owner: str, now: dt.datetime | None = None, lease_s: float = LEASE_S) -> Job | None:
    """Take the oldest job that is due, or whose owner stopped renewing; None where there is none."""
    moment = now or database_now(session)
    _settle_abandoned(session, moment)
    oldest = select(JobRow.id).where(_due(moment)).order_by(JobRow.id).limit(1).with_for_update(skip_locked=True)
    taken = (
        update(JobRow)
        .where(JobRow.id == oldest.scalar_subquery())
        .values(
            state=JobState.RUNNING,
            owner=owner,
            lease=moment + dt.timedelta(seconds=lease_s),
            attempts=JobRow.attempts + 1,
            started_at=moment,
            timed_at=None,
        )
        .returning(JobRow)
    )
    row = session.scalars(taken, execution_options={"synchronize_session": False}).one_or_none()
    return None if row is None else _job(row, moment)


def renew(session: Session, job: Job, *, now: dt.datetime | None = None, lease_s: float = LEASE_S) -> None:
    """Prove that the job is still ours and keep it so. Everything its worker writes, it writes after this, in the
    same transaction. Raises Cancelled."""
    moment = now or database_now(session)
    _write_fenced(session, job, lease=moment + dt.timedelta(seconds=lease_s))


def advance(
    session: Session,
    job: Job,
    step: JobStep,
    *,
    done: float = 0.0,
    total: float | None = None,
    unit: str = "s",
    now: dt.datetime | None = None,
) -> None:
    """Say how far the job is; its lease stays as it is. Raises Cancelled."""
    moment = now or database_now(session)
    before = session.execute(select(JobRow.step, JobRow.timed_at).where(JobRow.id == job.id)).one_or_none()
    timing: dict[str, Any] = {}
    if before is None or before.step is not step or before.timed_at is None:
        timing = {"timed_at": moment, "timed_from": done}
    _write_fenced(session, job, step=step, done=done, total=total, unit=unit, **timing)


def finish(session: Session, job: Job, *, now: dt.datetime | None = None) -> None:
    """The job is done. Raises Cancelled."""
    _write_fenced(
        session,
        job,
        state=JobState.DONE,
        step=JobStep.FINISHED,
        done=func.coalesce(JobRow.total, JobRow.done),
        error=None,
        owner=None,
        lease=None,
        finished_at=now or database_now(session),
    )


def fail(
    session: Session, job: Job, error: EarmarkError | KnowledgeError, *, now: dt.datetime | None = None
) -> JobState:
    """A passing failure is tried again later, five times at most; a permanent one ends the job. Raises Cancelled."""
    moment = now or database_now(session)
    told = {"type": error.kind, "detail": error.detail, "way_out": error.way_out}
    if error.passing and job.attempts < MAX_ATTEMPTS:
        later = moment + dt.timedelta(seconds=wait_before_next_attempt_s(job.attempts))
        _write_fenced(session, job, state=JobState.QUEUED, error=told, owner=None, lease=None, run_at=later)
        return JobState.QUEUED
    _write_fenced(session, job, state=JobState.FAILED, error=told, owner=None, lease=None, finished_at=moment)
    _settle_recording(session, job.recording_id)
    return JobState.FAILED


def release(session: Session, job: Job) -> None:
    """Give a job back untried, because its worker is asked to stop; a lost one is left as it is."""
    session.execute(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.owner == job.owner, JobRow.state == JobState.RUNNING)
        .values(state=JobState.QUEUED, owner=None, lease=None, attempts=JobRow.attempts - 1)
    )


def stopped(session: Session, job: Job, *, now: dt.datetime | None = None) -> None:
    """The worker heard `Cancelled` and writes nothing more: a cancelled job is over, a lost one is another's."""
    cancelled = session.execute(
        update(JobRow)
        .where(JobRow.id == job.id, JobRow.owner == job.owner, JobRow.state == JobState.RUNNING, JobRow.cancel)
        .values(state=JobState.CANCELLED, owner=None, lease=None, finished_at=now or database_now(session))
        .returning(JobRow.id)
    ).one_or_none()
    if cancelled is not None:
        _settle_recording(session, job.recording_id)


def cancel(session: Session, job_id: str, *, now: dt.datetime | None = None) -> None:
    """A waiting job is over at once; a running one stops before its next write; one that is over stays as it is."""
    row = _row(session, job_id)
    moment = now or database_now(session)
    if row.state is JobState.QUEUED:
        row.state, row.finished_at = JobState.CANCELLED, moment
        row.cancel = True
        session.flush()
        _settle_recording(session, row.recording_id)
    elif row.state is JobState.RUNNING:
        row.cancel = True
        session.flush()


def forget_errors_of(session: Session, recording_id: str) -> None:
    """Errors name the file; of a removed recording nothing is left that does."""
    session.execute(update(JobRow).where(JobRow.recording_id == recording_id).values(error=None))


def cancel_all_of(session: Session, recording_id: str, *, now: dt.datetime | None = None) -> None:
    """Cancel whatever is under way for a recording."""
    open_jobs = select(JobRow.id).where(JobRow.recording_id == recording_id, JobRow.state.not_in(_OVER))
    for job_id in session.scalars(open_jobs).all():
        cancel(session, job_id, now=now)


def retry(session: Session, job_id: str, *, now: dt.datetime | None = None) -> None:
    """Queue a failed or cancelled job anew, from its first step; clips that were recognised stay so.

    Raises NotFound; BadInput where the job is not over or its recording is gone.
    """
    row = _row(session, job_id)
    if row.state not in (JobState.FAILED, JobState.CANCELLED):
        raise BadInput(f"the job is {row.state.value}", "only failed and cancelled jobs can be tried again")
    recording = session.get(RecordingRow, row.recording_id)
    if recording is None or recording.state is RecordingState.REMOVED:
        raise BadInput("the recording of this job was removed", "add the file again")
    moment = now or database_now(session)
    row.state, row.step, row.done, row.total = JobState.QUEUED, JobStep.RECEIVED, 0.0, None
    row.error, row.attempts, row.cancel = None, 0, False
    row.run_at, row.finished_at, row.started_at, row.timed_at = moment, None, None, None
    if recording.revision is None:
        recording.state = RecordingState.INDEXING
    session.flush()


def get(session: Session, job_id: str, *, now: dt.datetime | None = None) -> Job:
    """Raises NotFound."""
    return _job(_row(session, job_id, lock=False), now or database_now(session))


def latest_of(session: Session, recording_id: str, *, now: dt.datetime | None = None) -> Job | None:
    newest = select(JobRow).where(JobRow.recording_id == recording_id).order_by(JobRow.id.desc()).limit(1)
    row = session.scalars(newest).one_or_none()
    return None if row is None else _job(row, now or database_now(session))


def list_jobs(
    session: Session,
    *,
    states: frozenset[JobState] | None = None,
    recording_ids: frozenset[str] | None = None,
    courses: frozenset[str] | None = None,
    after: str | None = None,
    limit: int = 50,
    now: dt.datetime | None = None,
) -> JobPage:
    """Newest first, of these courses' recordings where any are named. `after`: the `next` of the page before."""
    wanted = select(JobRow).order_by(JobRow.id.desc()).limit(limit + 1)
    if states is not None:
        wanted = wanted.where(JobRow.state.in_(states))
    if recording_ids is not None:
        wanted = wanted.where(JobRow.recording_id.in_(recording_ids))
    if courses is not None:
        wanted = wanted.where(_of_courses(courses))
    if after is not None:
        wanted = wanted.where(JobRow.id < after)
    moment = now or database_now(session)
    jobs = [_job(row, moment) for row in session.scalars(wanted)]
    more = len(jobs) > limit
    return JobPage(tuple(jobs[:limit]), jobs[limit - 1].id if more else None)


def jobs_to_watch(
    session: Session,
    *,
    courses: frozenset[str],
    most_open: int = 100,
    most_over: int = 50,
    now: dt.datetime | None = None,
) -> tuple[list[Job], int]:
    """What is under way in the order of its turn, then what is over, newest first; and how many more are waiting.
    All of these courses alone.

    Jobs of removed recordings are left out.
    """
    moment = now or database_now(session)
    kept = _of_courses(courses) & exists().where(
        RecordingRow.id == JobRow.recording_id, RecordingRow.state != RecordingState.REMOVED
    )
    is_open = JobRow.state.not_in(_OVER)
    waits = case((JobRow.state == JobState.RUNNING, 0), else_=1)
    under_way = session.scalars(select(JobRow).where(kept, is_open).order_by(waits, JobRow.id).limit(most_open)).all()
    over = session.scalars(select(JobRow).where(kept, ~is_open).order_by(JobRow.id.desc()).limit(most_over)).all()
    count = session.scalar(select(func.count()).select_from(JobRow).where(kept, is_open)) or 0
    return [_job(row, moment) for row in (*under_way, *over)], count - len(under_way)


def _of_courses(courses: frozenset[str]) -> ColumnElement[bool]:
    return exists().where(RecordingRow.id == JobRow.recording_id, RecordingRow.course_id.in_(courses))


def _due(now: dt.datetime) -> ColumnElement[bool]:
    waiting = and_(JobRow.state == JobState.QUEUED, JobRow.run_at <= now)
    abandoned = and_(JobRow.state == JobState.RUNNING, JobRow.lease < now)
    return or_(waiting, abandoned)


def _write_fenced(session: Session, job: Job, **values: Any) -> None:
    """Change the job's row if, in this very transaction, it is still this worker's and still wanted."""
    recording_stands = exists().where(
        RecordingRow.id == JobRow.recording_id, RecordingRow.state != RecordingState.REMOVED
    )
    written = session.execute(
        update(JobRow)
        .where(
            JobRow.id == job.id,
            JobRow.owner == job.owner,
            JobRow.state == JobState.RUNNING,
            JobRow.cancel.is_(False),
            recording_stands,
        )
        .values(**values)
        .returning(JobRow.id),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if written is None:
        raise Cancelled("the job was cancelled, its recording removed, or another worker has it")


def _settle_abandoned(session: Session, now: dt.datetime) -> None:
    """End the jobs that nobody may take up again: cancelled ones, and those that took a worker down every time."""
    abandoned = and_(JobRow.state == JobState.RUNNING, JobRow.lease < now)
    hopeless = or_(JobRow.cancel, JobRow.attempts >= MAX_ATTEMPTS)
    rows = session.scalars(select(JobRow).where(abandoned, hopeless).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.state = JobState.CANCELLED if row.cancel else JobState.FAILED
        row.owner, row.lease, row.finished_at = None, None, now
        if not row.cancel and row.error is None:
            row.error = {
                "type": "worker-stopped",
                "detail": f"the worker stopped {row.attempts} times while it was {row.step.value}",
                "way_out": "look into the worker's log, then try again",
            }
    session.flush()
    for row in rows:
        _settle_recording(session, row.recording_id)


def _settle_recording(session: Session, recording_id: str) -> None:
    """A recording whose job ended without a transcript failed; one that was ready before stays ready."""
    session.execute(
        update(RecordingRow)
        .where(RecordingRow.id == recording_id, RecordingRow.state == RecordingState.INDEXING)
        .values(state=RecordingState.FAILED)
    )


def _row(session: Session, job_id: str, *, lock: bool = True) -> JobRow:
    wanted = select(JobRow).where(JobRow.id == job_id)
    row = session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()
    if row is None:
        raise NotFound(f"no job {job_id}", "see `earmark jobs`")
    return row


def _job(row: JobRow, now: dt.datetime) -> Job:
    timed_s = (now - row.timed_at).total_seconds() if row.timed_at else 0.0
    running = row.state is JobState.RUNNING
    return Job(
        id=row.id,
        kind=row.kind,
        recording_id=row.recording_id,
        state=row.state,
        step=row.step,
        done=row.done,
        total=row.total,
        unit=row.unit,
        error=JobError(**row.error) if row.error else None,
        attempts=row.attempts,
        cancel=row.cancel,
        created_at=row.created_at,
        eta_s=time_left_s(done=row.done, total=row.total, timed_from=row.timed_from, timed_s=timed_s)
        if running
        else None,
        owner=row.owner,
    )
