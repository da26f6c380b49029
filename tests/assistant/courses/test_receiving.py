"""Taking files in: complete, once, and never half."""

import hashlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from assistant.courses.receiving import Received, receive
from assistant.courses.removing import remove_recording
from assistant.courses.sidecars import Sidecars
from assistant.errors import BadInput, BadMedia, DiskFull, NotFound
from assistant.jobs import store as jobs
from assistant.jobs.job import JobState
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState

SOUND = os.urandom(3_000_000)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    talk = tmp_path / "talks" / "fire.mp3"
    talk.parent.mkdir()
    talk.write_bytes(SOUND)
    return talk


def row(database: Database, recording_id: str) -> RecordingRow:
    with database.read() as session:
        return session.get_one(RecordingRow, recording_id)


def mark(database: Database, recording_id: str, state: RecordingState) -> None:
    with database.write() as session:
        session.get_one(RecordingRow, recording_id).state = state


def take(database: Database, home: Path, path: Path, **options: object) -> Received:
    return receive(database, home, path, least_free_mb=0, **options)  # type: ignore[arg-type]


def test_a_file_is_kept_whole_with_a_job_to_index_it(database: Database, home: Path, talk: Path) -> None:
    received = take(database, home, talk, language="en")

    kept = row(database, received.recording_id)
    assert (home / kept.original_path).read_bytes() == SOUND
    assert kept.content_sha256 == hashlib.sha256(SOUND).hexdigest()
    assert (kept.name, kept.title, kept.language, kept.size_bytes) == ("fire.mp3", "fire", "en", len(SOUND))
    with database.read() as session:
        assert jobs.get(session, received.job_id or "").recording_id == kept.id
        assert [course.name for course in recordings.list_courses(session)] == ["General"]


def test_what_lies_beside_it_is_kept_under_names_of_our_own(database: Database, home: Path, talk: Path) -> None:
    talk.with_suffix(".srt").write_text("1\n")
    talk.with_suffix(".md").write_text("Fire!")

    received = take(database, home, talk)

    folder = home / "files" / received.recording_id
    assert sorted(path.name for path in folder.iterdir()) == ["original", "script.txt", "subtitles.srt"]


def test_a_script_that_was_named_goes_first(database: Database, home: Path, talk: Path, tmp_path: Path) -> None:
    talk.with_suffix(".txt").write_text("beside")
    named = tmp_path / "named.txt"
    named.write_text("named")

    received = take(database, home, talk, script=named)

    assert (home / "files" / received.recording_id / "script.txt").read_text() == "named"


def test_told_that_nothing_lies_beside_it_nothing_is_looked_for(database: Database, home: Path, talk: Path) -> None:
    talk.with_suffix(".srt").write_text("1\n")

    received = take(database, home, talk, sidecars=Sidecars())

    assert len(list((home / "files" / received.recording_id).iterdir())) == 1


@pytest.mark.parametrize("state", [RecordingState.INDEXING, RecordingState.READY])
def test_the_same_content_is_skipped_in_the_same_course(
    database: Database, home: Path, talk: Path, state: RecordingState
) -> None:
    first = take(database, home, talk, course="Safety")
    mark(database, first.recording_id, state)

    again = take(database, home, talk, course="  SAFETY ", name="another name.mp3")

    assert again.recording_id == first.recording_id
    assert "fire.mp3" in (again.skipped_reason or "")
    assert again.job_id == (first.job_id if state is RecordingState.INDEXING else None)
    assert len(list((home / "files").iterdir())) == 1


def test_another_course_gets_its_own_recording(database: Database, home: Path, talk: Path) -> None:
    first, second = take(database, home, talk, course="A"), take(database, home, talk, course="B")

    assert first.recording_id != second.recording_id
    assert second.skipped_reason is None


def test_one_that_failed_is_taken_anew(database: Database, home: Path, talk: Path) -> None:
    failed = take(database, home, talk)
    mark(database, failed.recording_id, RecordingState.FAILED)

    again = take(database, home, talk)

    assert again.skipped_reason is None
    assert row(database, failed.recording_id).state is RecordingState.REMOVED
    assert row(database, again.recording_id).state is RecordingState.INDEXING


def test_a_removed_one_is_taken_anew(database: Database, home: Path, talk: Path) -> None:
    removed = take(database, home, talk)
    remove_recording(database, removed.recording_id)

    assert take(database, home, talk).skipped_reason is None


