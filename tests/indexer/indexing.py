"""What became of a recording, counted, and the short way to index one."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from assistant.courses.receiving import Received, receive
from assistant.courses.sidecars import Sidecars
from assistant.jobs import store as jobs
from assistant.jobs.job import Job
from indexer.services import Services
from indexer.tables import ClipResultRow
from indexer.worker import run_worker
from knowledge.database import Database
from knowledge.passages.passage import Passage
from knowledge.passages.store import passages_of
from knowledge.passages.tables import ChangeRow, PassageRow, VectorRow
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Recording
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import segments_of
from knowledge.transcripts.tables import SegmentRow, TranscriptRow

NO_SIDECARS = Sidecars()


@dataclass(frozen=True)
class Counted:
    """Rows in the whole database."""

    transcripts: int
    segments: int
    passages: int
    vectors: int
    changes: int
    clip_results: int


def take(
    services: Services,
    path: Path,
    *,
    sidecars: Sidecars = NO_SIDECARS,
    course: str = "Talks",
    language: str | None = None,
) -> Received:
    return receive(
        services.database, services.home, path, course=course, language=language, sidecars=sidecars, least_free_mb=0
    )


def index(
    services: Services, path: Path, *, sidecars: Sidecars = NO_SIDECARS, language: str | None = None
) -> Recording:
    """Take a file in and work until nothing is due."""
    received = take(services, path, sidecars=sidecars, language=language)
    run_worker(services, once=True)
    return recording_of(services.database, received.recording_id)


def recording_of(database: Database, recording_id: str) -> Recording:
    with database.read() as session:
        found = recordings.recording(session, recording_id)
    assert found is not None
    return found


def job_of(database: Database, recording_id: str) -> Job:
    with database.read() as session:
        job = jobs.latest_of(session, recording_id)
    assert job is not None
    return job


def said_in(database: Database, recording: Recording) -> list[Segment]:
    assert recording.revision is not None
    with database.read() as session:
        return segments_of(session, recording.id, recording.revision)


def found_in(database: Database, recording: Recording) -> list[Passage]:
    assert recording.revision is not None
    with database.read() as session:
        return passages_of(session, recording.id, recording.revision)


def counted(database: Database) -> Counted:
    tables = (TranscriptRow, SegmentRow, PassageRow, VectorRow, ChangeRow, ClipResultRow)
    with database.read() as session:
        return Counted(*(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables))
