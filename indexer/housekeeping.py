"""What a worker does beside jobs: real deletion of what was removed, files nobody owns, vectors that are missing."""

import contextlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from sqlalchemy import exists, select

from assistant.courses.receiving import files_folder, lost_folder
from assistant.errors import EarmarkError
from assistant.jobs.job import JobState
from assistant.jobs.tables import JobRow
from indexer.clip_results import forget_clip_results
from indexer.embed import embed_passages, ready_embedder
from indexer.services import Services
from indexer.tables import ClipResultRow
from knowledge.passages import store as passages
from knowledge.passages.passage import Passage
from knowledge.recordings.tables import RecordingRow, RecordingState

PURGE_EVERY_S = 5.0
SWEEP_EVERY_S = 600.0
EMBED_EVERY_S = 10.0
EMBEDDED_AT_ONCE = 64
_LOG = structlog.get_logger()


class HouseKeeper:
    """Does each thing when its time has come."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._purged_at = self._swept_at = self._embedded_at = float("-inf")

    def keep(self, *, idle: bool) -> bool:
        """One round; whether there is more to do at once. Vectors wait while jobs run: those go first."""
        now = self._services.clock()
        if now - self._purged_at >= PURGE_EVERY_S:
            self._purged_at = now
            purge_removed(self._services)
            if self._services.follower is not None:
                self._services.follower.maybe_compact()
        if now - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = now
            sweep_orphans(self._services)
        if idle and now - self._embedded_at >= EMBED_EVERY_S:
            if embed_missing(self._services):
                return True
            self._embedded_at = now
        return False


def purge_removed(services: Services) -> None:
    """Delete words and files of removed recordings that no worker is writing any more."""
    for recording_id in _to_purge(services):
        with services.database.write() as session:
            passages.purge(session, recording_id)
            forget_clip_results(session, recording_id)
        shutil.rmtree(files_folder(services.home, recording_id), ignore_errors=True)
        services.database.forget_deleted()
        _LOG.info("purged", recording=recording_id)


def _to_purge(services: Services) -> list[str]:
    at_work = exists().where(JobRow.recording_id == RecordingRow.id, JobRow.state == JobState.RUNNING)
    removed = select(RecordingRow.id).where(RecordingRow.state == RecordingState.REMOVED, ~at_work)
    with services.database.read() as session:
        words = set(passages.recordings_to_purge(session))
        words |= set(session.scalars(select(ClipResultRow.recording_id).distinct()))
        return [each for each in session.scalars(removed) if each in words or _has_files(services.home, each)]


def _has_files(home: Path, recording_id: str) -> bool:
    return files_folder(home, recording_id).is_dir()


def sweep_orphans(services: Services) -> None:
    """Delete folders that no recording knows: what a killed upload left. Young ones may still be being filled.

    One that holds a whole recording is set aside, never deleted: more likely than a killed upload is a database that
    is not the one of these files.
    """
    files = services.home / "files"
    # Listed before the database is asked: a recording entered meanwhile is never taken for an orphan.
    folders = list(files.iterdir()) if files.is_dir() else []
    with services.database.read() as session:
        known = set(session.scalars(select(RecordingRow.id)))
    for folder in folders:
        if folder.name in known or _age_s(folder) <= services.limits.orphan_after_s:
            continue
        if (folder / "original").exists():
            _set_aside(services.home, folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            _LOG.info("swept", folder=folder.name)


def _set_aside(home: Path, folder: Path) -> None:
    lost = lost_folder(home)
    lost.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError):
        folder.rename(lost / folder.name)
        _LOG.warning("a recording that the database does not know was set aside", folder=str(lost / folder.name))


def _age_s(folder: Path) -> float:
    """Since something in it was last written."""
    inside = list(folder.iterdir()) if folder.is_dir() else []
    return time.time() - max(path.lstat().st_mtime for path in (folder, *inside))


def embed_missing(services: Services) -> bool:
    """Embed a batch of what was published without vectors, or with those of an older embedder; whether any was left.

    A recording is published again when its last vector is there: indexes follow changes.
    """
    try:
        embedder = ready_embedder(services.engine)
        with services.database.read() as session:  # those of a job under way get theirs from the job
            batch = passages.passages_without_vector(session, embedder.digest, EMBEDDED_AT_ONCE, published=True)
        if not batch:
            return False
        embedded = embed_passages(services.engine, batch, _titles(services, batch), embedder)
    except EarmarkError as error:
        _LOG.info("embedding put off", reason=error.detail)
        return False
    with services.database.write() as session:
        passages.save_vectors(session, embedded.digest, embedded.vectors, tokens=embedded.tokens)
        for recording_id, revision in {(passage.recording_id, passage.revision) for passage in batch}:
            row = session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.state is not RecordingState.READY or row.revision != revision:
                continue
            if not passages.passages_without_vector(session, embedded.digest, 1, recording_id=recording_id):
                passages.publish(session, recording_id, revision, published_at=row.published_at)
    return True


def _titles(services: Services, batch: Sequence[Passage]) -> list[str]:
    wanted = {passage.recording_id for passage in batch}
    with services.database.read() as session:
        rows = session.scalars(select(RecordingRow).where(RecordingRow.id.in_(wanted)))
        titles = {row.id: row.title for row in rows}
    return [titles.get(passage.recording_id, "") for passage in batch]
