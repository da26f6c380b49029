"""The company's own test set: what goes in, when, and what takes it out again; the rule alone, then over databases."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.courses.removing import remove_recording
from assistant.feedback.judging import judge, take_back
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import ItemState, OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.proof.gathering import Candidate, Moment, Refused, chosen, grow
from assistant.proof.own_set import own_set, sizes
from assistant.proof.tables import ProofQuestionRow, ProofSource
from assistant.questions import log
from assistant.questions.likeness import Wording
from assistant.questions.log import LoggedQuestion
from knowledge.database import Database, new_id
from tests.assistant.questions.made_answers import kept
from tests.shelf import Shelved, shelve

MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
"""Week 47 of 2026 begins."""
LAST_WEEK, THIS_WEEK = MONDAY - dt.timedelta(hours=1), MONDAY + dt.timedelta(hours=1)


def candidate(text: str, *, source: ProofSource = ProofSource.CONFIRMED, day: int = 1, at_s: float = 0) -> Candidate:
    judged_at = dt.datetime(2026, 11, day, tzinfo=dt.UTC)
    return Candidate(new_id(), source, Wording(text), Moment("r", at_s, at_s + 5), judged_at)


def texts(candidates: list[Candidate]) -> list[str]:
    return [each.wording.text for each in candidates]


class TestChosen:
    def test_each_wording_goes_in_once_a_trainers_before_what_was_judged_first(self) -> None:
        asked = [candidate("Where?", day=3), candidate("where", day=2), candidate("When?", day=4)]
        by_trainer = candidate("when", source=ProofSource.TRAINER, day=9)
        assert texts(chosen([*asked, by_trainer], [], [])) == ["when", "where"]

    def test_what_is_in_already_and_what_has_no_letters_stays_out(self) -> None:
        assert chosen([candidate("Where?"), candidate("?!")], [], ["where"]) == []

    def test_a_moment_that_was_refused_for_the_same_question_stays_out(self) -> None:
        refused = [Refused(Wording("where is it"), (Moment("r", 4, 8),))]
        assert chosen([candidate("Where is it?")], refused, []) == []
        assert chosen([candidate("where is it", at_s=20)], refused, []) != [], "another moment was refused"
        assert chosen([candidate("when does it end")], refused, []) != [], "for another question"


def confirm(database: Database, asked: str, *, at: dt.datetime = LAST_WEEK, said: Judgement = Judgement.YES) -> None:
    found = log.get(database, asked)
    assert found is not None
    with database.write() as session:
        judge(session, found, said, rank=1 if said is Judgement.YES else None, now=at)


def trainer_answer(session: Session, shelved: Shelved, text: str, **values: object) -> str:
    row = TrainerAnswerRow(id=new_id(), question=text, language="en", made_at=LAST_WEEK, **values)
    row.course_id = shelved.course_id
    session.add(row)
    return row.id


def grown(database: Database, now: dt.datetime = THIS_WEEK) -> int:
    return grow(database, zone=dt.UTC, now=now)


def scored(database: Database) -> list[str]:
    with database.read() as session:
        return [each.text for each in own_set(session).questions]


def test_what_was_confirmed_goes_in_when_its_week_is_over_and_once(databases: Database) -> None:
    recording = shelve(databases, ["the heron drinks"]).recording_id
    confirm(databases, kept(databases, recording))
    assert grown(databases, LAST_WEEK) == 0
    assert grown(databases) == 1
    assert grown(databases) == 0
    with databases.read() as session:
        row = session.scalars(select(ProofQuestionRow)).one()
        assert (row.week, row.source, row.recording_id) == ("2026-W46", ProofSource.CONFIRMED, recording)
        assert [(each.week, each.confirmed, each.trainer, each.total) for each in sizes(session)] == [
            ("2026-W46", 1, 0, 1)
        ]
    confirm(databases, kept(databases, recording, asker="her"))
    assert grown(databases) == 0, "the same words"


def test_what_is_in_stays_in_whatever_others_say_later(databases: Database) -> None:
    recording = shelve(databases, ["a"]).recording_id
    confirm(databases, kept(databases, recording))
    grown(databases)
    confirm(databases, kept(databases, recording, asker="her"), said=Judgement.NO, at=THIS_WEEK)
    assert grown(databases) == 0
    assert scored(databases) == ["who drinks?"]


def _taken_back(session: Session, asked: LoggedQuestion) -> None:
    take_back(session, asked.id)


def _changed_to_no(session: Session, asked: LoggedQuestion) -> None:
    judge(session, asked, Judgement.NO, now=THIS_WEEK)


def _changed_to_another_moment(session: Session, asked: LoggedQuestion) -> None:
    judge(session, asked, Judgement.YES, rank=2, now=THIS_WEEK)


@pytest.mark.parametrize("say", [_taken_back, _changed_to_no, _changed_to_another_moment])
def test_what_its_asker_says_no_more_is_not_scored(
    databases: Database, say: Callable[[Session, LoggedQuestion], None]
) -> None:
    asked = kept(databases, *(shelve(databases, [words]).recording_id for words in ("a", "b")))
    confirm(databases, asked)
    grown(databases)
    found = log.get(databases, asked)
    assert found is not None
    with databases.write() as session:
        say(session, found)
    assert grown(databases) == 0
    with databases.read() as session:
        assert (own_set(session).questions, own_set(session).gone) == ((), 1)
    with databases.write() as session:
        judge(session, found, Judgement.YES, rank=1, now=THIS_WEEK)
    assert scored(databases) == ["who drinks?"], "said again of the same moment"


def test_what_another_asker_refused_stays_out(databases: Database) -> None:
    recording = shelve(databases, ["a"]).recording_id
    confirm(databases, kept(databases, recording))
    confirm(databases, kept(databases, recording, asker="her"), said=Judgement.NO, at=THIS_WEEK)
    assert grown(databases) == 0


def test_a_trainers_moment_goes_in_and_a_line_or_what_was_withdrawn_does_not(databases: Database) -> None:
    shelved = shelve(databases, ["a"])
    moment = {"recording_id": shelved.recording_id, "start_s": 1.0, "end_s": 2.0}
    with databases.write() as session:
        answer = trainer_answer(session, shelved, "where is the form", **moment)
        trainer_answer(session, shelved, "who signs", line="The shift lead.")
        trainer_answer(session, shelved, "until when", **moment, withdrawn_at=LAST_WEEK)
    assert grown(databases) == 1
    assert scored(databases) == ["where is the form"]
    with databases.write() as session:
        session.get_one(TrainerAnswerRow, answer).withdrawn_at = THIS_WEEK
    with databases.read() as session:
        assert own_set(session).questions == ()
        assert own_set(session).gone == 1


def open_item(session: Session, questions: list[str]) -> str:
    item = OpenItemRow(id=new_id(), state=ItemState.ANSWERED, made_at=LAST_WEEK, changed_at=LAST_WEEK)
    session.add(item)
    session.flush()
    session.add_all(OpenQuestionRow(question_id=each, item_id=item.id) for each in questions)
    return item.id


def test_what_a_trainer_answered_to_nobody_stays_out(databases: Database) -> None:
    shelved = shelve(databases, ["a"])
    moment = {"recording_id": shelved.recording_id, "start_s": 1.0, "end_s": 2.0}
    real, *invented = (kept(databases, shelved.recording_id, asker=who) for who in ("me", "invented:1", "invented:2"))
    with databases.write() as session:
        for text, questions in {
            "asked by nobody": [invented[0]],
            "asked by both": [invented[1], real],
            "its questions were deleted": [],
        }.items():
            trainer_answer(session, shelved, text, item_id=open_item(session, questions), **moment)
        trainer_answer(session, shelved, "its item was deleted", **moment)
    grown(databases)
    assert sorted(scored(databases)) == ["asked by both", "its item was deleted", "its questions were deleted"]


def test_a_removed_recording_drops_out_of_scoring_and_is_counted(databases: Database) -> None:
    recording = shelve(databases, ["a"]).recording_id
    confirm(databases, kept(databases, recording))
    grown(databases)
    remove_recording(databases, recording)
    with databases.read() as session:
        assert (own_set(session).questions, own_set(session).gone) == ((), 1)


def test_a_deleted_question_takes_its_row_along(databases: Database) -> None:
    asked = kept(databases, shelve(databases, ["a"]).recording_id)
    confirm(databases, asked)
    grown(databases)
    with databases.write() as session:
        log.delete_questions(session, [asked])
    with databases.read() as session:
        assert session.scalars(select(ProofQuestionRow)).all() == []
        assert session.scalars(select(FeedbackRow)).all() == []


@pytest.mark.parametrize("times", [300])
def test_one_person_who_asks_and_confirms_without_end_counts_once(database: Database, times: int) -> None:
    recording = shelve(database, ["a"]).recording_id
    for _ in range(times):
        confirm(database, kept(database, recording))
    assert grown(database) == 1
