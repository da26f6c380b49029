"""Judgements over both databases: what takes another's place, what is kept once, what goes with its question."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select

from assistant.errors import BadInput
from assistant.feedback.judging import (
    ASKED_AGAIN_WITHIN,
    Judged,
    export_of,
    judge,
    judged,
    judgements_of,
    note_asked_again,
    take_back,
)
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.questions import log
from assistant.questions.likeness import Wording
from assistant.questions.log import LoggedQuestion
from knowledge.database import Database, utc_now
from tests.assistant.questions.made_answers import kept

NOW = utc_now()


def question(database: Database, question_id: str) -> LoggedQuestion:
    found = log.get(database, question_id)
    assert found is not None
    return found


def say(database: Database, question_id: str, said: Judgement, rank: int | None = None) -> None:
    with database.write() as session:
        judge(session, question(database, question_id), said, rank=rank, now=NOW)


def kinds_of(database: Database, question_id: str) -> set[Judgement]:
    with database.read() as session:
        return judgements_of(session, [question_id]).get(question_id, set())


def test_a_yes_names_its_moment_and_a_no_takes_its_place(databases: Database) -> None:
    asked = kept(databases, "r1", "r2")
    say(databases, asked, Judgement.YES, 2)
    with databases.read() as session:
        assert judged(session, question(databases, asked)) == Judged(Judgement.YES, 2)
        row = session.get_one(FeedbackRow, (asked, Judgement.YES))
        assert (row.recording_id, row.start_s, row.end_s) == ("r2", 0.0, 1.0)
    say(databases, asked, Judgement.NO)
    with databases.read() as session:
        assert judged(session, question(databases, asked)) == Judged(Judgement.NO, None)
    assert kinds_of(databases, asked) == {Judgement.NO}
    say(databases, asked, Judgement.YES, 1)
    assert kinds_of(databases, asked) == {Judgement.YES}


def test_another_moment_takes_the_place_of_the_first(databases: Database) -> None:
    asked = kept(databases, "r1", "r2")
    say(databases, asked, Judgement.YES, 1)
    say(databases, asked, Judgement.YES, 2)
    with databases.read() as session:
        assert judged(session, question(databases, asked)).rank == 2


def test_taking_back_leaves_what_was_done_and_takes_what_was_said(databases: Database) -> None:
    asked = kept(databases, "r1")
    say(databases, asked, Judgement.PLAYED, 1)
    say(databases, asked, Judgement.YES, 1)
    with databases.write() as session:
        take_back(session, asked)
    assert kinds_of(databases, asked) == {Judgement.PLAYED}
    with databases.read() as session:
        assert judged(session, question(databases, asked)) == Judged()


@pytest.mark.parametrize("said", [Judgement.YES, Judgement.PLAYED])
@pytest.mark.parametrize("rank", [None, 0, 3, -1])
def test_a_moment_that_is_not_in_the_answer_is_refused_and_nothing_is_kept(
    databases: Database, said: Judgement, rank: int | None
) -> None:
    asked = kept(databases, "r1", "r2")
    with pytest.raises(BadInput, match="not part of the answer"):
        say(databases, asked, said, rank)
    assert kinds_of(databases, asked) == set()


def test_a_moment_of_a_removed_recording_is_refused_and_an_older_yes_stays_without_one(databases: Database) -> None:
    asked = kept(databases, "r1", "r2")
    say(databases, asked, Judgement.YES, 1)
    with databases.write() as session:
        log.forget_recording(session, [asked], "r1")
    with databases.read() as session:
        assert judged(session, question(databases, asked)) == Judged(Judgement.YES, None)
    with pytest.raises(BadInput):
        say(databases, asked, Judgement.YES, 1)
    assert kinds_of(databases, asked) == {Judgement.YES}


def test_what_is_said_twice_is_there_once(databases: Database) -> None:
    asked = kept(databases, "r1")
    for _ in range(3):
        say(databases, asked, Judgement.PLAYED, 1)
        say(databases, asked, Judgement.YES, 1)
    with databases.read() as session:
        assert [each["kind"] for each in export_of(session, [asked])[asked]] == ["played", "yes"]
        assert export_of(session, [asked])[asked][1] == {
            "kind": "yes",
            "at": NOW.isoformat(),
            "recording_id": "r1",
            "start_s": 0.0,
            "end_s": 1.0,
        }


def test_a_deleted_question_takes_its_judgements_along_and_no_others(databases: Database) -> None:
    gone, stays = kept(databases, "r1"), kept(databases, "r1")
    for each in (gone, stays):
        say(databases, each, Judgement.NO)
    with databases.write() as session:
        log.delete_question(session, gone)
    with databases.read() as session:
        assert list(session.scalars(select(FeedbackRow.question_id))) == [stays]


def asked_again(
    database: Database, wording: Wording, *, asker: str = "me", later: dt.timedelta = dt.timedelta(minutes=1)
) -> None:
    fresh = kept(database, asker=asker)
    with database.write() as session:
        note_asked_again(session, asker, fresh, wording, now=utc_now() + later)


ASKED = "who drinks?"
"""What `kept` asks."""


def test_asking_nearly_the_same_soon_after_says_that_the_answer_before_was_not_it(databases: Database) -> None:
    before = kept(databases, "r1")
    asked_again(databases, Wording("who drinks"))
    assert kinds_of(databases, before) == {Judgement.ASKED_AGAIN}


@pytest.mark.parametrize(
    "again",
    [
        lambda database: asked_again(database, Wording("where is the canteen")),
        lambda database: asked_again(database, Wording(ASKED), asker="her"),
        lambda database: asked_again(database, Wording(ASKED), later=ASKED_AGAIN_WITHIN + dt.timedelta(minutes=1)),
    ],
    ids=["something else", "somebody else", "much later"],
)
def test_anything_else_says_nothing_of_it(databases: Database, again: Callable[[Database], None]) -> None:
    before = kept(databases, "r1")
    again(databases)
    assert kinds_of(databases, before) == set()


def test_who_said_that_it_was_it_may_ask_again(databases: Database) -> None:
    before = kept(databases, "r1")
    say(databases, before, Judgement.YES, 1)
    asked_again(databases, Wording(ASKED))
    assert kinds_of(databases, before) == {Judgement.YES}
