"""Deletions where a server does not look: copies of the database, set-aside homes, an older backup that comes back.

Each is freed of what the list of deletions names, in the same way; whoever is forgotten is forgotten there, too.
"""

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from assistant.access.forgetting import forget_again
from assistant.errors import EarmarkError
from assistant.forgetting.deletions import Deletion, own_list, read_deletions
from assistant.forgetting.keeping import Keeping
from earmark.migrations import migrate
from earmark.settings import Settings, default_database_url
from earmark.trial_folder import sweep_trials
from indexer.forgetting import Replayed, apply_ages, purge_recording, purge_removed, removed_recordings, replay
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from web.uploads_folder import sweep_uploads

SET_ASIDE = "before-restore-"
STAGING = ".restore-"
_FREED = "freed-of-deletions"
_LONGEST_RESTORE_S = 24 * 3600.0
_WORKERS_LET_GO_S = 15.0
_LOOK_AGAIN_S = 0.5
_LOG = structlog.get_logger()


def keeping_of(settings: Settings) -> Keeping:
    return Keeping(settings.keep_questions_days, settings.keep_recordings_days, settings.keep_question_sound_days)


def finish_deletions(database: Database, home: Path) -> None:
    """What the home's list says and is not done: after a kill, or where an older database was brought back by hand."""
    deletions = read_deletions(own_list(home))
    replayed = replay(database, home, deletions, forget_person=forget_again)
    if replayed:
        _LOG.info("deletions finished", **_counts(replayed))
    free_copies(home, deletions)


def free_copies(home: Path, deletions: Sequence[Deletion]) -> None:
    """Copies made before a migration go, where something was deleted since; homes set aside by a restore are freed of
    it; what killed backups, restores and uploads left goes when it is a day old, what killed trials left at once."""
    if deletions:
        newest = max(each.at for each in deletions)
        for copy in (home / "backups").glob("earmark-*-schema-*.db*"):
            if _made_at(copy) <= newest:
                copy.unlink(missing_ok=True)
        for folder in home.glob(f"{SET_ASIDE}*"):
            _free_set_aside(folder, deletions)
    for left in (*(home / "run").glob("backup-*"), *home.glob(f"{STAGING}*")):
        if left.is_dir() and time.time() - left.stat().st_mtime > _LONGEST_RESTORE_S:
            shutil.rmtree(left, ignore_errors=True)
    sweep_uploads(home, now_s=time.time())
    sweep_trials(home)


def free_home(folder: Path, deletions: Sequence[Deletion]) -> Replayed:
    """Delete out of a home that nobody has open what the list names, and all that is left of what it names.

    Its database is brought to the newest schema. Raises NewerSchemaError, DatabaseFull.
    """
    database = Database(default_database_url(folder))
    try:
        migrate(database, folder)
        shutil.rmtree(folder / "backups", ignore_errors=True)
        replayed = replay(database, folder, deletions, forget_person=forget_again)
        for recording_id in removed_recordings(database, folder):
            purge_recording(database, folder, recording_id)
        database.rewrite()
    finally:
        database.close()
    with closing(sqlite3.connect(folder / "earmark.db")) as alone:
        alone.execute("pragma journal_mode = delete")  # nothing is left beside the file
    return replayed


def delete_now(database: Database, home: Path, keeping: Keeping, *, beside: Path | None) -> int:
    """All that is due to be deleted, at once. How many removed recordings a worker has still to let go of."""
    finish_deletions(database, home)
    apply_ages(database, home, keeping, beside=beside)
    until = time.monotonic() + _WORKERS_LET_GO_S
    while (left := purge_removed(database, home, beside=beside)) and time.monotonic() < until:
        time.sleep(_LOOK_AGAIN_S)
    free_copies(home, read_deletions(own_list(home)))
    return left


def _free_set_aside(folder: Path, deletions: Sequence[Deletion]) -> None:
    """Once for each length of the list: it only grows."""
    mark = folder / _FREED
    if not (folder / "earmark.db").exists() or (mark.exists() and mark.read_text() == str(len(deletions))):
        return
    shutil.rmtree(folder / "index", ignore_errors=True)
    try:
        free_home(folder, deletions)
    except (EarmarkError, KnowledgeError, SQLAlchemyError, sqlite3.Error, OSError) as error:
        _LOG.warning("a home that was set aside still holds what was deleted", folder=folder.name, reason=str(error))
        return
    mark.write_text(str(len(deletions)))


def _made_at(copy: Path) -> str:
    """In the form of the list's times."""
    made = time.gmtime(copy.stat().st_mtime)
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", made)


def _counts(replayed: Replayed) -> dict[str, int]:
    return {"recordings": replayed.recordings, "questions": replayed.questions, "people": replayed.people}
