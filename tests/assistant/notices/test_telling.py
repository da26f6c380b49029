"""Who is told that a question was answered, and by which of their questions."""

import datetime as dt

import pytest
from sqlalchemy import select

from assistant.access import people
from assistant.notices import store
from assistant.notices.tables import MailState, NoticeChoiceRow, NoticeRow
from assistant.notices.telling import take_back
from assistant.questions import log
from knowledge.database import Database, new_id
from tests.assistant.notices.answered import NOON, add_person, answer, close, course, told_anna
from tests.assistant.questions.made_answers import answer_from, kept

BROWSER = "B" * 43


def rows(database: Database) -> list[NoticeRow]:
    with database.read() as session:
        return list(session.scalars(select(NoticeRow).order_by(NoticeRow.id)))


def test_each_asker_is_told_once_by_the_newest_of_their_questions(databases: Database) -> None:
    anna, bert = add_person(databases, "Anna"), add_person(databases, "Bert")
    asked = [kept(databases, asker=asker) for asker in (anna.id, bert.id, anna.id, anna.id, BROWSER)]
    assert answer(databases, *reversed(asked), course_id=course(databases)) == 3
    assert [each.question_id for each in store.unseen(databases, anna.id)] == [asked[3]]
    assert [each.question_id for each in store.unseen(databases, bert.id)] == [asked[1]]
    [notice] = store.unseen(databases, BROWSER)
    assert (notice.question_id, notice.question_text, notice.told_at) == (asked[4], "who drinks?", NOON)


def test_whoever_may_not_hear_the_course_is_not_told(databases: Database) -> None:
    anna, bert = add_person(databases, "Anna"), add_person(databases, "Bert")
    gone = add_person(databases, "Carl")
    with databases.write() as session:
        people.suspend(session, gone.id)
    closed = course(databases, "Pricing")
    close(databases, closed, but_for=(bert.id, gone.id))
    asked = [kept(databases, asker=each.id) for each in (anna, bert, gone)]
    assert answer(databases, *asked, course_id=closed) == 1
    assert [row.asker for row in rows(databases)] == [bert.id]


def test_the_command_line_an_invented_asker_and_what_is_gone_tell_nobody(databases: Database) -> None:
    from_the_command_line = answer_from()
    with databases.write() as session:
        log.record(session, from_the_command_line, spoken=False, asker=None)
    invented = kept(databases, asker="invented:007")
    there = course(databases)
    assert answer(databases, from_the_command_line.id, invented, new_id(), course_id=there) == 0
    assert answer(databases, kept(databases), course_id=new_id()) == 0
    assert answer(databases, course_id=there) == 0
    assert rows(databases) == []


def test_ten_thousand_questions_of_one_person_are_one_notice(database: Database) -> None:
    anna = add_person(database, "Anna")
    asked = [kept(database, asker=anna.id) for _ in range(1200)]  # more than a statement may hold, twice
    assert answer(database, *asked, course_id=course(database)) == 1
    assert [row.question_id for row in rows(database)] == [asked[-1]]


def test_a_second_answer_tells_only_those_who_have_seen_the_first(databases: Database) -> None:
    anna, question = told_anna(databases)
    bert = add_person(databases, "Bert")
    his, there = kept(databases, asker=bert.id), course(databases)
    assert answer(databases, his, course_id=there) == 1
    store.mark_seen(databases, bert.id, his)
    later = NOON + dt.timedelta(hours=1)
    assert answer(databases, question, his, course_id=there, now=later) == 1
    assert [each.told_at for each in store.unseen(databases, anna.id)] == [NOON]
    assert [each.told_at for each in store.unseen(databases, bert.id)] == [later]
    assert len(rows(databases)) == 2


def test_an_answer_taken_back_is_told_nobody_who_has_not_seen_it(databases: Database) -> None:
    anna, question = told_anna(databases)
    bert, his = told_anna(databases, name="Bert")
    store.mark_seen(databases, bert.id, his)
    with databases.write() as session:
        take_back(session, [question, his])
    assert store.unseen(databases, anna.id) == []
    assert [row.asker for row in rows(databases)] == [bert.id]


def test_an_opened_question_is_seen_by_its_asker_alone_and_not_mailed(databases: Database) -> None:
    anna, question = told_anna(databases)
    store.mark_seen(databases, BROWSER, question)
    assert len(store.unseen(databases, anna.id)) == 1
    store.mark_seen(databases, anna.id, question, now=NOON)
    assert store.unseen(databases, anna.id) == []
    [row] = rows(databases)
    assert (row.seen_at, row.mail, row.mail_due_at) == (NOON, MailState.NONE, None)
    assert [each.seen_at for each in store.notices_of(databases, anna.id, limit=5)] == [NOON]


def test_a_right_that_is_taken_away_takes_the_notice_along(databases: Database) -> None:
    anna, _ = told_anna(databases)
    close(databases, course(databases))
    assert store.unseen(databases, anna.id) == []
    assert store.notices_of(databases, anna.id, limit=5) == []


@pytest.mark.parametrize("whole_person", [False, True])
def test_what_is_forgotten_takes_its_notices_along(databases: Database, whole_person: bool) -> None:
    anna, question = told_anna(databases)
    store.note_language(databases, anna.id, "zh")
    with databases.write() as session:
        log.delete_questions(session, [question])
        if whole_person:
            people.delete_person_whoever(session, anna.id)
    assert rows(databases) == []
    with databases.read() as session:
        assert bool(session.scalars(select(NoticeChoiceRow)).all()) is not whole_person


def test_what_somebody_wants_is_kept_and_each_wish_leaves_the_other(databases: Database) -> None:
    anna = add_person(databases, "Anna")
    with databases.read() as session:
        assert store.choice_of(session, anna.id) == store.Choice(mail=True, language=None)
    store.note_language(databases, anna.id, "zh")
    with databases.write() as session:
        store.choose_mail(session, anna.id, mail=False)
    store.note_language(databases, anna.id, "en")
    store.note_language(databases, new_id(), "en")  # somebody who is gone
    with databases.read() as session:
        assert store.choice_of(session, anna.id) == store.Choice(mail=False, language="en")


def test_what_is_kept_of_notices_can_be_taken_along(databases: Database) -> None:
    anna, question = told_anna(databases)
    [document] = store.export_of(databases, anna.id)
    assert document == {"question_id": question, "told_at": NOON.isoformat(), "seen_at": None, "mail": "due"}
    assert store.export_of(databases, BROWSER) == []
