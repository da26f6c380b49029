"""How the steps write: every change proves, in its own transaction, that the job is still this worker's and wanted."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from assistant.errors import PartDown
from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobStep
from indexer.services import Services
from knowledge.errors import DatabaseBusy

Result = TypeVar("Result")
SAID_EVERY_S = 1.0
_TRIES = 4
_PAUSE_S = 2.0


class DatabaseDown(PartDown):
    """The database does not answer: restarting, or unreachable."""

    kind = "database-down"


def keep(services: Services, job: Job, write: Callable[[Session], Result]) -> Result:
    """Run `write` in one fenced transaction, again where the database was locked.

    Raises Cancelled, DatabaseBusy, DatabaseDown; whatever was not kept is done again by the next attempt.
    """
    for _ in range(_TRIES - 1):
        try:
            return _write_fenced(services, job, write)
        except (DatabaseBusy, DatabaseDown):
            time.sleep(_PAUSE_S)
    return _write_fenced(services, job, write)


def _write_fenced(services: Services, job: Job, write: Callable[[Session], Result]) -> Result:
    try:
        with services.database.write() as session:
            jobs.renew(session, job, lease_s=services.limits.lease_s)
            return write(session)
    except OperationalError as error:
        raise DatabaseDown(f"the database did not take a write: {error.orig}", "see whether it runs") from error


def pause_of(services: Services, job: Job) -> Callable[[float], None]:
    """A pause that ends with Cancelled where the job is no longer wanted."""

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        keep(services, job, lambda _session: None)

    return pause


class Progress:
    """Says how far a job is, at most once a second: a bar needs no more, and each saying is a write."""

    def __init__(self, services: Services, job: Job) -> None:
        self._services = services
        self._job = job
        self._said_at = float("-inf")
        self._step: JobStep | None = None

    def say(self, step: JobStep, done: float, total: float | None, unit: str = "s") -> None:
        """Raises Cancelled."""
        now = self._services.clock()
        if step is self._step and now - self._said_at < SAID_EVERY_S:
            return
        self._step, self._said_at = step, now
        keep(self._services, self._job, lambda session: self.note(session, step, done, total, unit))

    def note(self, session: Session, step: JobStep, done: float, total: float | None, unit: str = "s") -> None:
        """The same beside another write, in its transaction."""
        self._step, self._said_at = step, self._services.clock()
        jobs.advance(session, self._job, step, done=done, total=total, unit=unit)
