"""Questions deleted for good, on both databases: the row, the answer's words, the voice, the log of SQLite."""

import datetime as dt
import os
from pathlib import Path

import pytest

from assistant.courses.removing import remove_recording
from assistant.forgetting.deletions import own_list, read_deletions
from assistant.questions import log
from assistant.questions.deleting import forget_questions, forget_questions_of
from assistant.questions.sounds import keep_sound, sound_of, sounds_folder, sweep_sounds
from knowledge.database import Database, new_id, utc_now
from tests.assistant.questions.made_answers import CANARY, WAV, answer_from, kept
from tests.shelf import shelve


def test_a_recordings_words_leave_the_answers_that_quoted_them(databases: Database) -> None:
    gone, stays = shelve(databases, [CANARY]).recording_id, shelve(databases, ["else"]).recording_id
    first, second, other = kept(databases, gone, stays), kept(databases, stays, gone), kept(databases, stays)
    with databases.read() as session:
        naming = log.naming_recording(session, gone)
    with databases.write() as session:
        log.forget_recording(session, naming, gone)

    documents = {key: log.get(databases, key).document for key in (first, second, other)}  # type: ignore[union-attr]
    assert set(naming) == {first, second}
    assert documents[first]["answer"] is None
    assert documents[first]["hits"][0] == {"rank": 1, "recording_id": gone, "removed": True}
    assert documents[first]["hits"][1]["text"] == f"{CANARY} {stays}"
    assert documents[second]["answer"] == f"{CANARY} {stays}"
    assert documents[second]["hits"][1] == {"rank": 2, "recording_id": gone, "removed": True}
    assert CANARY in documents[other]["hits"][0]["text"]


def test_an_answer_made_while_its_recording_is_removed_is_kept_without_its_words(databases: Database) -> None:
    recording_id = shelve(databases, [CANARY]).recording_id
    answer = answer_from(recording_id)
    remove_recording(databases, recording_id)
    with databases.write() as session:
        log.record(session, answer, spoken=False, asker="me")

    found = log.get(databases, answer.id)
    assert found is not None
    assert CANARY not in str(found.document)


def test_a_question_is_deleted_with_its_voice_and_noted(databases: Database, tmp_path: Path) -> None:
    question, other = kept(databases), kept(databases)
    for each in (question, other):
        keep_sound(tmp_path, each, WAV)

    assert forget_questions(databases, tmp_path, [question, "nobody's"], actor="p-1") == [question]

    assert log.get(databases, question) is None
    assert log.get(databases, other) is not None
    assert sound_of(tmp_path, question) is None
    assert sound_of(tmp_path, other) is not None
    assert [each.id for each in read_deletions(own_list(tmp_path))] == [question]
    assert forget_questions(databases, tmp_path, [question], actor="p-1") == []
    assert len(own_list(tmp_path).read_text().splitlines()) == 1


def test_all_questions_of_one_asker_are_deleted_and_nobody_elses(databases: Database, tmp_path: Path) -> None:
    mine, hers = {kept(databases), kept(databases)}, kept(databases, asker="her")
    assert {document["id"] for document in log.export_of(databases, "me")} == mine

    assert set(forget_questions_of(databases, tmp_path, "me", actor="p-1")) == mine

    assert log.export_of(databases, "me") == []
    assert [document["id"] for document in log.export_of(databases, "her")] == [hers]
    assert log.export_of(databases, "her")[0]["text"] == "who drinks?"


def test_nothing_of_a_deleted_question_stays_in_sqlites_files(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        assert log.delete_question(session, "nobody's") is False
    for _ in range(5):
        kept(database, "r", text=CANARY * 50)
    wal = tmp_path / "earmark.db-wal"
    assert CANARY.encode() in wal.read_bytes()

    forget_questions_of(database, tmp_path, "me", actor="p-1")

    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.glob("earmark.db*"))


def test_a_sound_is_readable_by_nobody_else_and_its_name_is_ours(tmp_path: Path) -> None:
    for number, (sound, media_type) in enumerate({WAV: "audio/wav", b"\x1aE\xdf\xa3..": "audio/webm"}.items()):
        keep_sound(tmp_path, f"q{number}", sound)
        found = sound_of(tmp_path, f"q{number}")
        assert found is not None
        assert (found.media_type, found.path.read_bytes()) == (media_type, sound)
        assert found.path.stat().st_mode & 0o077 == 0
    keep_sound(tmp_path, "q9", b"<html>")
    odd = sound_of(tmp_path, "q9")
    assert odd is not None
    assert odd.media_type == "application/octet-stream"


@pytest.mark.parametrize(("days", "left"), [(0, 0), (7, 1), (30, 2)])
def test_sounds_go_by_age_and_with_their_questions(database: Database, tmp_path: Path, days: int, left: int) -> None:
    now = utc_now()
    for age_days in (1, 20):
        question = kept(database)
        keep_sound(tmp_path, question, WAV)
        found = sound_of(tmp_path, question)
        assert found is not None
        at = (now - dt.timedelta(days=age_days)).timestamp()
        os.utime(found.path, (at, at))
    keep_sound(tmp_path, new_id(), WAV)  # of no question

    assert sweep_sounds(database, tmp_path, days=days, now=now) == 3 - left
    assert len(list(sounds_folder(tmp_path).iterdir())) == left
