"""Real deletion: the words, files and traces of what was removed, by a person, by age, or by a list of deletions.

Everything here may be killed and is done again by the next round; nothing is done to what is wanted still.
"""

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from assistant.audit.event import EARMARK, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.courses.receiving import files_folder, lost_folder
from assistant.courses.removing import remove_in
from assistant.errors import NotFound
from assistant.forgetting.deletions import Deletion, DeletionKind, note_deletion
from assistant.forgetting.keeping import Keeping, due_before
from assistant.jobs import store as jobs
from assistant.jobs.job import JobState
from assistant.jobs.tables import JobRow
from assistant.learning import store as learning
from assistant.questions import log
from assistant.questions.deleting import forget_questions
from assistant.questions.sounds import forget_stray_sounds, sweep_sounds
from indexer.clip_results import forget_clip_results
from indexer.tables import ClipResultRow
from knowledge.database import Database, slices, utc_now
from knowledge.passages import store as passages
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState

ForgetPerson = Callable[[Session, str], bool]
"""Takes out of the database who a person was, by id; whether anybody was there."""
_AT_ONCE = 500
_OVER = (RecordingState.READY, RecordingState.FAILED)
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many there still were of what a list names."""

    recordings: int = 0
    questions: int = 0
    people: int = 0

    def __bool__(self) -> bool:
        return bool(self.recordings or self.questions or self.people)


def purge_removed(database: Database, home: Path, *, beside: Path | None = None) -> int:
    """Delete words and files of removed recordings that no worker is writing any more, each noted before.

    How many removed recordings are left that a worker has still to let go of.
    """
    for recording_id in _to_purge(database, home):
        purge_recording(database, home, recording_id, beside=beside)
    return len(removed_recordings(database, home))


def removed_recordings(database: Database, home: Path) -> list[str]:
    """Those of which something is left, whoever may still be writing it."""
    return _to_purge(database, home, at_work=True)


def purge_recording(database: Database, home: Path, recording_id: str, *, beside: Path | None = None) -> None:
    """Delete words, names and files of one removed recording, also out of kept answers. Its tombstone stays."""
    with database.read() as session:
        words_left = recording_id in _with_words(session)
        # Found before they are locked: answers that are logged from now on come without its words.
        naming = log.naming_recording(session, recording_id)
    if words_left:
        note_deletion(home, DeletionKind.RECORDING, [recording_id], beside=beside)
    with database.write() as session:
        log.forget_recording(session, naming, recording_id)
        passages.purge(session, recording_id)
        forget_clip_results(session, recording_id)
        jobs.forget_errors_of(session, recording_id)
        recordings.forget_names(session, recording_id)
    for folder in (files_folder(home, recording_id), lost_folder(home) / recording_id):
        shutil.rmtree(folder, ignore_errors=True)
    database.forget_deleted()
    _LOG.info("purged", recording=recording_id)


def apply_ages(database: Database, home: Path, keeping: Keeping, *, beside: Path | None = None) -> None:
    """Delete what is older than the company keeps it. Recordings are removed here; purging them is the next round's."""
    now = utc_now()
    asked_before = due_before(keeping.questions_days, now)
    while asked_before is not None:
        with database.read() as session:
            ids = log.ids_before(session, asked_before, limit=_AT_ONCE)
        if not ids:
            break
        forget_questions(database, home, ids, actor=EARMARK, action=AuditAction.RETENTION_APPLIED, beside=beside)
        _LOG.info("questions deleted by age", count=len(ids))
    voices = sweep_sounds(database, home, days=keeping.question_sounds_days, now=now)
    if voices:
        with database.write() as session:
            append(session, AuditEvent(EARMARK, AuditAction.RETENTION_APPLIED, details={"voices": voices}))
    published_before = due_before(keeping.recordings_days, now)
    if published_before is None:
        return
    with database.read() as session:
        # One that failed was never published; it counts from when it came.
        since = func.coalesce(RecordingRow.published_at, RecordingRow.created_at)
        old = session.scalars(select(RecordingRow.id).where(RecordingRow.state.in_(_OVER), since < published_before))
        ids = list(old)
    _remove(database, ids, noted=True)


def replay(database: Database, home: Path, deletions: Iterable[Deletion], *, forget_person: ForgetPerson) -> Replayed:
    """Do again what a list of deletions says, where it is not done: recordings are removed (purging comes after),
    questions deleted with their sounds, people forgotten, and what people deleted of their own learning."""
    ids: dict[DeletionKind, list[str]] = {kind: [] for kind in DeletionKind}
    for each in deletions:
        ids[each.kind].append(each.id)
    replayed = Replayed(
        recordings=_remove(database, ids[DeletionKind.RECORDING]),
        questions=_delete_questions(database, ids[DeletionKind.QUESTION]),
        people=_forget_people(database, ids[DeletionKind.PERSON], forget_person),
    )
    _forget_learning(database, ids[DeletionKind.LEARNING])  # and not a word of it: it is nobody else's business
    forget_stray_sounds(database, home)
    return replayed


def _remove(database: Database, ids: list[str], *, noted: bool = False) -> int:
    """`noted`: as what retention takes. What a list of deletions says was noted when it was wanted; and a log that is
    being restored must end as the backup's did until that is signed."""
    count = 0
    for some in slices(ids):
        there = select(RecordingRow.id).where(RecordingRow.id.in_(some), RecordingRow.state != RecordingState.REMOVED)
        with database.read() as session:
            found = list(session.scalars(there))
        for recording_id in found:
            with database.write() as session, suppress(NotFound):
                remove_in(session, recording_id)
                count += 1
                if noted:
                    append(session, AuditEvent(EARMARK, AuditAction.RETENTION_APPLIED, "recording", recording_id))
    return count


def _delete_questions(database: Database, ids: list[str]) -> int:
    with database.read() as session:
        known = sorted(log.known_ids(session, ids))
    for some in slices(known):
        with database.write() as session:
            log.delete_questions(session, some)
    return len(known)


def _forget_people(database: Database, ids: list[str], forget_person: ForgetPerson) -> int:
    if not ids:
        return 0
    with database.write() as session:
        return sum(forget_person(session, each) for each in ids)


def _forget_learning(database: Database, ids: list[str]) -> None:
    if ids:
        with database.write() as session:
            learning.forget_again(session, ids)


def _to_purge(database: Database, home: Path, *, at_work: bool = False) -> list[str]:
    """Removed recordings of which something is left; without `at_work` not those that a worker still writes."""
    removed = select(RecordingRow.id).where(RecordingRow.state == RecordingState.REMOVED)
    if not at_work:
        running = exists().where(JobRow.recording_id == RecordingRow.id, JobRow.state == JobState.RUNNING)
        removed = removed.where(~running)
    with database.read() as session:
        words = _with_words(session)
        return [each for each in session.scalars(removed) if each in words or files_folder(home, each).is_dir()]


def _with_words(session: Session) -> set[str]:
    clips = session.scalars(select(ClipResultRow.recording_id).distinct())
    return {*passages.recordings_to_purge(session), *recordings.removed_with_names(session), *clips}
