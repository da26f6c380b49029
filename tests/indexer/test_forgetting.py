"""Real deletion by a worker: what was removed, what is too old, what a list says; a kill in between loses nothing."""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from assistant.audit.event import EARMARK, AuditAction, Detail
from assistant.audit.reading import AuditFilter
from assistant.audit.reading import read as read_audit
from assistant.courses.receiving import files_folder, lost_folder
from assistant.courses.removing import remove_recording
from assistant.forgetting.deletions import (
    Deletion,
    DeletionKind,
    list_beside,
    note_deletion,
    own_list,
    read_deletions,
)
from assistant.forgetting.keeping import Keeping
from assistant.questions import log
from assistant.questions.sounds import keep_sound, sound_of
from assistant.questions.tables import QuestionRow
from indexer import forgetting
from indexer.forgetting import Replayed, apply_ages, purge_removed, replay
from indexer.housekeeping import apply_retention, sweep_orphans
from indexer.services import Services
from knowledge.database import Database, new_id, utc_now
from knowledge.passages import store as passages
from knowledge.recordings.tables import RecordingRow, RecordingState
from tests.assistant.questions.made_answers import CANARY, WAV, kept
from tests.indexer.indexing import recording_of
from tests.shelf import Shelved, enter, shelve


def with_files(home: Path, recording_id: str) -> Path:
    folder = files_folder(home, recording_id)
    folder.mkdir(parents=True)
    (folder / "original").write_bytes(b"sound")
    return folder


def asked_days_ago(database: Database, days: float) -> str:
    question = kept(database)
    with database.write() as session:
        at = utc_now() - dt.timedelta(days=days)
        session.execute(update(QuestionRow).where(QuestionRow.id == question).values(created_at=at))
    return question


def published_days_ago(database: Database, days: float) -> Shelved:
    shelved = shelve(database, [CANARY])
    with database.write() as session:
        at = utc_now() - dt.timedelta(days=days)
        row = update(RecordingRow).where(RecordingRow.id == shelved.recording_id)
        session.execute(row.values(published_at=at, created_at=at))
    return shelved


def noted(path: Path) -> list[tuple[str, str]]:
    return [(each.kind.value, each.id) for each in read_deletions(path)]


def nobody(_session: Session, _person_id: str) -> bool:
    return False


def test_of_a_removed_recording_stay_an_id_and_times(databases: Database, tmp_path: Path) -> None:
    shelved = shelve(databases, [CANARY])
    question = kept(databases, shelved.recording_id)
    folder = with_files(tmp_path, shelved.recording_id)
    lost = lost_folder(tmp_path) / shelved.recording_id
    lost.mkdir(parents=True)
    remove_recording(databases, shelved.recording_id)

    assert purge_removed(databases, tmp_path) == 0

    found = recording_of(databases, shelved.recording_id)
    answered = log.get(databases, question)
    assert (found.state, found.name, found.title, found.content_sha256) == (RecordingState.REMOVED, "", "", "")
    assert answered is not None
    assert CANARY not in str(answered.document)
    assert not folder.exists()
    assert not lost.exists()
    assert noted(own_list(tmp_path)) == [("recording", shelved.recording_id)]
    purge_removed(databases, tmp_path)
    assert len(own_list(tmp_path).read_text().splitlines()) == 1


def test_what_an_older_version_left_of_a_removed_recording_goes_too(database: Database, tmp_path: Path) -> None:
    """Its words were purged, its name and the answers that quote it were not."""
    shelved = shelve(database, [CANARY])
    question = kept(database, shelved.recording_id)
    with database.write() as session:
        passages.retract(session, shelved.recording_id)
        passages.purge(session, shelved.recording_id)

    purge_removed(database, tmp_path)

    answered = log.get(database, question)
    assert answered is not None
    assert CANARY not in str(answered.document)


