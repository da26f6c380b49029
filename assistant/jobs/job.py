"""The values of a job. Knows no database."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

MAX_ATTEMPTS = 5
LEASE_S = 60.0


class JobKind(StrEnum):
    INDEX = "index"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobStep(StrEnum):
    """Where an indexing job stands; each is kept, so that a killed job goes on from it."""

    RECEIVED = "received"
    HEARING = "hearing"
    RECOGNISING = "recognising"
    CUTTING = "cutting"
    EMBEDDING = "embedding"
    PUBLISHING = "publishing"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class JobError:
    """`type`: a stable name for programs; `detail` and `way_out`: for people."""

    type: str
    detail: str
    way_out: str


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: JobKind
    recording_id: str
    state: JobState
    step: JobStep
    done: float
    total: float | None
    unit: str
    error: JobError | None
    attempts: int
    cancel: bool
    created_at: dt.datetime
    eta_s: float | None
    owner: str | None = None
    """The worker that holds it; every write of the work is checked against it."""

    @property
    def is_over(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
