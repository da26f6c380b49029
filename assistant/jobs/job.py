"""The values of a job. Knows no database."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

MAX_ATTEMPTS = 5
LEASE_S = 60.0
WAITS_S = (5.0, 60.0, 600.0, 1800.0)
"""Before the second, third, ... attempt: soon for a hiccup, later for a machine that is being mended."""
_SHORTEST_TIMING_S = 2.0
"""A speed measured over less than this says nothing."""


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


@dataclass(frozen=True, slots=True)
class JobPage:
    """`next`: the cursor of the page after this one, None at the end."""

    items: tuple[Job, ...]
    next: str | None


def wait_before_next_attempt_s(attempts: int) -> float:
    """How long to wait after so many attempts have failed."""
    return WAITS_S[min(attempts, len(WAITS_S)) - 1]


def time_left_s(*, done: float, total: float | None, timed_from: float, timed_s: float) -> float | None:
    """What is left at the present step's speed; None while nobody can know."""
    if total is None or timed_s < _SHORTEST_TIMING_S or done <= timed_from:
        return None
    return max(total - done, 0.0) * timed_s / (done - timed_from)