@pytest.mark.faults
def test_a_kill_between_noting_and_deleting_is_made_good(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelved, question = shelve(database, [CANARY]), asked_days_ago(database, 400)
    remove_recording(database, shelved.recording_id)
    with monkeypatch.context() as killed:
        killed.setattr(forgetting.log, "forget_recording", interrupt)
        killed.setattr(forgetting.log, "delete_questions", interrupt)
        with pytest.raises(KeyboardInterrupt):
            purge_removed(database, tmp_path)
        with pytest.raises(KeyboardInterrupt):
            apply_ages(database, tmp_path, Keeping())
    assert noted(own_list(tmp_path)) == [("recording", shelved.recording_id), ("question", question)]
    assert log.get(database, question) is not None

    assert replay(database, tmp_path, read_deletions(own_list(tmp_path)), forget_person=nobody) == Replayed(questions=1)
    purge_removed(database, tmp_path)

    assert log.get(database, question) is None
    assert recording_of(database, shelved.recording_id).name == ""


def rows_of_retention(database: Database) -> list[tuple[str | None, str | None, dict[str, Detail]]]:
    """What the audit log says that Earmark itself deleted by age."""
    with database.read() as session:
        found = read_audit(session, AuditFilter(actor=EARMARK, action=AuditAction.RETENTION_APPLIED)).entries
    return [(row.object_kind, row.object_id, dict(row.details)) for row in found]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_questions_go_by_age_and_with_them_their_sounds(databases: Database, tmp_path: Path) -> None:
    old, young = asked_days_ago(databases, 31), asked_days_ago(databases, 29)
    for each in (old, young):
        keep_sound(tmp_path, each, WAV)

    apply_ages(databases, tmp_path, Keeping(questions_days=30, question_sounds_days=365))

    assert log.get(databases, old) is None
    assert log.get(databases, young) is not None
    assert sound_of(tmp_path, old) is None
    assert sound_of(tmp_path, young) is not None
    assert noted(own_list(tmp_path)) == [("question", old)]
    assert rows_of_retention(databases) == [("question", old, {"questions": 1})]


def test_voices_go_by_age_which_is_a_row_of_the_audit_log(database: Database, tmp_path: Path) -> None:
    keep_sound(tmp_path, kept(database), WAV)

    for _ in range(2):
        apply_ages(database, tmp_path, Keeping(question_sounds_days=0))

    assert rows_of_retention(database) == [(None, None, {"voices": 1})]


def test_what_is_kept_for_ever_stays(database: Database, tmp_path: Path) -> None:
    question, shelved = asked_days_ago(database, 9_000), published_days_ago(database, 9_000)

    apply_ages(database, tmp_path, Keeping(questions_days=0, recordings_days=0))

    assert log.get(database, question) is not None
    assert recording_of(database, shelved.recording_id).state is RecordingState.READY


def test_recordings_go_by_age_from_their_publication_on(databases: Database, tmp_path: Path) -> None:
    old, young = published_days_ago(databases, 100), published_days_ago(databases, 80)
    coming, _ = enter(databases)
    with databases.write() as session:
        long_ago = utc_now() - dt.timedelta(days=100)
        session.execute(update(RecordingRow).where(RecordingRow.id == coming).values(created_at=long_ago))

    for _ in range(2):
        apply_ages(databases, tmp_path, Keeping(recordings_days=90))
        purge_removed(databases, tmp_path)

    states = {key: recording_of(databases, key).state for key in (old.recording_id, young.recording_id, coming)}
    assert list(states.values()) == [RecordingState.REMOVED, RecordingState.READY, RecordingState.INDEXING]
    assert len(own_list(tmp_path).read_text().splitlines()) == 1
    assert rows_of_retention(databases) == [("recording", old.recording_id, {})]


def test_a_list_is_replayed_once_and_whole(databases: Database, tmp_path: Path) -> None:
    shelved, stays = shelve(databases, [CANARY]), shelve(databases, ["stays"])
    question, other = kept(databases), kept(databases)
    keep_sound(tmp_path, question, WAV)
    forgotten: list[str] = []

    def forget(_session: Session, person_id: str) -> bool:
        forgotten.append(person_id)
        return len(forgotten) == 1

    deletions = [
        Deletion(DeletionKind.RECORDING, shelved.recording_id, "2026-01-01T00:00:00+00:00"),
        Deletion(DeletionKind.QUESTION, question, "2026-01-01T00:00:00+00:00"),
        Deletion(DeletionKind.QUESTION, new_id(), "2026-01-01T00:00:00+00:00"),
        Deletion(DeletionKind.PERSON, "p", "2026-01-01T00:00:00+00:00"),
    ]
    assert replay(databases, tmp_path, deletions, forget_person=forget) == Replayed(1, 1, 1)
    assert replay(databases, tmp_path, deletions, forget_person=forget) == Replayed()

    assert forgotten == ["p", "p"]
    assert recording_of(databases, shelved.recording_id).state is RecordingState.REMOVED
    assert recording_of(databases, stays.recording_id).state is RecordingState.READY
    assert log.get(databases, question) is None
    assert log.get(databases, other) is not None
    assert sound_of(tmp_path, question) is None


def test_the_list_beside_the_backups_is_brought_up_to_date(services: Services, tmp_path: Path) -> None:
    services.home.mkdir(exist_ok=True)
    note_deletion(services.home, DeletionKind.QUESTION, ["noted-while-it-was-away"])
    (tmp_path / "backups").mkdir()

    apply_retention(replace(services, deletions_beside=tmp_path / "backups"))

    assert noted(list_beside(tmp_path / "backups")) == [("question", "noted-while-it-was-away")]


def test_a_recording_that_was_deleted_is_not_set_aside_as_lost(services: Services) -> None:
    """Its database came back without it, its files did not."""
    deleted = with_files(services.home, new_id())
    note_deletion(services.home, DeletionKind.RECORDING, [deleted.name])
    for path in (*deleted.iterdir(), deleted):
        os.utime(path, (0, 0))

    sweep_orphans(services)

    assert not deleted.exists()
    assert not (lost_folder(services.home) / deleted.name).exists()
