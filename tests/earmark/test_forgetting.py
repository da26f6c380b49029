"""An older backup brings nothing back that was deleted, and no copy that a home holds of itself keeps it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from assistant.courses.receiving import files_folder
from assistant.courses.removing import remove_recording
from assistant.forgetting.deletions import DeletionKind, list_beside, note_deletion, own_list, read_deletions
from assistant.forgetting.keeping import Keeping
from assistant.questions import log
from assistant.questions.deleting import forget_questions
from assistant.questions.sounds import keep_sound, sound_of, sounds_folder
from earmark.backup import backup, restore
from earmark.forgetting import delete_now, finish_deletions, free_copies
from earmark.migrations import migrate
from indexer.forgetting import Replayed, purge_removed
from knowledge.database import Database
from knowledge.recordings import store as recordings
from tests.assistant.questions.made_answers import CANARY, WAV, kept
from tests.shelf import Shelved, shelve

SOUND = WAV + CANARY.encode()


class Filled:
    """A home with two recordings, a question that the first answered, and another's with its sound."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        self.database = Database(f"sqlite:///{home / 'earmark.db'}")
        migrate(self.database, home)
        self.told, self.stays = shelve(self.database, [CANARY] * 20), shelve(self.database, ["stays"])
        for each in (self.told, self.stays):
            self._give_files(each)
        self.answered = kept(self.database, self.told.recording_id)
        self.spoken = kept(self.database, text="the spoken one")
        for question in (self.answered, self.spoken):
            keep_sound(home, question, SOUND)

    def _give_files(self, shelved: Shelved) -> None:
        folder = files_folder(self.home, shelved.recording_id)
        folder.mkdir(parents=True)
        (folder / "original").write_text(CANARY if shelved is self.told else "stays")

    def delete_what_tells(self, *, beside: Path | None = None) -> None:
        """The recording is removed and purged, both questions are deleted."""
        remove_recording(self.database, self.told.recording_id)
        purge_removed(self.database, self.home, beside=beside)
        forget_questions(self.database, self.home, [self.answered, self.spoken], actor="p-1", beside=beside)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    made = Filled(tmp_path / "old")
    yield made
    made.database.close()


def hits(folder: Path, words: str = CANARY) -> list[str]:
    """Files below a folder that hold the words."""
    forms = [words.encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be")]
    there = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in there if any(form in path.read_bytes() for form in forms)]


def test_the_canary_is_there_to_be_found(filled: Filled) -> None:
    assert {"earmark.db-wal", "original"} <= set(hits(filled.home))


