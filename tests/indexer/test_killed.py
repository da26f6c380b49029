"""Workers killed with SIGKILL wherever it may hurt: nothing is lost, nothing is there twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from assistant.courses.removing import remove_recording
from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobState, JobStep
from earmark.migrations import migrate
from indexer.forgetting import purge_removed
from indexer.services import Services
from knowledge.database import Database
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState
from knowledge.transcripts.segment import Segment
from tests.indexer.indexing import Counted, counted, found_in, index, recording_of, said_in, take
from tests.indexer.working import a_worker, services_of, wait_for, work_until_over

pytestmark = pytest.mark.faults
IN_FLIGHT = 3
BEFORE_THE_TRANSCRIPT = (JobStep.HEARING, JobStep.RECOGNISING)


@dataclass(frozen=True)
class Undisturbed:
    """What indexing the talk gives when nobody interferes."""

    rows: Counted
    segments: list[Segment]
    passages: list[tuple[float, float, str]]
    clips: int


def texts(database: Database, recording: Recording) -> list[tuple[float, float, str]]:
    return [(passage.start_s, passage.end_s, passage.text) for passage in found_in(database, recording)]


def clips_in(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "clips.log"


@pytest.fixture
def services(database: Database, tmp_path: Path, log: Path) -> Services:
    return services_of(database.url, tmp_path / "home", log)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    services = services_of(f"sqlite:///{folder / 'earmark.db'}", folder / "home", folder / "log")
    migrate(services.database, services.home)
    recording = index(services, talk)
    database = services.database
    return Undisturbed(
        counted(database), said_in(database, recording), texts(database, recording), len(clips_in(folder / "log"))
    )


def nothing_is_lost_or_twice(services: Services, recording_id: str, expected: Undisturbed) -> None:
    recording = recording_of(services.database, recording_id)
    assert recording.state is RecordingState.READY
    assert counted(services.database) == expected.rows
    assert said_in(services.database, recording) == expected.segments
    assert texts(services.database, recording) == expected.passages
    folder = services.home / "files" / recording_id
    assert sorted(path.name for path in folder.iterdir()) == ["original", Path(recording.playable_path or "").name]


@pytest.mark.slow
@pytest.mark.parametrize("step", [step for step in JobStep if step not in (JobStep.RECEIVED, JobStep.FINISHED)])
def test_killed_at_a_step_the_job_goes_on_from_it(
    services: Services, talk: Path, log: Path, undisturbed: Undisturbed, step: JobStep
) -> None:
    received = take(services, talk)
    with a_worker(services, log, clip_s=0.05, commit_s=0.15):
        struck = wait_for(received.job_id or "", services, lambda job: job.step is step)
    assert (struck.state, struck.step) == (JobState.RUNNING, step)
    before = clips_in(log)

    over = work_until_over(services, received.job_id or "")

    assert (over.state, over.attempts) == (JobState.DONE, 2), over.error
    nothing_is_lost_or_twice(services, received.recording_id, undisturbed)
    again = len(clips_in(log)) - undisturbed.clips
    assert again <= (IN_FLIGHT if step in BEFORE_THE_TRANSCRIPT else 0)
    if step not in BEFORE_THE_TRANSCRIPT:
        assert clips_in(log) == before


@pytest.mark.slow
def test_killed_while_recognising_it_recognises_only_the_rest(
    services: Services, talk: Path, log: Path, undisturbed: Undisturbed
) -> None:
    received = take(services, talk)
    for share in (0.3, 0.6):
        with a_worker(services, log, clip_s=0.4, commit_s=0.0):
            struck = wait_for(received.job_id or "", services, _beyond(share))
        assert struck.state is JobState.RUNNING

    over = work_until_over(services, received.job_id or "")

    assert (over.state, over.attempts) == (JobState.DONE, 3)
    nothing_is_lost_or_twice(services, received.recording_id, undisturbed)
    assert undisturbed.clips <= len(clips_in(log)) <= undisturbed.clips + 2 * IN_FLIGHT
    assert len(set(clips_in(log))) == undisturbed.clips


def _beyond(share: float) -> Callable[[Job], bool]:
    def wanted(job: Job) -> bool:
        return job.step is JobStep.RECOGNISING and job.total is not None and job.done >= share * job.total

    return wanted


@pytest.mark.slow
def test_removed_while_its_worker_lies_dead_it_is_purged(services: Services, talk: Path, log: Path) -> None:
    received = take(services, talk)
    with a_worker(services, log, clip_s=0.2, commit_s=0.0):
        wait_for(received.job_id or "", services, _beyond(0.2))
    remove_recording(services.database, received.recording_id)

    assert work_until_over(services, received.job_id or "").state is JobState.CANCELLED

    purge_removed(services.database, services.home)
    assert not (services.home / "files" / received.recording_id).exists()
    assert recording_of(services.database, received.recording_id).state is RecordingState.REMOVED
    assert counted(services.database).clip_results == 0


@pytest.mark.slow
def test_two_workers_share_one_queue_and_one_job_is_done_by_one(
    services: Services, talk: Path, log: Path, undisturbed: Undisturbed
) -> None:
    taken = [take(services, talk, course=f"course {number}") for number in range(4)]

    with a_worker(services, log, clip_s=0.02, commit_s=0.0), a_worker(services, log, clip_s=0.02, commit_s=0.0):
        over = [wait_for(received.job_id or "", services, lambda job: False) for received in taken]

    assert [(job.state, job.attempts) for job in over] == [(JobState.DONE, 1)] * 4
    rows = undisturbed.rows
    four = {name: 4 * getattr(rows, name) for name in ("transcripts", "segments", "passages", "vectors", "changes")}
    assert counted(services.database) == replace(rows, **four)
    assert len(clips_in(log)) == 4 * undisturbed.clips


@pytest.mark.slow
def test_asked_to_stop_a_worker_gives_its_job_back(services: Services, talk: Path, log: Path) -> None:
    received = take(services, talk)
    with a_worker(services, log, clip_s=0.4, commit_s=0.0) as process:
        wait_for(received.job_id or "", services, _beyond(0.2))
        process.terminate()
        process.wait(20)

    with services.database.read() as session:
        job = jobs.get(session, received.job_id or "")
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
