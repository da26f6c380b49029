"""Asking where there is hardly anything, or the same twice, or an index that is no use: with the packaged embedder."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assistant.answering.ask import NOTE_WORDS_ALONE, Asking
from knowledge.database import Database
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.finding.moment import Verdict
from knowledge.index.follower import IndexFollower
from knowledge.passages.cutting import PassageDraft
from knowledge.passages.store import publish, replace_passages
from knowledge.recordings import store as recordings
from knowledge.sentence_embedder import SentenceEmbedder
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import save_transcript
from tests.odd_questions import ODD, SIGNS
from tests.reading_engine import ReadingEngine
from tests.shelf import enter

LESSON = (
    "You report a near miss the same day on the yellow form.",
    "Fire extinguishers hang beside every exit of the hall.",
    "The canteen opens at half past eleven.",
)
QUESTION = "How do I report a near miss?"


@pytest.fixture
def engine(packaged_embedder: SentenceEmbedder) -> ReadingEngine:
    return ReadingEngine(packaged_embedder)


def spoken(sentences: Sequence[str]) -> list[Segment]:
    return [Segment(10.0 * at, 10.0 * at + 5, text, "en") for at, text in enumerate(sentences)]


def teach(database: Database, engine: ReadingEngine, sentences: Sequence[str], *, course: str = "Safety") -> str:
    """The recording's id."""
    recording_id, _ = enter(database, course=course)
    engine.make_findable(database, recording_id, spoken(sentences))
    return recording_id


def course_id(database: Database, name: str) -> str:
    with database.write() as session:
        return recordings.course_by_name(session, name, create=True).id


@pytest.fixture
def asking(database: Database, engine: ReadingEngine, tmp_path: Path) -> Iterator[Asking]:
    index = _index(database, tmp_path, engine.embedder.digest)
    yield Asking(database, engine, index)
    index.close()


def _index(database: Database, folder: Path, digest: str | None) -> IndexFollower:
    return IndexFollower(
        database, folder / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION, embedder_digest=digest
    )


@pytest.mark.parametrize("text", [QUESTION, "form", *ODD.values()], ids=["question", "word", *ODD])
def test_a_single_passage_is_found_or_not_and_nothing_breaks(
    asking: Asking, database: Database, engine: ReadingEngine, text: str
) -> None:
    teach(database, engine, LESSON[:1])
    answer = asking.text(text, explain=True)
    assert len(answer.hits) <= 1
    assert 0 <= answer.probability <= answer.covered <= 1
    if text == QUESTION:
        assert answer.hits[0].hit.sentence.text == LESSON[0]


def test_the_same_recording_in_two_courses_is_told_apart_by_who_may_hear_which(
    asking: Asking, database: Database, engine: ReadingEngine
) -> None:
    both = [teach(database, engine, LESSON, course=course) for course in ("Safety", "Onboarding")]
    every = asking.text(QUESTION)
    assert sorted(each.hit.recording_id for each in every.hits[:2]) == sorted(both)
    assert {each.course for each in every.hits[:2]} == {"Safety", "Onboarding"}
    assert asking.text(QUESTION).hits == every.hits  # of equal ones the order stays
    for recording_id, course in zip(both, ("Safety", "Onboarding"), strict=True):
        own = asking.text(QUESTION, courses=frozenset({course_id(database, course)}))
        assert {each.hit.recording_id for each in own.hits} == {recording_id}


def test_a_course_without_recordings_has_no_answer_beside_one_that_has(
    asking: Asking, database: Database, engine: ReadingEngine
) -> None:
    teach(database, engine, LESSON)
    empty = course_id(database, "Nothing yet")
    answer = asking.text(QUESTION, courses=frozenset({empty}))
    assert (answer.hits, answer.verdict, answer.answer) == ((), Verdict.ABSENT, None)


def test_where_nothing_was_ever_indexed_the_answer_is_no(asking: Asking) -> None:
    answer = asking.text(QUESTION)
    assert (answer.hits, answer.verdict, answer.notes) == ((), Verdict.ABSENT, ())


@pytest.mark.parametrize("said", ["", "?! …", "\u200d", "uh"])
def test_a_passage_without_words_stands_beside_others_and_is_never_in_their_way(
    database: Database, engine: ReadingEngine, tmp_path: Path, said: str
) -> None:
    recording_id, _ = enter(database, course="Safety")
    with database.write() as session:
        revision = save_transcript(session, recording_id, "given", [Segment(0, 5, said, "en")])
        replace_passages(session, recording_id, revision, [PassageDraft(0, 0, 0.0, 5.0, said, "en")])
        publish(session, recording_id, revision)
    index = _index(database, tmp_path, engine.embedder.digest)
    asking = Asking(database, engine, index)
    for text in (QUESTION, *SIGNS.values()):
        assert asking.text(text, explain=True).verdict is not Verdict.ANSWERED
    teach(database, engine, LESSON)
    index.refresh()
    assert asking.text(QUESTION).hits[0].hit.sentence.text == LESSON[0]
    index.close()


def test_an_index_of_another_embedder_finds_by_words_until_it_is_made_anew(
    database: Database, engine: ReadingEngine, tmp_path: Path
) -> None:
    teach(database, engine, LESSON)
    before = _index(database, tmp_path, "another embedder")
    answer = Asking(database, engine, before).text(QUESTION)
    before.close()
    assert answer.hits[0].hit.sentence.text == LESSON[0]
    assert NOTE_WORDS_ALONE in answer.notes

    after = _index(database, tmp_path, engine.embedder.digest)
    answer = Asking(database, engine, after).text(QUESTION)
    after.close()
    assert answer.hits[0].hit.sentence.text == LESSON[0]
    assert answer.notes == ()


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "vectors.faiss", "words_said.npy", "words"])
def test_a_damaged_index_gives_the_same_answer_and_the_log_says_that_it_is_made_anew(
    database: Database, engine: ReadingEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    teach(database, engine, LESSON)
    written = _index(database, tmp_path, engine.embedder.digest)
    written.rebuild()
    whole = Asking(database, engine, written).text(QUESTION)
    written.close()
    [found] = (tmp_path / "index").rglob(name)
    for path in [found] if found.is_file() else sorted(found.iterdir()):
        path.write_bytes(path.read_bytes()[:-1] + b"?")

    again = _index(database, tmp_path, engine.embedder.digest)
    with caplog.at_level(logging.WARNING):
        answer = Asking(database, engine, again).text(QUESTION)
    again.close()

    assert [(each.hit.recording_id, each.hit.start_s) for each in answer.hits] == [
        (each.hit.recording_id, each.hit.start_s) for each in whole.hits
    ]
    assert answer.covered == pytest.approx(whole.covered)
    assert "the index is damaged and is rebuilt" in caplog.text
