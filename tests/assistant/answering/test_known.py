"""The same question again finds what a trainer answered, and what people said was it, before anything else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assistant.access.caller import HERE
from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.answering.known import KnownAnswers
from assistant.answering.known_answer import ShownBy
from assistant.courses.removing import remove_recording
from assistant.feedback.judging import judge
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox import answers
from assistant.inbox.answers import Moment
from assistant.inbox.sorting import sort_open_questions
from assistant.inbox.tables import OpenQuestionRow
from assistant.questions import log
from assistant.questions.likeness import Wording
from assistant.questions.tables import QuestionVectorRow
from assistant.questions.vectors import QuestionVector
from knowledge.database import Database, utc_now
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.finding.moment import Verdict
from knowledge.index.follower import IndexFollower
from knowledge.recordings.tables import RecordingRow
from knowledge.sentence_embedder import SentenceEmbedder
from knowledge.transcripts.segment import Segment
from tests.assistant.asked import asked
from tests.reading_engine import ReadingEngine
from tests.shelf import embed, enter

SAID = (
    "You report a near miss the same day on the yellow form.",
    "Fire extinguishers hang beside every exit of the hall.",
    "The canteen opens at half past eleven.",
)
ASKED, AGAIN = "Where do I charge the new tablets?", "Where can I charge the new tablets?"
ANOTHER = "Where do I put the old newspapers?"


@pytest.fixture
def index(databases: Database, tmp_path: Path) -> Iterator[IndexFollower]:
    follower = IndexFollower(databases, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    yield follower
    follower.close()


@pytest.fixture
def asking(databases: Database, packaged_embedder: SentenceEmbedder, index: IndexFollower) -> Asking:
    return Asking(databases, ReadingEngine(packaged_embedder), index)


@pytest.fixture
def recording(databases: Database, packaged_embedder: SentenceEmbedder) -> str:
    recording_id, _ = enter(databases, course="Safety")
    said = [Segment(20.0 * at, 20.0 * at + 5, text, "en") for at, text in enumerate(SAID)]
    ReadingEngine(packaged_embedder).make_findable(databases, recording_id, said)
    with databases.write() as session:
        session.get_one(RecordingRow, recording_id).duration_s = 60.0
    return recording_id


def course_of(database: Database, recording_id: str) -> str:
    with database.read() as session:
        return session.get_one(RecordingRow, recording_id).course_id


def item_of(database: Database, answer: Answer) -> str:
    sort_open_questions(database, now=utc_now())
    with database.read() as session:
        return session.get_one(OpenQuestionRow, answer.id).item_id


def answered_with(database: Database, answer: Answer, moment: Moment, *, question: str = "Tablets") -> str:
    return answers.answer_with_moment(
        database, HERE, item_of(database, answer), question=question, moment=moment, now=utc_now()
    )


def said(database: Database, answer: Answer, judgement: Judgement, *, rank: int | None = 1) -> None:
    question = log.get(database, answer.id)
    assert question is not None
    with database.write() as session:
        judge(session, question, judgement, rank=rank, now=utc_now())


def starts(answer: Answer) -> Sequence[float]:
    return [each.hit.start_s for each in answer.hits]


def test_the_same_question_finds_the_trainers_moment_first(asking: Asking, databases: Database, recording: str) -> None:
    before = asking.text(ASKED, asker="ann")
    assert not before.confident
    made = answered_with(databases, before, Moment(recording, 40.0))
    for text in (ASKED, AGAIN, f"  {ASKED.upper()} "):
        after = asking.text(text, asker="ben")
        assert after.verdict is Verdict.ANSWERED
        assert (starts(after)[0], after.answer) == (40.0, SAID[2])
        assert len(starts(after)) == len(set(starts(after)))
        assert [each.hit.rank for each in after.hits] == list(range(1, len(after.hits) + 1))
        assert after.as_document()["known"] == {"by": "trainer", "answer_id": made}
    assert asking.text(ANOTHER).known is None
    assert asking.text(ASKED, known=False).known is None
    answers.withdraw(databases, HERE, made, now=utc_now())
    assert asking.text(ASKED).known is None


def test_what_a_trainer_wrote_is_found_when_its_askers_questions_are_gone(
    asking: Asking, databases: Database, recording: str
) -> None:
    first = asking.text("hm", asker="ann")
    answered_with(databases, first, Moment(recording, 40.0), question=ASKED)
    with databases.write() as session:
        log.delete_question(session, first.id)
    assert asking.text(ASKED.lower()).known is not None
    assert asking.text("hm").known is None


def test_a_trainers_line_is_the_answer(asking: Asking, databases: Database, recording: str) -> None:
    line, course_id = "In the grey cupboard.", course_of(databases, recording)
    item_id = item_of(databases, asking.text(ASKED, asker="ann"))
    answers.answer_with_line(databases, HERE, item_id, question=ASKED, line=line, course_id=course_id, now=utc_now())
    assert (asking.text(AGAIN).answer, asking.text(AGAIN).confident) == (line, True)
    assert asking.text(AGAIN, courses=frozenset({"another"})).known is None


def test_a_moment_that_was_removed_answers_no_more(asking: Asking, databases: Database, recording: str) -> None:
    answered_with(databases, asking.text(ASKED, asker="ann"), Moment(recording, 40.0))
    assert asking.text(ASKED).known is not None
    remove_recording(databases, recording)
    after = asking.text(ASKED)
    assert (after.known, after.hits) == (None, ())


@pytest.mark.usefixtures("recording")
def test_who_said_that_it_was_it_finds_it_again(asking: Asking, databases: Database) -> None:
    answer = asking.text(ASKED, asker="ann")
    wanted = answer.hits[-1]
    said(databases, answer, Judgement.YES, rank=wanted.hit.rank)
    again = asking.text(AGAIN, asker="ann")
    assert (again.hits[0].hit.start_s, again.known and again.known.by) == (wanted.hit.start_s, ShownBy.ONESELF)
    assert asking.text(AGAIN, asker="ben").known is None, "one alone bends nobody else's answers"


@pytest.mark.usefixtures("recording")
def test_two_who_agree_show_it_to_everybody_until_others_say_no(asking: Asking, databases: Database) -> None:
    for asker in ("ann", "ben"):
        said(databases, asking.text(ASKED, asker=asker), Judgement.YES)
    assert asking.text(AGAIN, asker="cho").known is not None
    for asker in ("cho", "dan"):
        said(databases, asking.text(AGAIN, asker=asker), Judgement.NO)
    assert asking.text(AGAIN, asker="eve").known is None


@pytest.mark.usefixtures("recording")
def test_one_person_in_many_questions_is_one(asking: Asking, databases: Database) -> None:
    for _ in range(5):
        said(databases, asking.text(ASKED, asker="ann"), Judgement.YES)
    assert asking.text(ASKED, asker="ben").known is None


@pytest.mark.usefixtures("recording")
def test_another_number_is_another_question(asking: Asking, databases: Database) -> None:
    said(databases, asking.text("Where is the form for 2019?", asker="ann"), Judgement.YES)
    assert asking.text("Where is the form for 2019?", asker="ann").known is not None
    assert asking.text("Where is the form for 2020?", asker="ann").known is None


def test_a_trainers_moment_is_played_from_where_they_chose(
    asking: Asking, databases: Database, packaged_embedder: SentenceEmbedder
) -> None:
    recording_id, _ = enter(databases, course="Safety")
    said = [Segment(5.2, 9.8, SAID[0], "en"), Segment(10.0, 15.0, SAID[1], "en"), Segment(15.0, 19.0, SAID[2], "en")]
    ReadingEngine(packaged_embedder).make_findable(databases, recording_id, said)
    with databases.write() as session:
        session.get_one(RecordingRow, recording_id).duration_s = 20.0
    answered_with(databases, asking.text(ASKED, asker="ann"), Moment(recording_id, 10.0, 15.0))
    after = asking.text(ASKED, asker="ben")
    assert (after.hits[0].hit.start_s, after.hits[0].hit.end_s, after.answer) == (10.0, 15.0, SAID[1])


@pytest.mark.usefixtures("recording")
def test_ones_own_no_counts_more_than_ones_yes_before(asking: Asking, databases: Database) -> None:
    said(databases, asking.text(ASKED, asker="ann"), Judgement.YES)
    assert asking.text(AGAIN, asker="ann").known is not None
    said(databases, asking.text(AGAIN, asker="ann"), Judgement.NO)
    assert asking.text(ASKED, asker="ann").known is None


def test_a_question_that_was_embedded_anew_is_compared_by_its_new_vector(databases: Database) -> None:
    recording_id, course_id = enter(databases, course="Safety")
    question_id, other_id = asked(databases, "tablets"), asked(databases, "newspapers")
    known = KnownAnswers(databases)
    again = Wording("the flat computers", QuestionVector("newer", embed("tablets")))

    def confirm(judged_id: str) -> None:
        moment = {"recording_id": recording_id, "start_s": 0.0, "end_s": 5.0}
        with databases.write() as session:
            session.add(FeedbackRow(question_id=judged_id, kind=Judgement.YES, made_at=utc_now(), **moment))

    confirm(question_id)
    assert known.answer(again, courses=frozenset({course_id}), asker="me") is None
    with databases.write() as session:
        session.get_one(QuestionVectorRow, question_id).digest = "newer"
    confirm(other_id)
    assert known.answer(again, courses=frozenset({course_id}), asker="me") is not None
