"""Taking a file in: hashed and copied in one pass, then row and job in one transaction. Safe to kill at any point.

Until the transaction there is only a folder that no row knows, which the worker sweeps; after it the recording is
acknowledged and never lost. Parses nothing: what the bytes are is found out by the job, in a sandbox.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assistant.audit.event import EARMARK, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.courses.naming import GENERAL, clean_course_name, clean_name, title_of
from assistant.courses.removing import remove_in
from assistant.courses.sidecars import Sidecars, named_for_keeping, read_script, sidecars_beside
from assistant.errors import BadInput, BadMedia, DiskFull
from assistant.hearing.opening import open_regular
from assistant.jobs import store as jobs
from knowledge.database import Database, new_id, utc_now
from knowledge.durable_files import sync_folder
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState

_BLOCK_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TAKEN = (RecordingState.INDEXING, RecordingState.READY)


@dataclass(frozen=True, slots=True)
class Received:
    """`job_id`: to be watched, None where nothing is left to do. `skipped_reason`: why nothing was taken."""

    recording_id: str
    job_id: str | None
    skipped_reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Copied:
    """A file that lies complete in its recording's folder."""

    recording_id: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Course:
    """By its id, else by its name: then made when its first recording is entered, not before."""

    name: str
    id: str | None

    def there(self, session: Session) -> str | None:
        if self.id is not None:
            return self.id
        found = recordings.course_by_name(session, self.name)
        return None if found is None else found.id

    def made(self, session: Session) -> str:
        return self.id or recordings.course_by_name(session, self.name, create=True).id


def files_folder(home: Path, recording_id: str) -> Path:
    """Where a recording's files are; made of ids, never of names."""
    return home / "files" / recording_id


def lost_folder(home: Path) -> Path:
    """Where whole recordings are set aside that the database does not know."""
    return home / "lost"


def receive(
    database: Database,
    home: Path,
    path: Path,
    *,
    name: str | None = None,
    course: str = GENERAL,
    course_id: str | None = None,
    language: str | None = None,
    script: Path | None = None,
    sidecars: Sidecars | None = None,
    least_free_mb: float = 2048.0,
    actor: str = EARMARK,
) -> Received:
    """Take a file into a course, by its name or its id, with what lies beside it unless `sidecars` says otherwise.

    The same content is skipped where the course has it already; one that failed there is taken anew.
    `actor`: who brings it, as the audit log calls them.
    Raises BadMedia, BadInput, DiskFull.
    """
    shown = clean_name(name or path.name)
    into = _Course(clean_course_name(course), course_id)
    known = _known_already(database, path, shown=shown, into=into)
    if known is not None:
        return known
    with _folder_until_kept(home, new_id()) as folder:
        copied = _copy_in(path, folder, shown=shown, least_free_bytes=int(least_free_mb * 1e6))
        _copy_sidecars(sidecars or sidecars_beside(path), script, folder)
        received = _enter(database, copied, name=shown, into=into, language=language, actor=actor)
        if received.recording_id != copied.recording_id:
            shutil.rmtree(folder)
    return received


def _known_already(database: Database, path: Path, *, shown: str, into: _Course) -> Received | None:
    """Found out without copying: only a file as long as one that the course has needs to be read for it."""
    with _opened(path, shown) as source:
        size = os.fstat(source.fileno()).st_size
        with database.read() as session:
            course_id = into.there(session)
            if course_id is None or not session.scalar(
                select(exists().where(RecordingRow.course_id == course_id, RecordingRow.size_bytes == size))
            ):
                return None
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    with database.read() as session:
        return _skipped(session, course_id=course_id, sha256=digest)


def _skipped(session: Session, *, course_id: str, sha256: str) -> Received | None:
    there = recordings.recording_of_content(session, course_id=course_id, sha256=sha256)
    if there is None or there.state not in _TAKEN:
        return None
    if there.state is RecordingState.READY:
        return Received(there.id, None, f"is in this course already, as {there.name}")
    job = jobs.latest_of(session, there.id)
    return Received(there.id, job.id if job else None, f"is being indexed already, as {there.name}")


def _enter(
    database: Database, copied: _Copied, *, name: str, into: _Course, language: str | None, actor: str
) -> Received:
    """Row and job at once. On PostgreSQL another receiver of the same content may commit between look and entry:
    then it is there to be found the second time."""
    try:
        return _entered(database, copied, name=name, into=into, language=language, actor=actor)
    except IntegrityError:
        return _entered(database, copied, name=name, into=into, language=language, actor=actor)