def test_removing_cancels_the_job_and_leaves_a_tombstone(database: Database, home: Path, talk: Path) -> None:
    received = take(database, home, talk)

    remove_recording(database, received.recording_id)

    gone = row(database, received.recording_id)
    assert gone.state is RecordingState.REMOVED
    assert gone.removed_at is not None
    with database.read() as session:
        assert jobs.get(session, received.job_id or "").state is JobState.CANCELLED
    with pytest.raises(NotFound):
        remove_recording(database, received.recording_id)


def test_a_name_is_never_a_path(database: Database, home: Path, talk: Path) -> None:
    received = take(database, home, talk, name="../../outside.mp3")

    assert row(database, received.recording_id).original_path == f"files/{received.recording_id}/original"
    assert not (home.parent / "outside.mp3").exists()


def nothing_was_kept(database: Database, home: Path) -> bool:
    with database.read() as session:
        rows = session.scalars(select(RecordingRow)).all()
    return not rows and not list((home / "files").glob("*"))


def test_an_empty_file_is_refused_by_name(database: Database, home: Path, talk: Path) -> None:
    talk.write_bytes(b"")

    with pytest.raises(BadMedia, match=r"fire\.mp3: the file is empty"):
        take(database, home, talk)
    assert nothing_was_kept(database, home)


def test_a_pipe_and_a_link_are_refused_and_never_waited_for(database: Database, home: Path, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.mp3", tmp_path / "link.mp3"
    os.mkfifo(pipe)
    link.symlink_to("/etc/passwd")

    for path in (pipe, link):
        with pytest.raises(BadMedia, match=path.name):
            take(database, home, path)
    assert nothing_was_kept(database, home)


def test_a_script_that_is_no_text_refuses_the_recording(database: Database, home: Path, talk: Path) -> None:
    talk.with_suffix(".txt").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(BadInput, match=r"fire\.txt"):
        take(database, home, talk)
    assert nothing_was_kept(database, home)


def test_a_script_too_large_for_the_engine_is_refused(database: Database, home: Path, talk: Path) -> None:
    talk.with_suffix(".txt").write_bytes(b"a" * 1_000_001)

    with pytest.raises(BadInput, match=r"fire\.txt"):
        take(database, home, talk)


def test_below_the_least_free_disk_nothing_is_taken(database: Database, home: Path, talk: Path) -> None:
    with pytest.raises(DiskFull, match="GB"):
        receive(database, home, talk, least_free_mb=1e12)
    assert nothing_was_kept(database, home)


RECEIVING = """
import resource, sys
from pathlib import Path
from assistant.courses.receiving import receive
from assistant.errors import DiskFull
from knowledge.database import Database

database, home, path, most = sys.argv[1:]
if int(most):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
try:
    print(receive(Database(database), Path(home), Path(path), least_free_mb=0).recording_id, flush=True)
except DiskFull as error:
    print("full:", error, flush=True)
"""


def receiving(database: Database, home: Path, path: Path, most_bytes: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RECEIVING, database.url, str(home), str(path), str(most_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.faults
def test_a_disk_that_fills_while_copying_leaves_nothing_behind(database: Database, home: Path, talk: Path) -> None:
    assert resource.RLIMIT_FSIZE >= 0
    process = receiving(database, home, talk, most_bytes=1_500_000)
    told, _ = process.communicate(timeout=60)

    assert told.startswith("full:")
    assert nothing_was_kept(database, home)


@pytest.mark.faults
@pytest.mark.slow
def test_killed_at_any_moment_a_recording_is_whole_or_not_there(database: Database, home: Path, tmp_path: Path) -> None:
    talk = tmp_path / "long.mp3"
    talk.write_bytes(os.urandom(40_000_000))
    digest = hashlib.sha256(talk.read_bytes()).hexdigest()
    acknowledged = []
    for attempt in range(12):
        process = receiving(database, home, talk)
        folder_count = len(list((home / "files").glob("*")))
        while process.poll() is None and len(list((home / "files").glob("*"))) <= folder_count:
            time.sleep(0.002)
        time.sleep(attempt * 0.01)
        process.kill()
        told, _ = process.communicate()
        acknowledged += told.split()
        with database.write() as session:
            for kept in session.scalars(select(RecordingRow)):
                assert hashlib.sha256((home / kept.original_path).read_bytes()).hexdigest() == digest
                kept.content_sha256 = f"{digest}, taken {kept.id}"

    with database.read() as session:
        ids = set(session.scalars(select(RecordingRow.id)))
        queued = {job.recording_id for job in jobs.list_jobs(session).items}
    assert set(acknowledged) <= ids
    assert queued == ids
