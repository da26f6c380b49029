"""A worker in a process of its own, to be killed: `python -m tests.indexer.working URL HOME LOG CLIP_S COMMIT_S`.

Its database answers slowly, so that whoever watches from outside can strike right after a write.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event

from assistant.jobs import store as jobs
from assistant.jobs.job import Job
from indexer.services import Services, WorkLimits
from indexer.worker import run_worker
from knowledge.database import Database
from tests.indexer.scripted_engine import ScriptedEngine

LEASE_S = 1.5


def services_of(url: str, home: Path, log: Path, *, clip_s: float = 0.0) -> Services:
    engine = ScriptedEngine(log=log, clip_s=clip_s)
    limits = WorkLimits(least_free_mb=0, lease_s=LEASE_S, patience_s=5.0)
    return Services(database=Database(url), home=home, engine=engine, limits=limits)


@contextmanager
def a_worker(services: Services, log: Path, *, clip_s: float, commit_s: float) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [services.database.url, str(services.home), str(log), str(clip_s), str(commit_s)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.indexer.working", *arguments], cwd=Path(__file__).parents[2]
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(job_id: str, services: Services, wanted: Callable[[Job], bool], *, timeout_s: float = 60.0) -> Job:
    """The job once it is as wanted, or over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with services.database.read() as session:
            job = jobs.get(session, job_id)
        if wanted(job) or job.is_over:
            return job
        time.sleep(0.01)
    raise AssertionError(f"still {job.state} at {job.step} after {timeout_s} s")


def work_until_over(services: Services, job_id: str) -> Job:
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(services,), kwargs={"stop": stop})
    worker.start()
    try:
        return wait_for(job_id, services, lambda job: False)
    finally:
        stop.set()
        worker.join()


def main(url: str, home: str, log: str, clip_s: str, commit_s: str) -> None:
    services = services_of(url, Path(home), Path(log), clip_s=float(clip_s))

    @event.listens_for(services.database.engine, "checkin")
    def answer_slowly(_connection: object, _record: object) -> None:
        if threading.current_thread().name.startswith("job"):
            time.sleep(float(commit_s))

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    run_worker(services, stop=stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
