"""Open questions that mean the same come together, whoever asks them and however often."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from assistant.access import course_rights
from assistant.access.caller import HERE
from assistant.feedback.judging import take_back
from assistant.inbox.answers import open_again, set_aside
from assistant.inbox.items import OpenItem, how_many_wait, item, waiting_items
from assistant.inbox.sorting import AT_ONCE, OPEN_FOR, sort_open_questions
from assistant.inbox.tables import OpenItemRow
from assistant.questions import log
from knowledge.database import Database, utc_now
from knowledge.finding.moment import Verdict
from tests.assistant.asked import asked, said_no
from tests.shelf import enter

UTC = ZoneInfo("UTC")
TABLETS = "how do i charge the new tablets"


def sort_all(database: Database) -> None:
    while sort_open_questions(database, now=utc_now()) == AT_ONCE:
        pass


def waiting(database: Database, *courses: str) -> list[OpenItem]:
    sort_all(database)
    with database.read() as session:
        return waiting_items(session, courses, zone=UTC)


def test_what_means_the_same_is_one_item_and_most_asked_comes_first(databases: Database) -> None:
    asked(databases, "who signs for contractors at night", asker="ann")
    asked(databases, TABLETS, asker="ann")
    asked(databases, "How do I charge the new tablets?", asker="ben")
    asked(databases, "how do i charge these new tablets", asker="cho")
    first, second = waiting(databases)
    assert (first.example, first.times, first.people) == (TABLETS, 3, 3)
    assert (second.example, second.times) == ("who signs for contractors at night", 1)


def test_without_vectors_letters_tell_what_is_the_same(databases: Database) -> None:
    asked(databases, "请假要提前几天申请？", asker="ann", embedded=False)
    asked(databases, "請假要提前幾天申請", asker="ben", embedded=False)
    asked(databases, "年假怎么算", asker="cho", embedded=False)
    assert [each.people for each in waiting(databases)] == [2, 1]


def test_a_confident_answer_is_open_only_once_somebody_said_that_it_was_not_it(databases: Database) -> None:
    question_id = asked(databases, TABLETS, verdict=Verdict.ANSWERED)
    assert waiting(databases) == []
    said_no(databases, question_id)
    (found,) = waiting(databases)
    assert found.not_it
    with databases.write() as session:
        take_back(session, question_id)
    assert waiting(databases) == []
    with databases.read() as session:
        assert session.scalars(select(OpenItemRow)).all() == []


def test_one_person_who_asks_again_and_again_does_not_come_first(database: Database) -> None:
    for _ in range(3 * AT_ONCE):
        asked(database, "why is it cold", asker="eve")
    asked(database, TABLETS, asker="ann")
    asked(database, TABLETS, asker="ben")
    first, second = waiting(database)
    assert (first.example, second.example) == (TABLETS, "why is it cold")
    assert second.times == 5


def test_a_deleted_question_takes_its_item_with_it(databases: Database) -> None:
    question_id = asked(databases, TABLETS)
    (found,) = waiting(databases)
    with databases.write() as session:
        log.delete_question(session, question_id)
    assert waiting(databases) == []
    asked(databases, "why is it cold")
    sort_all(databases)
    with databases.read() as session:
        assert session.get(OpenItemRow, found.id) is None


def test_words_are_masked_and_the_week_is_all_that_is_said_of_the_time(databases: Database) -> None:
    asked(databases, "my number is 0171 5551234, where is the form")
    (found,) = waiting(databases)
    assert "5551234" not in found.example
    assert found.since.weekday() == 0
    assert not isinstance(found.since, dt.datetime)


def test_a_number_written_in_lines_is_masked_too(databases: Database) -> None:
    asked(databases, "where is the form\ncall 138\n1234\n5678")
    (found,) = waiting(databases)
    assert found.example == "where is the form call ‹phone›"


def test_what_was_nearest_in_a_course_is_for_those_who_may_hear_it(databases: Database) -> None:
    _recording, course_id = enter(databases, course="Closed")
    asked(databases, TABLETS, course_id=course_id)
    asked(databases, "why is it cold", course_id="gone")
    assert [each.example for each in waiting(databases)] == ["why is it cold"]
    assert len(waiting(databases, course_id)) == 2


def test_what_nobody_answered_in_half_a_year_is_not_brought_up(databases: Database) -> None:
    asked(databases, TABLETS)
    assert sort_open_questions(databases, now=utc_now() + OPEN_FOR + dt.timedelta(days=1)) == 0


def test_two_workers_that_sort_at_once_make_one_item(databases: Database) -> None:
    for at in range(8):
        asked(databases, TABLETS, asker=str(at))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sort_open_questions(databases, now=utc_now()), range(4)))
    (found,) = waiting(databases)
    assert found.people == 8
    with databases.read() as session:
        assert item(session, found.id, (), zone=UTC) == found


def test_what_was_set_aside_does_not_come_back_by_being_asked_again(databases: Database) -> None:
    asked(databases, TABLETS, asker="ann")
    (found,) = waiting(databases)
    set_aside(databases, HERE, found.id, now=utc_now())
    asked(databases, "How do I charge the new tablets?", asker="ben")
    assert waiting(databases) == []
    asked(databases, "how do i charge the new radios", asker="cho")
    assert [each.people for each in waiting(databases)] == [1]
    open_again(databases, HERE, found.id, now=utc_now())
    assert [each.people for each in waiting(databases)] == [2, 1]


def test_of_one_item_everybody_sees_the_questions_that_they_may_know_of(databases: Database) -> None:
    _recording, closed = enter(databases, course="Closed")
    asked(databases, TABLETS, asker="ann", course_id=closed)
    asked(databases, "How do I charge the new tablets?!", asker="ben", course_id=closed)
    asked(databases, "how do i charge these new tablets", asker="cho")
    (outside,) = waiting(databases)
    assert (outside.example, outside.others, outside.people) == ("how do i charge these new tablets", (), 1)
    assert outside.course_id is None
    (inside,) = waiting(databases, closed)
    assert (inside.id, inside.people, inside.course_id) == (outside.id, 3, closed)
    with databases.read() as session:
        assert how_many_wait(session, ()) == how_many_wait(session, {closed}) == 1
    asked(databases, "why is it cold", course_id=closed)
    waiting(databases)
    with databases.read() as session:
        assert (how_many_wait(session, ()), how_many_wait(session, {closed})) == (1, 2)


def test_the_first_of_a_list_are_those_that_most_people_asked(database: Database) -> None:
    for number, word in enumerate(("radios", "forks", "gloves")):
        for at in range(3 - number):
            asked(database, f"who orders {word}", asker=f"person {at}", embedded=False)
    sort_all(database)
    with database.read() as session:
        found = waiting_items(session, (), zone=UTC, limit=2)
    assert [each.example for each in found] == ["who orders radios", "who orders forks"]
    assert [each.people for each in found] == [3, 2]


def test_what_is_asked_of_a_closed_course_stays_by_itself(databases: Database) -> None:
    _recording, closed = enter(databases, course="Closed")
    with databases.write() as session:
        course_rights.set_rights(session, closed, open_to_all=False, groups=(), people=())
    asked(databases, TABLETS, asker="ann", course_id=closed)
    asked(databases, TABLETS, asker="ben")
    asked(databases, TABLETS, asker="cho", course_id=closed)
    assert [each.people for each in waiting(databases)] == [1]
    assert [each.people for each in waiting(databases, closed)] == [2, 1]


def test_the_id_of_an_open_question_tells_no_time(databases: Database) -> None:
    asked(databases, TABLETS)
    assert UUID(waiting(databases)[0].id).version == 4