def _entered(
    database: Database, copied: _Copied, *, name: str, into: _Course, language: str | None, actor: str
) -> Received:
    with database.write() as session:
        is_new = into.there(session) is None
        course_id = into.made(session)
        skipped = _skipped(session, course_id=course_id, sha256=copied.sha256)
        if skipped is not None:
            return skipped
        failed = recordings.recording_of_content(session, course_id=course_id, sha256=copied.sha256)
        if failed is not None:
            remove_in(session, failed.id)
        session.add(
            RecordingRow(
                id=copied.recording_id,
                course_id=course_id,
                name=name,
                title=title_of(name),
                state=RecordingState.INDEXING,
                content_sha256=copied.sha256,
                size_bytes=copied.size_bytes,
                original_path=f"files/{copied.recording_id}/original",
                language=language,
                created_at=utc_now(),
            )
        )
        session.flush()
        job_id = jobs.enqueue(session, copied.recording_id)
        if is_new:
            append(session, AuditEvent(actor, AuditAction.COURSE_MADE, "course", course_id, details={"open": True}))
        details = {"course": course_id}
        append(
            session, AuditEvent(actor, AuditAction.RECORDING_ADDED, "recording", copied.recording_id, details=details)
        )
        return Received(copied.recording_id, job_id)


@contextlib.contextmanager
def _folder_until_kept(home: Path, recording_id: str) -> Iterator[Path]:
    """A recording's folder, gone again where taking it in failed."""
    folder = files_folder(home, recording_id)
    try:
        folder.mkdir(mode=0o700, parents=True)
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if error.errno in _FULL:
            raise _disk_full(home) from error
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copy_in(path: Path, folder: Path, *, shown: str, least_free_bytes: int) -> _Copied:
    with _opened(path, shown) as source:
        size = os.fstat(source.fileno()).st_size
        if shutil.disk_usage(folder).free - size < least_free_bytes:
            raise _disk_full(folder)
        return _Copied(folder.name, *_copy_whole(source, folder / "original", shown))


def _copy_whole(source: BufferedReader, target: Path, shown: str) -> tuple[str, int]:
    """Copied and hashed in one pass; under its name only when complete and on the disk. SHA-256 and size."""
    digest = hashlib.sha256()
    partial = target.with_name(f"{target.name}.part")
    with partial.open("xb") as sink:
        while block := _read_block(source, shown):
            digest.update(block)
            sink.write(block)
        sink.flush()
        os.fsync(sink.fileno())
        size = sink.tell()
    partial.rename(target)
    sync_folder(target.parent)
    return digest.hexdigest(), size


def _read_block(source: BufferedReader, shown: str) -> bytes:
    try:
        return source.read(_BLOCK_BYTES)
    except OSError as error:
        raise BadMedia(f"{shown}: cannot be read: {error.strerror}", "copy it to a sound disk") from error


def _copy_sidecars(sidecars: Sidecars, script: Path | None, folder: Path) -> None:
    """A script that a person named goes before one that lies beside the recording. Read once, so that a bad one is
    refused now and not by the job."""
    chosen = replace(sidecars, script=script or sidecars.script)
    for path, kept_as, largest_bytes in named_for_keeping(chosen):
        shown = chosen.shown(path)
        with _opened(path, shown) as source:
            size = os.fstat(source.fileno()).st_size
            if size > largest_bytes:
                raise BadInput(
                    f"{shown}: {size / 1e6:.1f} MB are too much for text", f"{largest_bytes / 1e6:.0f} MB at most"
                )
            _copy_whole(source, folder / kept_as, shown)
    if chosen.script is not None:
        read_script(folder / "script.txt", name=chosen.shown(chosen.script))
    sync_folder(folder.parent)


@contextlib.contextmanager
def _opened(path: Path, shown: str) -> Iterator[BufferedReader]:
    """A regular file with something in it, opened without following a link: never a pipe that blocks for ever."""
    with os.fdopen(open_regular(path, name=shown), "rb") as source:
        yield source


def _disk_full(home: Path) -> DiskFull:
    free_gb = shutil.disk_usage(home).free / 1e9
    return DiskFull(f"only {free_gb:.1f} GB of disk are free", "free some disk; questions go on meanwhile")
