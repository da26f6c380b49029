"""A worker: takes jobs by lease, keeps them while it works, and keeps house in between. Many may run at once.

What is done with a job is `run`'s business; here is only who has it, for how long, and how it ended.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from assistant.errors import Cancelled, EarmarkError, PartDown
from assistant.jobs import presence
from assistant.jobs import store as jobs
from assistant.jobs.job import Job
from indexer.housekeeping import HouseKeeper
from indexer.services import Services
from indexer.steps import run
from knowledge.database import new_id
from knowledge.errors import DatabaseBusy, KnowledgeError, RecordingGone

Result = TypeVar("Result")
Runner = Callable[[Services, Job], None]
LOOKS_EVERY_S = 0.5
RENEWALS_A_LEASE = 6
SETTLING_TRIES = 3
GRACE_S = 10.0
"""How long a worker that is asked to stop waits for its jobs to notice."""
_LOG = structlog.get_logger()


class InternalError(EarmarkError):
    """A fault of our own, not of the recording."""

    kind = "internal"


class MachineTrouble(PartDown):
    """Disk or database did not do what they were asked to; they may later."""

    kind = "machine-trouble"


def run_worker(
    services: Services, *, once: bool = False, stop: threading.Event | None = None, runner: Runner = run
) -> None:
    """Work until `stop`, or with `once` until no job is due and none is under way."""
    worker = _Worker(services, runner, stop or threading.Event())
    heart = threading.Thread(target=worker.beat, name="heartbeat", daemon=True)
    heart.start()
    try:
        worker.work(once=once)
    finally:
        worker.leave()
        heart.join(GRACE_S)


class _Worker:
    def __init__(self, services: Services, runner: Runner, stop: threading.Event) -> None:
        self._services = services
        self._runner = runner
        self._stop = stop
        self._left = threading.Event()
        self._owner = presence.new_owner()
        self._held: dict[threading.Thread, Job] = {}
        self._house = HouseKeeper(services)

    def work(self, *, once: bool) -> None:
        while not self._stop.is_set():
            took = self._quietly(self._take, False)
            if once and not took and not self._busy():
                return
            more = self._quietly(lambda: self._house.keep(idle=not self._busy()), False)
            self._stop.wait(0.0 if took or more else LOOKS_EVERY_S)

    def beat(self) -> None:
        """Renew what is held and say that this worker lives; a lost job is noticed by its own next write."""
        pause_s = min(presence.SEEN_EVERY_S, self._services.limits.lease_s / RENEWALS_A_LEASE)
        while True:
            self._quietly(self._say_alive, None)
            for job in list(self._held.values()):
                self._quietly(partial(self._renew, job), None)
            if self._left.wait(pause_s):
                return

    def leave(self) -> None:
        """Give back what is not finished: its results are kept, and the next worker goes on from there."""
        for job in list(self._held.values()):
            self._quietly(partial(self._write, partial(jobs.release, job=job)), None)
        for thread in list(self._held):
            thread.join(GRACE_S)
        self._house.leave()
        self._left.set()
        self._quietly(lambda: self._write(lambda session: presence.say_gone(session, self._owner)), None)

    def _take(self) -> bool:
        """Take a job where there is one and room for it."""
        if self._busy() >= self._services.limits.recordings_at_once:
            return False
        with self._services.database.read() as session:
            if not jobs.anything_due(session):
                return False
        # A name for each time a job is taken: a lapsed lease may come back to the worker that had it.
        owner = f"{self._owner}:{new_id()}"
        job = self._write(lambda session: jobs.claim(session, owner=owner, lease_s=self._services.limits.lease_s))
        if job is None:
            return False
        thread = threading.Thread(target=self._do, args=(job,), name=f"job {job.id}", daemon=True)
        self._held[thread] = job
        thread.start()
        return True

    def _busy(self) -> int:
        self._held = {thread: job for thread, job in self._held.items() if thread.is_alive()}
        return len(self._held)

    def _do(self, job: Job) -> None:
        log = _LOG.bind(job=job.id, recording=job.recording_id, attempt=job.attempts)
        log.info("job taken", step=job.step.value)
        try:
            self._runner(self._services, job)
        except (Cancelled, RecordingGone):
            log.info("job stopped")
            self._settle(lambda session: jobs.stopped(session, job))
        except (EarmarkError, KnowledgeError) as error:
            self._fail(job, error)
        except (OSError, SQLAlchemyError) as error:
            log.warning("job interrupted", exc_info=error)
            self._fail(job, MachineTrouble(f"{type(error).__name__}: {error}", "see the worker's log"))
        except Exception as error:
            log.error("job broke", exc_info=error)
            self._fail(job, InternalError(f"{type(error).__name__}: {error}", "see the worker's log, then try again"))
        else:
            log.info("job done")

    def _fail(self, job: Job, error: EarmarkError | KnowledgeError) -> None:
        why = {"reason": error.reason} if isinstance(error, EarmarkError) and error.reason else {}
        _LOG.warning("job failed", job=job.id, kind=error.kind, passing=error.passing, attempt=job.attempts, **why)
        self._settle(lambda session: jobs.fail(session, job, error))

    def _settle(self, write: Callable[[Session], object]) -> None:
        """Say how a job ended. Where the database takes no word of it, the lease lapses and tells the same."""
        for _ in range(SETTLING_TRIES):
            try:
                self._write(write)
            except Cancelled:
                return
            except (DatabaseBusy, SQLAlchemyError) as error:
                _LOG.warning("the database takes no writes", reason=str(error))
            else:
                return

    def _say_alive(self) -> None:
        self._write(lambda session: presence.say_alive(session, self._owner))

    def _renew(self, job: Job) -> None:
        self._write(lambda session: jobs.renew(session, job, lease_s=self._services.limits.lease_s))

    def _write(self, write: Callable[[Session], Result]) -> Result:
        with self._services.database.write() as session:
            return write(session)

    def _quietly(self, action: Callable[[], Result], otherwise: Result) -> Result:
        """What fails here is tried again in the next round: a worker outlives its database's bad minutes."""
        try:
            return action()
        except Cancelled:
            return otherwise
        except (EarmarkError, KnowledgeError, SQLAlchemyError, OSError) as error:
            _LOG.warning("put off", reason=f"{type(error).__name__}: {error}")
            return otherwise
