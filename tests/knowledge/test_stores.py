"""One contract for all stores, over SQLite and PostgreSQL."""

import dataclasses
import itertools
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from knowledge.database import Database, utc_now
from knowledge.errors import DatabaseBusy, DatabaseFull, RecordingGone
from knowledge.passages import store as passages
from knowledge.passages.cutting import PassageDraft
from knowledge.passages.reading import PassageReader
from knowledge.passages.tables import ChangeKind, ChangeRow, PassageRow, VectorRow
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import name_key
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment, TimeSource, Word
from knowledge.transcripts.tables import SegmentRow
from tests.shelf import enter, publish, remove, shelve

SEGMENTS = [
    Segment(
        0.5, 2.25, "Put on the gloves.", "en", TimeSource.RECOGNISER, (Word(0.5, 0.75, "Put", 0.9), Word(0.75, 1, "on"))
    ),
    Segment(2.25, 4.0, "戴上手套", "zh", TimeSource.SUBTITLE),
    Segment(4.0, 5.0, "mumble", hard_to_hear="noise"),
]


class TestCourses:
    def test_one_name_is_one_course_however_it_is_written(self, databases: Database) -> None:
        with databases.write() as session:
            made = recordings.course_by_name(session, " Zoë’s Straße ", create=True)
        with databases.read() as session:
            assert recordings.course_by_name(session, "ZOE\u0308’S STRASSE") == made
            assert recordings.list_courses(session) == [made]
        assert made.name == "Zoë’s Straße"

    def test_a_course_that_nobody_made_is_not_there(self, databases: Database) -> None:
        with databases.read() as session:
            assert recordings.course_by_name(session, "Onboarding") is None

    def test_a_course_needs_a_name(self, databases: Database) -> None:
        with databases.write() as session, pytest.raises(ValueError, match="name"):
            recordings.course_by_name(session, " \n ", create=True)

    def test_many_who_make_the_same_course_at_once_make_one(self, databases: Database) -> None:
        together([lambda: make_course(databases, "General") for _ in range(6)])
        with databases.read() as session:
            assert len(recordings.list_courses(session)) == 1

    @pytest.mark.parametrize(("one", "other"), [("ﬀ", "FF"), ("İ", "i̇"), ("ΣΑΣ", "σας")])
    def test_names_that_only_differ_in_case_share_a_key(self, one: str, other: str) -> None:
        assert name_key(one) == name_key(other)


class TestRecordings:
    def test_a_recording_comes_back_as_a_value(self, databases: Database) -> None:
        recording_id, course_id = enter(databases, course="Safety")
        with databases.read() as session:
            found = recordings.recording(session, recording_id)
        assert found is not None
        assert (found.course_id, found.state, found.revision) == (course_id, RecordingState.INDEXING, None)
        assert found.created_at.tzinfo is not None
        with pytest.raises(dataclasses.FrozenInstanceError):
            found.name = "other"  # type: ignore[misc]

    def test_recordings_are_listed_newest_first_by_course_and_without_removed_ones(self, databases: Database) -> None:
        first, second = shelve(databases, ["a"], course="A"), shelve(databases, ["b"], course="B")
        gone = shelve(databases, ["c"], course="B")
        remove(databases, gone.recording_id)
        with databases.read() as session:
            listed = [each.id for each in recordings.list_recordings(session)]
            of_a = [each.id for each in recordings.list_recordings(session, [first.course_id])]
            nobody = recordings.list_recordings(session, [])
            everything = recordings.list_recordings(session, removed=True)
        assert listed == [second.recording_id, first.recording_id]
        assert of_a == [first.recording_id]
        assert nobody == []
        assert len(everything) == 3

    def test_a_course_has_the_same_content_once_until_it_is_removed(self, databases: Database) -> None:
        shelved = shelve(databases, ["a"])
        with databases.read() as session:
            known = recordings.recording(session, shelved.recording_id)
            assert known is not None
            sha256 = known.content_sha256
            assert recordings.recording_of_content(session, course_id=shelved.course_id, sha256=sha256) == known
        with pytest.raises(IntegrityError):
            enter_content(databases, shelved.course_id, sha256)
        remove(databases, shelved.recording_id)
        enter_content(databases, shelved.course_id, sha256)


