"""What a course's map is drawn from, read from the database."""

from sqlalchemy import update

from knowledge.database import Database
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.terms.mapping import map_terms
from knowledge.terms.reading import published_in, said_in, with_sentences
from knowledge.terms.term_map import Explained
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment, TimeSource, Word
from tests import shelf
from tests.knowledge.terms.talk import how_common


def test_only_what_is_published_in_the_course_is_read(databases: Database) -> None:
    kept = shelf.shelve(databases, ["the boiler", "a boiler"], course="Heat")
    gone = shelf.shelve(databases, ["the cooler"], course="Heat")
    shelf.shelve(databases, ["the ladder"], course="Height")
    shelf.enter(databases, course="Heat")
    shelf.remove(databases, gone.recording_id)
    with databases.read() as session:
        published = published_in(session, kept.course_id)
        texts = [each.text for each in said_in(session, published)]
    assert published == {kept.recording_id: kept.revision}
    assert texts == ["the boiler", "a boiler"]


def test_what_nobody_said_and_what_is_empty_is_left_out(databases: Database) -> None:
    recording_id, course_id = shelf.enter(databases)
    segments = [
        Segment(0, 1, "cafe\u0301"),
        Segment(1, 2, "thanks for watching", invented=True),
        Segment(2, 3, "  "),
        Segment(3, 4, "done", hard_to_hear="noise"),
    ]
    with databases.write() as session:
        revision = transcripts.save_transcript(session, recording_id, "test", segments)
        session.execute(
            update(RecordingRow)
            .where(RecordingRow.id == recording_id)
            .values(state=RecordingState.READY, revision=revision)
        )
    with databases.read() as session:
        found = said_in(session, published_in(session, course_id))
    assert [(each.ordinal, each.text, each.start_s) for each in found] == [(0, "café", 0.0), (3, "done", 3.0)]


def test_where_words_have_times_a_term_begins_with_its_sentence(databases: Database) -> None:
    """The sentence's own second, not that of the segment it is in."""
    recording_id, course_id = shelf.enter(databases)
    words = tuple(
        Word(start, start + 0.5, text)
        for start, text in ((0.0, "Good"), (0.5, "morning."), (7.0, "A"), (7.5, "boiler"), (8.0, "is"), (8.5, "hot."))
    )
    timed = Segment(0, 9, "Good morning. A boiler is hot.", "en", TimeSource.RECOGNISER, words)
    untimed = Segment(10, 19, "Here is our boiler.", "en")
    with databases.write() as session:
        transcripts.save_transcript(session, recording_id, "test", [timed, untimed])
        session.execute(
            update(RecordingRow).where(RecordingRow.id == recording_id).values(state=RecordingState.READY, revision=1)
        )
    with databases.read() as session:
        published = published_in(session, course_id)
        drawn = map_terms(said_in(session, published), how_common)
        assert drawn.terms[0].explained.start_s == 0.0
        (boiler,) = with_sentences(session, drawn, published).terms
    assert (boiler.explained.start_s, boiler.explained.end_s) == (7.0, 9.0)
    assert boiler.explained.text == "A boiler is hot."


def test_the_sentence_is_that_which_says_the_term_and_no_other_word_that_holds_it(databases: Database) -> None:
    """Not the storage that a rag is in, nor the first of two sentences that say it, but the one that explains it. An
    accent is a character of its own, as some recognisers write it."""
    said = "Cafe\u0301  storage is full. A rag can burn. What is a rag? A cloth."
    words = tuple(Word(at, at + 1, text) for at, text in enumerate(said.split()))
    timed = Segment(0, 14, said, "en", TimeSource.RECOGNISER, words)
    (rag,) = sharpened(databases, [timed, Segment(30, 31, "The rag.", "en")])
    assert (rag.start_s, rag.end_s, rag.text) == (8.0, 12.0, "What is a rag?")
    assert rag.text[rag.term_start : rag.term_end] == "rag"
    assert rag.defined


def test_of_a_term_that_a_pause_parts_both_sides_are_played(databases: Database) -> None:
    words = (Word(0, 1, "near"), Word(5, 6, "miss"), Word(9, 10, "reports."))
    timed = Segment(0, 10, "near miss reports.", "en", TimeSource.RECOGNISER, words)
    (term,) = sharpened(databases, [timed, Segment(30, 31, "A near miss.", "en"), Segment(32, 33, "near miss", "en")])
    assert (term.start_s, term.end_s, term.text) == (0.0, 6.0, "near miss")


def sharpened(database: Database, segments: list[Segment]) -> list[Explained]:
    recording_id, course_id = shelf.enter(database)
    with database.write() as session:
        transcripts.save_transcript(session, recording_id, "test", segments)
        session.execute(
            update(RecordingRow).where(RecordingRow.id == recording_id).values(state=RecordingState.READY, revision=1)
        )
    with database.read() as session:
        published = published_in(session, course_id)
        drawn = with_sentences(session, map_terms(said_in(session, published), how_common), published)
    return [term.explained for term in drawn.terms]
