"""Workers when things go wrong around them: parts down, cancelled jobs, full disks, locked databases."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from assistant.courses.removing import remove_recording
from assistant.errors import EmbedderDown, RecognizerDown
from assistant.jobs import presence
from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobState, JobStep
from assistant.jobs.tables import JobRow
from indexer.forgetting import purge_removed
from indexer.housekeeping import embed_missing, sweep_orphans
from indexer.services import Services
from indexer.steps import run
from indexer.worker import run_worker
from knowledge.database import Database, new_id
from knowledge.passages.cutting import PassageDraft
from knowledge.passages.store import changes_since, passages_without_vector, replace_passages
from knowledge.recordings.tables import RecordingRow, RecordingState
from tests.indexer.indexing import Counted, counted, found_in, index, job_of, recording_of, take
from tests.indexer.scripted_engine import ScriptedEngine
from tests.indexer.working import wait_for
from tests.shelf import enter

pytestmark = pytest.mark.timed

NOTHING = Counted(0, 0, 0, 0, 0, 0)


@contextmanager
def working(services: Services, **options: Callable[[Services, Job], None]) -> Iterator[None]:
    stop = threading.Event()
    worker = threading.Thread(target=run_worker, args=(services,), kwargs={"stop": stop, **options})
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def bring_forward(database: Database, job_id: str) -> None:
    """As if the wait before the next attempt were over."""
    with database.write() as session:
        row = session.get_one(JobRow, job_id)
        row.run_at = row.created_at


def test_an_engine_that_is_down_for_a_moment_is_waited_for(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    engine.down = RecognizerDown("restarting")
    patient = replace(services, limits=replace(services.limits, patience_s=30.0))
    received = take(patient, talk)
    with working(patient):
        wait_for(received.job_id or "", services, lambda job: job.step is JobStep.HEARING)
        time.sleep(1.0)
        engine.down = None
        over = wait_for(received.job_id or "", services, lambda job: False)

    assert (over.state, over.attempts) == (JobState.DONE, 1)


def test_an_engine_that_goes_down_half_way_costs_no_clip(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    received = take(services, talk)
    engine.clip_s = 0.1
    with working(services):
        wait_for(received.job_id or "", services, lambda job: job.done > 20)
        engine.down = RecognizerDown("gone", "start it again")
        waiting = wait_for(received.job_id or "", services, lambda job: job.state is JobState.QUEUED)
        assert waiting.error is not None
        assert waiting.error.detail == "gone"
        engine.down = None
        heard = len(engine.asked)
        bring_forward(services.database, received.job_id or "")
        over = wait_for(received.job_id or "", services, lambda job: False)

    assert (over.state, over.attempts, over.error) == (JobState.DONE, 2, None)
    assert heard >= 3
    assert len(engine.asked) == 10


def test_an_engine_that_stays_down_ends_the_job_at_the_fifth_attempt(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    engine.down = RecognizerDown("no engine answers", "start it")
    hasty = replace(services, limits=replace(services.limits, patience_s=0.0))
    received = take(hasty, talk)
    for _ in range(5):
        bring_forward(services.database, received.job_id or "")
        run_worker(hasty, once=True)

    job = job_of(services.database, received.recording_id)
    assert (job.state, job.attempts) == (JobState.FAILED, 5)
    assert job.error is not None
    assert job.error.type == "recogniser-down"
    assert recording_of(services.database, received.recording_id).state is RecordingState.FAILED


def test_without_an_embedder_words_are_published_and_vectors_follow(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    engine.embedder_down = EmbedderDown("no model")

    recording = index(services, talk)

    assert recording.state is RecordingState.READY
    assert (counted(services.database).vectors, counted(services.database).changes) == (0, 1)
    engine.embedder_down = None
    while embed_missing(services):
        pass
    passages = found_in(services.database, recording)
    assert (counted(services.database).vectors, counted(services.database).changes) == (len(passages), 2)
    assert recording_of(services.database, recording.id).published_at == recording.published_at


def test_after_a_change_of_embedder_everything_is_embedded_anew_beside(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    recording = index(services, talk)
    engine.embedder_digest = "f" * 64

    with working(services):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with services.database.read() as session:
                if not passages_without_vector(session, engine.embedder_digest, 1):
                    break
            time.sleep(0.1)

    assert counted(services.database).vectors == 2 * len(found_in(services.database, recording))


STEPS = [JobStep.HEARING, JobStep.RECOGNISING, JobStep.CUTTING, JobStep.EMBEDDING, JobStep.PUBLISHING]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("removed", [False, True], ids=["cancelled", "removed"])
def test_stopped_at_any_step_nothing_more_is_written(
    services: Services, engine: ScriptedEngine, talk: Path, step: JobStep, removed: bool
) -> None:
    received = take(services, talk)
    engine.clip_s = 0.05

    def runner(given: Services, job: Job) -> None:
        run(replace(given, database=Striking(given.database, job, step, strike)), job)

    def strike() -> None:
        if removed:
            remove_recording(services.database, received.recording_id)
        else:
            with services.database.write() as session:
                jobs.cancel(session, received.job_id or "")

    with working(services, runner=runner):
        over = wait_for(received.job_id or "", services, lambda job: False)

    assert (over.state, over.step) == (JobState.CANCELLED, step)
    state = recording_of(services.database, received.recording_id).state
    assert state is (RecordingState.REMOVED if removed else RecordingState.FAILED)
    rows = counted(services.database)
    assert rows.changes == int(removed)
    if removed:
        purge_removed(services.database, services.home)
        assert counted(services.database) == replace(NOTHING, changes=1)
        assert not (services.home / "files" / received.recording_id).exists()


class Striking(Database):
    """The same database; somebody else strikes right after the write that reaches a step."""

    def __init__(self, database: Database, job: Job, step: JobStep, strike: Callable[[], None]) -> None:
        self.url, self.is_sqlite, self.engine = database.url, database.is_sqlite, database.engine
        self._plain, self._job, self._step = database, job, step
        self._strike: Callable[[], None] | None = strike

    @contextmanager
    def write(self) -> Iterator[object]:  # type: ignore[override]
        with self._plain.write() as session:
            yield session
        with self._plain.read() as session:
            reached = jobs.get(session, self._job.id).step is self._step
        if reached and self._strike is not None:
            strike, self._strike = self._strike, None
            strike()


@pytest.mark.slow
@pytest.mark.faults
def test_a_database_locked_for_longer_than_anybody_waits_costs_nothing(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    received = take(services, talk)
    engine.clip_s = 0.2
    with working(services):
        wait_for(received.job_id or "", services, lambda job: job.done > 5)
        holder = sqlite3.connect(services.database.url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(13)
        holder.execute("ROLLBACK")
        holder.close()
        over = wait_for(received.job_id or "", services, lambda job: False)

    assert (over.state, over.attempts) == (JobState.DONE, 1)
    assert len(engine.asked) == 10


def test_on_a_full_disk_jobs_wait(services: Services, talk: Path) -> None:
    received = take(services, talk)
    full = replace(services, limits=replace(services.limits, least_free_mb=1e12))

    run_worker(full, once=True)

    job = job_of(services.database, received.recording_id)
    assert job.state is JobState.QUEUED
    assert job.error is not None
    assert job.error.type == "disk-full"
    bring_forward(services.database, job.id)
    run_worker(services, once=True)
    assert job_of(services.database, received.recording_id).state is JobState.DONE


def test_a_lost_original_is_told_with_the_way_out(services: Services, talk: Path) -> None:
    received = take(services, talk)
    shutil.rmtree(services.home / "files" / received.recording_id)

    run_worker(services, once=True)

    job = job_of(services.database, received.recording_id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert "restore a backup" in job.error.way_out


def test_a_fault_of_our_own_fails_its_job_and_leaves_the_next_alone(services: Services, talk: Path) -> None:
    broken = take(services, talk, course="A")
    whole = take(services, talk, course="B")

    def runner(given: Services, job: Job) -> None:
        if job.id == broken.job_id:
            raise ZeroDivisionError("a bug")
        run(given, job)

    run_worker(services, once=True, runner=runner)

    failed = job_of(services.database, broken.recording_id)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert (failed.error.type, failed.error.detail) == ("internal", "ZeroDivisionError: a bug")
    assert job_of(services.database, whole.recording_id).state is JobState.DONE


def test_several_recordings_at_once_when_told_so(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    both_there = threading.Barrier(2, timeout=20)
    two = replace(services, limits=replace(services.limits, recordings_at_once=2))
    taken = [take(services, talk, course=course) for course in "AB"]

    def runner(given: Services, job: Job) -> None:
        both_there.wait()
        run(given, job)

    run_worker(two, once=True, runner=runner)

    assert [job_of(services.database, each.recording_id).state for each in taken] == [JobState.DONE] * 2


def test_a_worker_is_seen_while_it_lives(services: Services) -> None:
    with working(services):
        deadline = time.monotonic() + 10
        alive: list[str] = []
        while not alive and time.monotonic() < deadline:
            with services.database.read() as session:
                alive = presence.workers_alive(session)
    assert len(alive) == 1
    with services.database.read() as session:
        assert presence.workers_alive(session) == []


def test_old_files_that_no_recording_knows_are_swept(services: Services, talk: Path) -> None:
    received = take(services, talk)
    files = services.home / "files"
    (files / new_id()).mkdir()
    (files / new_id() / "sub").mkdir(parents=True)
    young = replace(services, limits=replace(services.limits, orphan_after_s=3600))

    sweep_orphans(young)
    assert len(list(files.iterdir())) == 3
    sweep_orphans(replace(services, limits=replace(services.limits, orphan_after_s=-1)))

    assert [path.name for path in files.iterdir()] == [received.recording_id]


def test_a_whole_recording_that_the_database_does_not_know_is_set_aside(services: Services, talk: Path) -> None:
    received = take(services, talk)
    with services.database.write() as session:
        session.execute(delete(JobRow))
        session.execute(delete(RecordingRow))

    sweep_orphans(replace(services, limits=replace(services.limits, orphan_after_s=-1)))

    assert list((services.home / "files").iterdir()) == []
    assert (services.home / "lost" / received.recording_id / "original").read_bytes() == talk.read_bytes()


def test_missing_vectors_are_made_however_many_unpublished_passages_stand_in_front(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    waiting, _ = enter(services.database)
    with services.database.write() as session:
        replace_passages(session, waiting, 1, [PassageDraft(0, 0, 0.0, 1.0, f"text {n}", "en") for n in range(70)])
    engine.embedder_down = EmbedderDown("no model")
    recording = index(services, talk)
    engine.embedder_down = None

    assert embed_missing(services)

    with services.database.read() as session:
        assert passages_without_vector(session, engine.embedder_digest, 1, recording_id=recording.id) == []
        changes = changes_since(session, 0)
    assert changes[-1].at > changes[0].at
