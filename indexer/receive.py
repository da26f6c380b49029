"""The first step: what the job is about, read once from the recording's row and folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from assistant.courses.receiving import files_folder
from assistant.courses.sidecars import Sidecars, kept_sidecars
from assistant.errors import BadInput, Cancelled, DiskFull
from assistant.jobs.job import Job
from assistant.recognising.recognizer import ClipOptions
from indexer.services import Services
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState


@dataclass(frozen=True, slots=True)
class Source:
    """A recording as it lies in its folder. `language`: told by a person, None to be found out. `itn`: its course's."""

    recording_id: str
    name: str
    title: str
    folder: Path
    original: Path
    language: str | None
    sidecars: Sidecars
    itn: bool = True

    @property
    def options(self) -> ClipOptions:
        return ClipOptions(language=self.language, itn=self.itn)


def open_source(services: Services, job: Job) -> Source:
    """Raises Cancelled where the recording is gone, BadInput where its file is, DiskFull."""
    with services.database.read() as session:
        row = session.get(RecordingRow, job.recording_id)
        course = recordings.course(session, row.course_id) if row is not None else None
    if row is None or row.state is RecordingState.REMOVED:
        raise Cancelled("the recording was removed")
    folder = files_folder(services.home, row.id)
    original = services.home / row.original_path
    if not original.is_file():
        raise BadInput(f"{row.name}: its file is no longer in {folder}", "restore a backup, or add the file again")
    _refuse_full_disk(services)
    language = row.language or (course.language if course else None)
    itn = course.itn if course else True
    return Source(row.id, row.name, row.title, folder, original, language, kept_sidecars(folder), itn)


def _refuse_full_disk(services: Services) -> None:
    free = shutil.disk_usage(services.home).free
    if free < services.limits.least_free_mb * 1e6:
        raise DiskFull(f"only {free / 1e9:.1f} GB of disk are free", "free some disk; the job goes on by itself")