class TestTranscripts:
    def test_segments_come_back_as_they_were_in_order(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with databases.write() as session:
            assert transcripts.save_transcript(session, recording_id, "pocketsphinx", SEGMENTS) == 1
        with databases.read() as session:
            assert transcripts.segments_of(session, recording_id, 1) == SEGMENTS
            assert transcripts.segments_of(session, recording_id, 1, first=1, last=1) == SEGMENTS[1:2]
            assert transcripts.count_segments(session, recording_id, 1) == 3
            assert transcripts.source_of(session, recording_id, 1) == "pocketsphinx"

    def test_a_new_revision_leaves_the_old_one_alone(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with databases.write() as session:
            transcripts.save_transcript(session, recording_id, "pocketsphinx", SEGMENTS)
            assert transcripts.save_transcript(session, recording_id, "person", SEGMENTS[:1]) == 2
            assert transcripts.latest_revision(session, recording_id) == 2
            assert transcripts.segments_of(session, recording_id, 1) == SEGMENTS

    def test_revisions_written_at_once_get_numbers_of_their_own(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        together([lambda: save(databases, recording_id) for _ in range(5)])
        with databases.read() as session:
            assert transcripts.latest_revision(session, recording_id) == 5

    def test_an_empty_transcript_is_a_transcript(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with databases.write() as session:
            assert transcripts.save_transcript(session, recording_id, "pocketsphinx", []) == 1
            assert transcripts.segments_of(session, recording_id, 1) == []

    def test_what_no_database_can_keep_is_left_out(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with databases.write() as session:
            transcripts.save_transcript(
                session, recording_id, "x", [Segment(0, 1, "a\x00b\ud800c", words=(Word(0, 1, "\x00a"),))]
            )
        with databases.read() as session:
            [kept] = transcripts.segments_of(session, recording_id, 1)
        assert (kept.text, kept.words[0].text) == ("ab?c", "a")


class TestPassages:
    def test_passages_replace_those_the_revision_had(self, databases: Database) -> None:
        recording_id, course_id = enter(databases)
        with databases.write() as session:
            passages.replace_passages(session, recording_id, 1, drafts("old", "older"))
            [fresh] = passages.replace_passages(session, recording_id, 1, drafts("new"))
            [passage] = passages.passages_of(session, recording_id, 1)
            assert passages.count_passages(session, recording_id, 1) == 1
        assert (passage.id, passage.text, passage.course_id) == (fresh, "new", course_id)

    def test_only_what_is_published_is_read_in_the_order_asked(self, databases: Database) -> None:
        shelved = shelve(databases, ["a", "b"])
        gone = shelve(databases, ["c"])
        remove(databases, gone.recording_id)
        waiting, _ = enter(databases)
        with databases.write() as session:
            hidden = passages.replace_passages(session, waiting, 1, drafts("d"))
        asked = [*gone.passage_ids, shelved.passage_ids[1], *hidden, "nobody", shelved.passage_ids[0]]
        with databases.read() as session:
            assert [each.text for each in passages.published_passages(session, asked)] == ["b", "a"]

    def test_a_reader_that_keeps_words_never_gives_what_is_no_longer_published(self, databases: Database) -> None:
        reader = PassageReader()
        moved, replaced, gone = (shelve(databases, [text]) for text in ("moved", "old", "gone"))
        asked = [*moved.passage_ids, *replaced.passage_ids, *gone.passage_ids]
        with databases.read() as session:
            assert [each.text for each in reader.read(session, asked)] == ["moved", "old", "gone"]
        newer = publish(databases, replaced.recording_id, ["new"])
        remove(databases, gone.recording_id)
        with databases.write() as session:
            course_id = recordings.course_by_name(session, "Elsewhere", create=True).id
            session.get_one(RecordingRow, moved.recording_id).course_id = course_id
        with databases.read() as session:
            read = reader.read(session, [*newer.passage_ids, *asked])
        assert [(each.text, each.course_id) for each in read] == [("new", replaced.course_id), ("moved", course_id)]

    def test_a_reader_reads_words_once(self, databases: Database) -> None:
        reader = PassageReader()
        shelved = shelve(databases, ["a", "b"])
        with databases.read() as session:
            first = reader.read(session, shelved.passage_ids)
            again = reader.read(session, list(reversed(shelved.passage_ids)))
        assert [each.text for each in again] == ["b", "a"]
        assert all(one is other for one, other in zip(first, reversed(again), strict=True))

    def test_vectors_come_back_as_float16_and_only_missing_ones_are_asked_for(self, databases: Database) -> None:
        shelved = shelve(databases, ["a", "b"], digest=None)
        with databases.write() as session:
            assert len(passages.passages_without_vector(session, "d", 10)) == 2
            assert len(passages.passages_without_vector(session, "d", 1)) == 1
            assert passages.count_without_vector(session, "d") == 2
            passages.save_vectors(session, "d", {shelved.passage_ids[0]: np.array([0.5, -0.25], np.float32)})
            [left] = passages.passages_without_vector(session, "d", 10)
            kept = session.scalars(select(VectorRow.vector)).one()
        assert left.id == shelved.passage_ids[1]
        assert np.frombuffer(kept, "<f2").tolist() == [0.5, -0.25]

    def test_what_has_no_vector_is_counted_as_far_as_it_is_published(self, databases: Database) -> None:
        shelved = shelve(databases, ["a", "b"], digest=None)
        remove(databases, shelve(databases, ["c"], digest=None).recording_id)
        with databases.write() as session:
            passages.save_vectors(session, "d", {shelved.passage_ids[0]: np.array([1.0], np.float32)})
            assert passages.count_without_vector(session, "d") == 1
            assert passages.count_without_vector(session, "another") == 2

    def test_missing_vectors_can_be_asked_of_one_recording(self, databases: Database) -> None:
        one, other = shelve(databases, ["a"], digest=None), shelve(databases, ["b"], digest=None)
        remove(databases, other.recording_id)
        with databases.read() as session:
            assert [each.recording_id for each in passages.passages_without_vector(session, "d", 9)] == [
                one.recording_id
            ]
            assert passages.passages_without_vector(session, "d", 9, recording_id=one.recording_id, revision=7) == []

    def test_a_vector_saved_again_replaces_the_first(self, databases: Database) -> None:
        shelved = shelve(databases, ["a"], digest="d")
        with databases.write() as session:
            passages.save_vectors(session, "d", {shelved.passage_ids[0]: np.ones(2)})
            assert session.scalars(select(VectorRow.vector)).one() == np.ones(2, "<f2").tobytes()

    def test_vectors_of_a_passage_that_is_gone_are_left_out(self, databases: Database) -> None:
        with databases.write() as session:
            passages.save_vectors(session, "d", {"nobody": np.ones(2)})
            assert session.scalar(select(func.count()).select_from(VectorRow)) == 0

    @pytest.mark.parametrize("broken", [[np.nan, 1.0], [np.inf, 1.0], [1e6, 0.0], []])
    def test_a_broken_vector_is_refused(self, database: Database, broken: list[float]) -> None:
        shelved = shelve(database, ["a"], digest=None)
        with pytest.raises(ValueError, match="finite"), np.errstate(over="ignore"), database.write() as session:
            passages.save_vectors(session, "d", {shelved.passage_ids[0]: np.array(broken)})

    def test_ten_thousand_passages_with_vectors_take_seconds(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        texts = drafts(*(f"passage number {at} of a long talk" for at in range(10_000)))
        vectors = np.random.default_rng(0).standard_normal((10_000, 384), np.float32)
        started = time.process_time()
        with databases.write() as session:
            ids = passages.replace_passages(session, recording_id, 1, texts)
            passages.save_vectors(session, "d", dict(zip(ids, vectors, strict=True)))
            passages.publish(session, recording_id, 1)
        assert time.process_time() - started < 20


class TestChanges:
    def test_publishing_makes_a_recording_ready_at_its_revision(self, databases: Database) -> None:
        shelved = shelve(databases, ["a"])
        with databases.read() as session:
            found = recordings.recording(session, shelved.recording_id)
            [change] = passages.changes_since(session, 0)
        assert found is not None
        assert (found.state, found.revision, found.published_at) == (RecordingState.READY, 1, change.at)
        assert (change.kind, change.recording_id, change.revision) == (ChangeKind.ADDED, shelved.recording_id, 1)

    def test_a_newer_revision_takes_the_place_of_the_older_at_once(self, databases: Database) -> None:
        old = shelve(databases, ["old words", "more old words"])
        new = publish(databases, old.recording_id, ["new words"])
        with databases.read() as session:
            both = passages.published_passages(session, [*old.passage_ids, *new.passage_ids])
            assert [each.text for each in both] == ["new words"]
            assert passages.passages_of(session, old.recording_id, 1) == []
            assert transcripts.count_segments(session, old.recording_id, 1) == 2

    def test_a_retracted_recording_is_a_tombstone_and_purging_leaves_no_word(self, databases: Database) -> None:
        shelved = shelve(databases, ["secret words"])
        with databases.write() as session:
            number = passages.retract(session, shelved.recording_id)
            assert passages.retract(session, shelved.recording_id) is None
            assert passages.recordings_to_purge(session) == [shelved.recording_id]
        with databases.write() as session:
            passages.purge(session, shelved.recording_id)
        with databases.read() as session:
            found = recordings.recording(session, shelved.recording_id)
            assert found is not None
            assert found.state is RecordingState.REMOVED
            assert passages.last_change(session) == number
            assert passages.recordings_to_purge(session) == []
            for table in (PassageRow, VectorRow, SegmentRow):
                assert session.scalar(select(func.count()).select_from(table)) == 0

    def test_only_a_removed_recording_can_be_purged(self, databases: Database) -> None:
        shelved = shelve(databases, ["words"])
        with databases.write() as session:
            passages.purge(session, shelved.recording_id)
            assert passages.count_passages(session, shelved.recording_id, 1) == 1

    def test_what_was_removed_is_never_published_again(self, databases: Database) -> None:
        shelved = shelve(databases, ["words"])
        remove(databases, shelved.recording_id)
        with pytest.raises(RecordingGone), databases.write() as session:
            passages.publish(session, shelved.recording_id, 1)

    def test_a_publication_that_fails_draws_no_change(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with databases.write() as session:
            passages.publish(session, recording_id, 1)
            session.rollback()
        with databases.read() as session:
            assert passages.last_change(session) == 0

    def test_numbers_rise_in_commit_order_whoever_publishes(self, databases: Database) -> None:
        """A follower that has seen number n never finds a smaller one later."""
        ids = [enter(databases)[0] for _ in range(24)]
        seen: list[list[int]] = []
        done = threading.Event()
        watcher = threading.Thread(target=watch_numbers, args=(databases, seen, done))
        watcher.start()
        together([lambda some=ids[at::6]: publish_slowly(databases, some) for at in range(6)])
        done.set()
        watcher.join()
        for before, after in itertools.pairwise(seen):
            assert after[: len(before)] == before
        assert len(seen[-1]) == 24

    def test_numbers_are_never_given_twice(self, databases: Database) -> None:
        shelve(databases, ["a"])
        with databases.write() as session:
            session.delete(session.get(ChangeRow, 1))
        shelve(databases, ["b"])
        with databases.read() as session:
            assert [change.number for change in passages.changes_since(session, 0)] == [2]


class TestSessions:
    def test_a_reading_session_sees_one_state_however_long_it_reads(self, databases: Database) -> None:
        shelve(databases, ["a"])
        with databases.read() as session:
            before = passages.last_change(session)
            shelve(databases, ["b"])
            assert passages.last_change(session) == before
        with databases.read() as session:
            assert passages.last_change(session) == before + 1

    def test_a_datetime_without_its_zone_is_refused(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with pytest.raises(Exception, match="zone"), databases.write() as session:
            passages.publish(session, recording_id, 1, now=utc_now().replace(tzinfo=None))

    @pytest.mark.timed
    def test_a_locked_database_is_said_in_plain_words(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        second = Database(databases.url, busy_timeout_s=0.3)
        with databases.write() as session:
            passages.publish(session, recording_id, 1)
            started = time.perf_counter()
            with pytest.raises(DatabaseBusy, match="locked by another process"), second.write() as other:
                passages.publish(other, recording_id, 1)
        assert 0.2 < time.perf_counter() - started < 5
        second.close()

    def test_what_is_in_use_when_it_closes_is_closed_once_given_back(self, database_url: str) -> None:
        database = Database(database_url)
        with database.read() as session:
            used: Any = session.connection().connection.driver_connection
            database.close()
            assert session.scalar(text("select 1")) == 1
        with pytest.raises(Exception, match="closed"):
            used.cursor().execute("select 1")

    def test_a_full_disk_is_said_in_plain_words_and_harms_nothing(self, database: Database) -> None:
        shelved = shelve(database, ["words"])
        with database.engine.connect() as connection:
            pages = connection.exec_driver_sql("pragma page_count").scalar_one()
            connection.exec_driver_sql(f"pragma max_page_count = {pages}")
        with pytest.raises(DatabaseFull, match="disk is full"), database.write() as session:
            passages.replace_passages(session, shelved.recording_id, 2, drafts("much " * 20_000))
        with database.read() as session:
            assert len(passages.published_passages(session, shelved.passage_ids)) == 1

    @pytest.mark.timed
    def test_a_reader_does_not_keep_the_log_from_being_emptied_for_long(self, database: Database) -> None:
        shelve(database, ["a"])
        with database.read() as session:
            passages.last_change(session)
            shelve(database, ["b"])
            started = time.perf_counter()
            assert database.forget_deleted() is False
        assert time.perf_counter() - started < 3
        assert database.forget_deleted() is True

    def test_an_error_says_nothing_of_what_was_being_written(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        place = {"recording_id": recording_id, "revision": 1, "ordinal": 0, "first_segment": 0, "last_segment": 0}
        row = place | {"id": "p", "start_s": 0, "end_s": 1, "text": "xylophonequartz", "language": "en"}
        with pytest.raises(IntegrityError) as raised, databases.write() as session:
            session.execute(insert(PassageRow), [row, row])
        assert "xylophonequartz" not in str(raised.value)

    @pytest.mark.faults
    def test_a_publisher_killed_before_its_commit_leaves_nothing(self, databases: Database) -> None:
        recording_id, _ = enter(databases)
        with subprocess.Popen(
            [sys.executable, "-c", PUBLISH_AND_WAIT, databases.url, recording_id], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "written\n"
            child.kill()
        shelved = publish(databases, recording_id, ["after the kill"])
        with databases.read() as session:
            assert passages.last_change(session) >= 1
            assert len(passages.changes_since(session, 0)) == 1
            assert len(passages.published_passages(session, shelved.passage_ids)) == 1

    def test_deleted_words_leave_the_files_of_sqlite(self, database: Database, tmp_path: Path) -> None:
        shelved = shelve(database, ["xylophonequartz"])
        assert any(b"xylophonequartz" in path.read_bytes() for path in tmp_path.glob("earmark.db*"))
        remove(database, shelved.recording_id, purged=True)
        database.forget_deleted()
        assert not any(b"xylophonequartz" in path.read_bytes() for path in tmp_path.glob("earmark.db*"))
        with closing(sqlite3.connect(tmp_path / "earmark.db")) as plain:
            assert plain.execute("pragma integrity_check").fetchone() == ("ok",)

    def test_a_file_written_anew_holds_no_copy_of_what_was_deleted(self, database: Database, tmp_path: Path) -> None:
        """Deleted without overwriting, to stand for the copies that stay in the gaps of pages."""
        shelved = shelve(database, ["xylophonequartz"])
        kept = shelve(database, ["kept"])
        with database.engine.connect() as connection:
            connection.exec_driver_sql("pragma secure_delete = off")
        remove(database, shelved.recording_id, purged=True)
        database.forget_deleted()
        assert b"xylophonequartz" in (tmp_path / "earmark.db").read_bytes()

        database.rewrite()

        assert not any(b"xylophonequartz" in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        with database.read() as session:
            assert len(passages.published_passages(session, kept.passage_ids)) == 1

    def test_a_file_that_somebody_writes_to_is_not_written_anew(self, sqlite_url: str, database: Database) -> None:
        impatient = Database(sqlite_url, busy_timeout_s=0.2)
        with database.write() as session:
            recordings.course_by_name(session, "Held", create=True)
            with pytest.raises(DatabaseBusy):
                impatient.rewrite()
        impatient.rewrite()
        impatient.close()


PUBLISH_AND_WAIT = """
import sys, time
from knowledge.database import Database
from knowledge.passages import store as passages
from knowledge.passages.cutting import PassageDraft
with Database(sys.argv[1]).write() as session:
    passages.replace_passages(session, sys.argv[2], 1, [PassageDraft(0, 0, 0, 1, "before the kill", "en")])
    passages.publish(session, sys.argv[2], 1)
    print("written", flush=True)
    time.sleep(60)
"""


def drafts(*texts: str) -> list[PassageDraft]:
    return [PassageDraft(at, at, at, at + 1, text, "en") for at, text in enumerate(texts)]


def make_course(database: Database, name: str) -> None:
    with database.write() as session:
        recordings.course_by_name(session, name, create=True)


def save(database: Database, recording_id: str) -> None:
    with database.write() as session:
        transcripts.save_transcript(session, recording_id, "x", SEGMENTS)


def enter_content(database: Database, course_id: str, sha256: str) -> None:
    with database.write() as session:
        session.add(
            RecordingRow(
                id=sha256[:8], course_id=course_id, name="n", title="t", state=RecordingState.INDEXING,
                content_sha256=sha256, size_bytes=1, original_path="o", created_at=utc_now(),
            )
        )  # fmt: skip


def publish_slowly(database: Database, recording_ids: list[str]) -> None:
    for recording_id in recording_ids:
        with database.write() as session:
            passages.publish(session, recording_id, 1)
            time.sleep(0.005)


def watch_numbers(database: Database, seen: list[list[int]], done: threading.Event) -> None:
    while True:
        last = done.is_set()
        with database.read() as session:
            seen.append([change.number for change in passages.changes_since(session, 0)])
        if last:
            return


def together(calls: Sequence[Callable[[], object]]) -> None:
    """Run all at once; raise what any of them raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for running in [pool.submit(call) for call in calls]:
            running.result()
