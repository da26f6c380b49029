"""Jobs as a trainer sees them: where each stands, what went wrong, what can be done about it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.jobs.job import Job, JobError, JobState, JobStep
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState

STEPS = (
    JobStep.RECEIVED,
    JobStep.HEARING,
    JobStep.RECOGNISING,
    JobStep.CUTTING,
    JobStep.EMBEDDING,
    JobStep.PUBLISHING,
)


@dataclass(frozen=True, slots=True)
class JobView:
    """`step_number` of `step_count`, counted from 1. `fraction` of the present step, None where nobody knows.

    `in_seconds`: done and total are seconds of the recording.
    """

    id: str
    recording_id: str
    title: str
    course: str
    duration_s: float | None
    state: JobState
    step: JobStep
    step_number: int
    step_count: int
    done: float
    total: float | None
    in_seconds: bool
    eta_s: float | None
    error: JobError | None
    note: str | None
    attempts: int
    cancelling: bool
    created_at: dt.datetime
    removed: bool

    @property
    def is_open(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def waits_after_failure(self) -> bool:
        return self.state is JobState.QUEUED and self.error is not None

    @property
    def can_retry(self) -> bool:
        return self.state in (JobState.FAILED, JobState.CANCELLED) and not self.removed

    @property
    def steps_done(self) -> int:
        """Thousandths of the whole, each step counting alike: for the bar."""
        within = min(1.0, self.done / self.total) if self.total else 0.0
        return round(1000 * (self.step_number - 1 + within) / self.step_count)


def job_view(job: Job, recording: Recording | None, courses: Mapping[str, str]) -> JobView:
    removed = recording is None or recording.state is RecordingState.REMOVED
    number = STEPS.index(job.step) + 1 if job.step in STEPS else len(STEPS)
    return JobView(
        id=job.id,
        recording_id=job.recording_id,
        title=recording.name if recording else job.recording_id,
        course=courses.get(recording.course_id, "") if recording else "",
        duration_s=recording.duration_s if recording else None,
        state=job.state,
        step=job.step,
        step_number=number,
        step_count=len(STEPS),
        done=job.done,
        total=job.total,
        in_seconds=job.unit == "s",
        eta_s=job.eta_s,
        error=job.error,
        note=recording.note if recording else None,
        attempts=job.attempts,
        cancelling=job.cancel and job.state is JobState.RUNNING,
        created_at=job.created_at,
        removed=removed,
    )