def test_an_older_backup_restored_into_its_own_home_brings_nothing_back(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    backup(filled.home, filled.database, tmp_path / "backups" / "all.tar")
    filled.delete_what_tells()
    filled.database.close()

    report = restore(tmp_path / "backups" / "all.tar", filled.home, force=True)

    assert report.replayed == Replayed(recordings=1, questions=2)
    assert hits(filled.home) == []
    assert not list(sounds_folder(filled.home).iterdir())
    assert (files_folder(filled.home, filled.stays.recording_id) / "original").read_text() == "stays"
    assert len(own_list(filled.home).read_text().splitlines()) == 3


@pytest.mark.parametrize("by_setting", [False, True])
def test_an_older_backup_restored_elsewhere_goes_by_the_list_beside(
    filled: Filled, tmp_path: Path, by_setting: bool
) -> None:
    disk, elsewhere = tmp_path / "backups", tmp_path / "elsewhere"
    disk.mkdir()
    backup(filled.home, filled.database, disk / "all.tar")
    filled.delete_what_tells(beside=disk)
    if by_setting:
        elsewhere.mkdir()
        list_beside(disk).rename(list_beside(elsewhere))

    new = tmp_path / "new"
    report = restore(disk / "all.tar", new, beside=elsewhere if by_setting else None)

    assert report.replayed == Replayed(recordings=1, questions=2)
    assert hits(new) == []
    assert {each.id for each in read_deletions(own_list(new))} == {
        filled.told.recording_id,
        filled.answered,
        filled.spoken,
    }


def test_a_later_backup_brings_the_list_to_older_ones(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    backup(filled.home, filled.database, tmp_path / "backups" / "old.tar")
    assert not list_beside(tmp_path / "backups").exists()
    filled.delete_what_tells()
    for name in ("new.tar", "newer.tar"):
        backup(filled.home, filled.database, tmp_path / "backups" / name)
    assert len(list_beside(tmp_path / "backups").read_text().splitlines()) == 3

    restore(tmp_path / "backups" / "old.tar", tmp_path / "new")
    assert hits(tmp_path / "new") == []


def test_what_was_removed_but_not_purged_yet_stays_removed(filled: Filled, tmp_path: Path) -> None:
    """No worker had come to note it: the tombstone of the home that is set aside says so."""
    backup(filled.home, filled.database, tmp_path / "all.tar")
    remove_recording(filled.database, filled.told.recording_id)
    filled.database.close()

    report = restore(tmp_path / "all.tar", filled.home, force=True)

    assert report.replayed == Replayed(recordings=1)
    assert not files_folder(filled.home, filled.told.recording_id).exists()


def test_sounds_that_were_kept_come_back_with_their_questions(filled: Filled, tmp_path: Path) -> None:
    stranger = sounds_folder(filled.home) / "of-no-question.wav"
    stranger.write_bytes(SOUND)
    backup(filled.home, filled.database, tmp_path / "all.tar")
    restore(tmp_path / "all.tar", tmp_path / "new")

    found = sound_of(tmp_path / "new", filled.spoken)
    assert found is not None
    assert found.path.read_bytes() == SOUND
    assert found.path.stat().st_mode & 0o077 == 0
    assert not (sounds_folder(tmp_path / "new") / stranger.name).exists()


def test_people_are_forgotten_in_a_restored_backup(filled: Filled, tmp_path: Path) -> None:
    backup(filled.home, filled.database, tmp_path / "all.tar")
    note_deletion(tmp_path, DeletionKind.PERSON, ["me"])
    own_list(tmp_path).rename(list_beside(tmp_path))

    assert restore(tmp_path / "all.tar", tmp_path / "new").replayed == Replayed(people=1)
    assert hits(tmp_path / "new" / "questions") == []


def test_a_database_brought_back_by_hand_is_freed_when_a_worker_starts(filled: Filled, tmp_path: Path) -> None:
    filled.database.forget_deleted()
    shutil.copy(filled.home / "earmark.db", tmp_path / "copy.db")
    filled.delete_what_tells()
    filled.database.close()
    for path in filled.home.glob("earmark.db*"):
        path.unlink()
    shutil.copy(tmp_path / "copy.db", filled.home / "earmark.db")
    database = Database(filled.database.url)

    finish_deletions(database, filled.home)

    with database.read() as session:
        assert [each.id for each in recordings.list_recordings(session)] == [filled.stays.recording_id]
    assert log.get(database, filled.answered) is None
    database.close()


def test_no_copy_that_a_home_holds_of_itself_keeps_what_is_deleted_later(filled: Filled, tmp_path: Path) -> None:
    backup(filled.home, filled.database, tmp_path / "all.tar")
    filled.database.close()
    restore(tmp_path / "all.tar", filled.home, force=True)
    (filled.home / "backups").mkdir()
    before_migration = filled.home / "backups" / "earmark-20260101T000000000000-schema-0001.db"
    shutil.copy(filled.home / "earmark.db", before_migration)
    os.utime(before_migration, (0, 0))
    [aside] = filled.home.glob("before-restore-*")
    assert "earmark.db" in hits(aside)
    database = Database(filled.database.url)
    remove_recording(database, filled.told.recording_id)
    forget_questions(database, filled.home, [filled.answered, filled.spoken], actor="p-1")

    assert delete_now(database, filled.home, Keeping(), beside=None) == 0
    database.rewrite()
    database.close()

    assert hits(filled.home) == []
    assert (files_folder(aside, filled.stays.recording_id) / "original").exists()


def test_copies_stay_while_nothing_is_deleted(filled: Filled) -> None:
    (filled.home / "backups").mkdir()
    copy = filled.home / "backups" / "earmark-20260101T000000000000-schema-0001.db"
    copy.write_bytes(b"a copy")
    note_deletion(filled.home, DeletionKind.QUESTION, ["before the copy"])
    os.utime(copy)
    os.utime(copy, (copy.stat().st_mtime + 60, copy.stat().st_mtime + 60))

    finish_deletions(filled.database, filled.home)

    assert copy.exists()


def test_what_killed_processes_left_goes_when_it_is_a_day_old(filled: Filled) -> None:
    left = [filled.home / name for name in ("run/backup-x", "run/uploads/upload-x", ".restore-x")]
    young = filled.home / "run" / "backup-y"
    for folder in (*left, young):
        folder.mkdir(parents=True)
        (folder / "earmark.db").write_text(CANARY)
    for folder in left:
        os.utime(folder, (0, 0))

    finish_deletions(filled.database, filled.home)

    assert [folder for folder in (*left, young) if folder.exists()] == [young]


def test_a_set_aside_home_that_cannot_be_opened_holds_up_nothing(filled: Filled) -> None:
    aside = filled.home / "before-restore-20260101"
    aside.mkdir()
    (aside / "earmark.db").write_bytes(b"no database" * 1000)
    note_deletion(filled.home, DeletionKind.QUESTION, ["q"])

    free_copies(filled.home, read_deletions(own_list(filled.home)))

    with filled.database.read() as session:
        assert session.scalar(text("select 1")) == 1
