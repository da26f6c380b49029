"""Watching jobs until they are over: a bar each on a terminal, a plain line a change in a pipe."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobStep
from earmark.cli.console import clock, errors, say
from knowledge.database import Database

STEP_NAMES = {
    JobStep.RECEIVED: "waiting",
    JobStep.HEARING: "listening",
    JobStep.RECOGNISING: "writing down",
    JobStep.CUTTING: "cutting",
    JobStep.EMBEDDING: "embedding",
    JobStep.PUBLISHING: "publishing",
    JobStep.FINISHED: "findable",
}


@dataclass(frozen=True, slots=True)
class Watched:
    job_id: str
    name: str


def watch(
    database: Database, watched: Sequence[Watched], *, poll_s: float, quiet: bool, meanwhile: Callable[[], None]
) -> dict[str, Job]:
    """Wait until every job is over; the jobs as they ended, by id. `meanwhile`: called again and again."""
    if quiet or not watched:
        return _watch(database, watched, poll_s, _Silent(), meanwhile)
    if not errors.is_terminal:
        return _watch(database, watched, poll_s, _Lines(), meanwhile)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[step]}"), TimeRemainingColumn(),
        console=errors,
    ) as bars:  # fmt: skip
        return _watch(database, watched, poll_s, _Bars(bars), meanwhile)


class _Silent:
    def show(self, one: Watched, job: Job) -> None:
        pass


class _Lines:
    """A line when a step begins or a job ends: a log stays readable."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def show(self, one: Watched, job: Job) -> None:
        line = f"{one.name}: {job.state.value if job.is_over else STEP_NAMES[job.step]}"
        if self._last.get(one.job_id) != line:
            self._last[one.job_id] = line
            say(line)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, one: Watched, job: Job) -> None:
        if one.job_id not in self._tasks:
            self._tasks[one.job_id] = self._bars.add_task(one.name, total=None, step="")
        step = job.state.value if job.is_over else STEP_NAMES[job.step]
        if job.total and job.unit == "s" and not job.is_over:
            step = f"{step} {clock(job.done)} of {clock(job.total)}"
        self._bars.update(
            self._tasks[one.job_id],
            total=1.0 if job.is_over else job.total,
            completed=1.0 if job.is_over else job.done,
            step=step,
        )


def _watch(
    database: Database,
    watched: Sequence[Watched],
    poll_s: float,
    shown: _Silent | _Lines | _Bars,
    meanwhile: Callable[[], None],
) -> dict[str, Job]:
    over: dict[str, Job] = {}
    job_ids = {one.job_id for one in watched}  # two files of one content share a job
    while True:
        with database.read() as session:
            for one in watched:
                if one.job_id not in over:
                    job = jobs.get(session, one.job_id)
                    shown.show(one, job)
                    if job.is_over:
                        over[one.job_id] = job
        if over.keys() == job_ids:
            return over
        meanwhile()
        time.sleep(poll_s)
