"""The share of a week's questions that nobody has answered: of no few people, and of no one person's making."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from assistant.inbox.shares import AskedQuestion, closed_weeks, read_asked, unanswered_shares
from assistant.questions.tables import QuestionRow
from assistant.topics.week import Week
from knowledge.database import Database
from knowledge.finding.moment import Verdict
from tests.assistant.asked import asked, said_no

UTC, AUCKLAND = ZoneInfo("UTC"), ZoneInfo("Pacific/Auckland")
NOON = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
WEEK = Week(2026, 47)


def share(asked: Sequence[AskedQuestion], *, fewest_people: int = 5) -> int | None:
    [found] = unanswered_shares(asked, [WEEK], UTC, fewest_people=fewest_people)
    assert found.week == WEEK
    return found.percent


def by(people: int, *, unanswered: int, at: dt.datetime = NOON) -> list[AskedQuestion]:
    """A question of each; so many of them nobody answered."""
    return [AskedQuestion(f"person {number}", at, number < unanswered) for number in range(people)]


@pytest.mark.parametrize(
    ("people", "unanswered", "percent"), [(5, 0, 0), (5, 5, 100), (5, 2, 40), (8, 1, 15), (100, 1, 0), (40, 1, 5)]
)
def test_a_share_is_told_in_steps_of_five(people: int, unanswered: int, percent: int) -> None:
    assert share(by(people, unanswered=unanswered)) == percent


def test_a_week_in_which_few_people_asked_tells_nothing() -> None:
    assert share(by(4, unanswered=4)) is None
    assert share(by(4, unanswered=4) * 1000) is None
    assert share([]) is None
    assert share(by(5, unanswered=1), fewest_people=6) is None


def test_one_person_who_asks_ten_thousand_times_weighs_as_five_questions() -> None:
    many = [AskedQuestion("eve", NOON, True)] * 10_000
    assert share([*by(15, unanswered=0), *many]) == 25


def test_weeks_are_the_companys_own_and_closed() -> None:
    late = dt.datetime(2027, 1, 3, 13, tzinfo=dt.UTC)  # Sunday; Monday already in Auckland
    assert closed_weeks(late, UTC, count=2) == [Week(2026, 51), Week(2026, 52)]
    assert closed_weeks(late, AUCKLAND, count=2) == [Week(2026, 52), Week(2026, 53)]
    asked = by(5, unanswered=5, at=late)
    assert [each.percent for each in unanswered_shares(asked, [Week(2026, 53)], UTC, fewest_people=5)] == [100]
    assert [each.percent for each in unanswered_shares(asked, [Week(2026, 53)], AUCKLAND, fewest_people=5)] == [None]


def test_what_nobody_answered_or_was_not_it_is_read_within_the_weeks(databases: Database) -> None:
    asked(databases, "why is it cold", asker="ann")
    not_it = asked(databases, "where are tablets", asker="ben", verdict=Verdict.ANSWERED)
    asked(databases, "who signs at night", asker="cho", verdict=Verdict.ANSWERED)
    older = asked(databases, "when is lunch", asker="dan")
    asked(databases, "from the command line", asker=None)
    said_no(databases, not_it)
    with databases.write() as session:
        session.execute(update(QuestionRow).values(created_at=NOON))
        session.execute(
            update(QuestionRow)
            .where(QuestionRow.id == older)
            .values(created_at=WEEK.start(UTC) - dt.timedelta(hours=1))
        )
    with databases.read() as session:
        found = read_asked(session, [WEEK], UTC)
    assert {(each.asker, each.unanswered) for each in found} == {("ann", True), ("ben", True), ("cho", False)}
