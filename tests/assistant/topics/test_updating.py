"""Weeks close once, late or killed, across years and clocks; what was published stays whatever becomes of the log."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from assistant.access.caller import HERE
from assistant.questions.log import delete_questions, delete_questions_of
from assistant.topics import store, updating
from assistant.topics.figures import Cell, Topic, TopicsState
from assistant.topics.grouping import grow_topics
from assistant.topics.rules import TopicRules
from assistant.topics.shaping import rename
from assistant.topics.tables import TopicQuestionRow, TopicRow
from assistant.topics.updating import GRACE, close_without_figures, update_topics
from assistant.topics.week import Week
from bench import topics_update
from knowledge.database import Database
from tests.assistant.topics.logs import MONDAY, NEXT_MONDAY, ask, people

RULES = TopicRules()
CLOSED = NEXT_MONDAY + GRACE
WEEK = Week(2026, 47)


def update(database: Database, now: dt.datetime = CLOSED, rules: TopicRules = RULES) -> list[Week]:
    return update_topics(database, rules, now=now, languages=None)


def cells(database: Database) -> list[Cell]:
    with database.read() as session:
        return store.published(session, since=Week(2000, 1), until=Week(2100, 1))


def topics(database: Database) -> dict[str, Topic]:
    with database.read() as session:
        return store.topics(session)


def state(database: Database) -> TopicsState:
    with database.read() as session:
        return store.state(session)


def test_a_week_is_published_when_it_and_its_grace_are_over(databases: Database) -> None:
    ask(databases, people(12), about="leave", said=["yes"])
    assert update(databases, CLOSED - dt.timedelta(seconds=1)) == []
    assert (cells(databases), topics(databases)) == ([], {})
    assert update(databases) == [WEEK]
    (cell,) = cells(databases)
    assert (cell.course_id, cell.week, cell.questions, cell.people, cell.answered) == ("c1", WEEK, 12, 10, 11)
    assert state(databases) == TopicsState(WEEK, True, 5, frozenset())


def test_a_closed_week_is_never_computed_again(databases: Database) -> None:
    ask(databases, people(8), about="leave")
    update(databases)
    before = cells(databases)
    ask(databases, people(20, "late"), about="leave")
    with databases.write() as session:
        for one in people(8):
            delete_questions_of(session, one)
    assert update(databases) == []
    assert cells(databases) == before


def test_a_topic_keeps_its_id_and_name_when_it_grows(databases: Database) -> None:
    ask(databases, people(8), about="leave", text="How do I take leave?")
    update(databases)
    (before,) = topics(databases).values()
    ask(databases, people(9, "q"), about="leave", text="leave?", at=NEXT_MONDAY + dt.timedelta(days=1))
    assert update(databases, CLOSED + dt.timedelta(days=7)) == [WEEK.next()]
    (after,) = topics(databases).values()
    assert (after.id, after.name) == (before.id, "How do I take leave?")
    assert [cell.topic_id for cell in cells(databases)] == [before.id] * 2


def test_weeks_that_were_missed_are_closed_in_order_across_a_year_of_53(databases: Database) -> None:
    for days in (0, 35, 49):
        ask(databases, people(6), about="leave", at=MONDAY + dt.timedelta(days=days))
    closed = update(databases, MONDAY + dt.timedelta(days=60))
    assert [str(week) for week in closed] == [
        *(f"2026-W{number}" for number in range(47, 54)),
        "2027-W01",
    ]
    assert [str(cell.week) for cell in cells(databases)] == ["2026-W47", "2026-W52", "2027-W01"]


def test_no_question_is_counted_in_two_weeks_when_the_time_zone_changes(databases: Database) -> None:
    edge = NEXT_MONDAY - dt.timedelta(hours=2)
    ask(databases, people(6), about="leave", at=edge)
    update(databases, CLOSED, replace(RULES, zone=ZoneInfo("UTC")))
    update(databases, CLOSED + dt.timedelta(days=7), replace(RULES, zone=ZoneInfo("Asia/Shanghai")))
    assert [cell.week for cell in cells(databases)] == [WEEK]


def test_the_week_is_that_of_the_companys_clocks(databases: Database) -> None:
    ask(databases, people(6), about="leave", at=NEXT_MONDAY - dt.timedelta(hours=2))
    shanghai = replace(RULES, zone=ZoneInfo("Asia/Shanghai"))
    assert update(databases, CLOSED, shanghai) == []
    assert update(databases, CLOSED + dt.timedelta(days=7), shanghai) == [WEEK.next()]
    assert [cell.week for cell in cells(databases)] == [WEEK.next()]


def test_a_kill_while_a_week_closes_leaves_it_open_and_whole(
    databases: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(databases, people(8), about="leave")

    def killed(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(updating, "_quote", killed)
        with pytest.raises(KeyboardInterrupt):
            update(databases)
    assert (cells(databases), state(databases).last_closed) == ([], None)
    assert update(databases) == [WEEK]
    assert len(cells(databases)) == 1


def test_in_a_company_of_three_no_week_closes(databases: Database) -> None:
    ask(databases, people(3) * 30, about="leave")
    assert update(databases) == []
    assert (cells(databases), topics(databases)) == ([], {})
    assert state(databases) == TopicsState(None, False, 5, frozenset())


def test_a_week_of_few_closes_once_as_many_as_a_cell_needs_have_asked_since(databases: Database) -> None:
    """By whole weeks: who watches when it closes learns of nobody when they asked."""
    ask(databases, people(3), about="leave")
    assert update(databases) == []
    ask(databases, people(5), about="pay", at=NEXT_MONDAY + dt.timedelta(hours=30))
    assert update(databases, NEXT_MONDAY + dt.timedelta(days=2)) == []
    assert update(databases, CLOSED + dt.timedelta(days=7)) == [WEEK, WEEK.next()]
    assert [cell.week for cell in cells(databases)] == [WEEK.next()]


def test_a_clock_that_is_years_ahead_closes_no_years(databases: Database) -> None:
    ask(databases, people(6), about="leave")
    assert update(databases, MONDAY + dt.timedelta(days=3650)) == [WEEK]
    ask(databases, people(6), about="leave", at=NEXT_MONDAY + dt.timedelta(days=1))
    assert update(databases, MONDAY + dt.timedelta(days=3)) == []
    assert update(databases, CLOSED + dt.timedelta(days=7)) == [WEEK.next()]
    assert [cell.week for cell in cells(databases)] == [WEEK, WEEK.next()]


def test_a_clock_that_jumps_a_week_and_back_counts_nothing_twice(databases: Database) -> None:
    ask(databases, people(7), about="leave", at=MONDAY + dt.timedelta(hours=3))
    assert update(databases, MONDAY + dt.timedelta(days=7, hours=7)) == [WEEK], "a week too early, by Monday's"
    (early,) = cells(databases)
    ask(databases, people(9, "late"), about="leave", at=MONDAY + dt.timedelta(days=3))
    for days in (3, -4, 7):
        assert update(databases, MONDAY + dt.timedelta(days=days, hours=7)) == []
    ask(databases, people(6, "next"), about="leave", at=NEXT_MONDAY + dt.timedelta(days=1))
    assert update(databases, CLOSED + dt.timedelta(days=7)) == [WEEK.next()]
    assert cells(databases)[0] == early
    assert [cell.people for cell in cells(databases)] == [5, 5]


ZONES = ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Pacific/Apia", "Europe/Berlin", "Africa/Casablanca")


@pytest.mark.parametrize("start", [dt.datetime(2020, 12, 26), dt.datetime(2021, 3, 13), dt.datetime(2021, 10, 23)])
@pytest.mark.parametrize("zone", ZONES)
def test_each_question_counts_in_its_own_week_by_the_clocks_on_the_wall(
    zone: str, start: dt.datetime, database: Database
) -> None:
    """Over New Year, where 2020-W53 ends, and over the days on which clocks are put forward and back."""
    wall = ZoneInfo(zone)
    moments = [start.replace(tzinfo=dt.UTC) + dt.timedelta(hours=hour) for hour in range(0, 21 * 24, 3)]
    expected = Counter(str(Week.of(moment, wall)) for moment in moments)
    ask_at(database, moments)
    closed = update(database, moments[-1] + dt.timedelta(days=30), TopicRules(wall))
    assert [str(week) for week in closed] == sorted(expected)
    assert {str(cell.week): cell.questions for cell in cells(database)} == expected


def ask_at(database: Database, moments: Sequence[dt.datetime]) -> None:
    """One person after another, each twice."""
    for number, moment in enumerate(moments):
        ask(database, [f"p{number // 2}"], about="leave", text="how do I take leave", at=moment)


def test_weeks_that_were_over_when_an_older_database_came_back_close_with_nothing(databases: Database) -> None:
    """They may have been published, of more people than are left."""
    ask(databases, people(6), about="leave")
    update(databases)
    before = cells(databases)
    ask(databases, people(8), about="leave", at=NEXT_MONDAY + dt.timedelta(days=1))
    back = MONDAY + dt.timedelta(days=22)
    assert close_without_figures(databases, now=back) == [WEEK.next(), WEEK.next().next()]
    ask(databases, people(7), about="leave", at=back + dt.timedelta(days=1))
    assert update(databases, back + dt.timedelta(days=7)) == [Week(2026, 50)]
    assert cells(databases)[:1] == before
    assert [cell.week for cell in cells(databases)] == [WEEK, Week(2026, 50)]


def test_an_older_database_of_which_no_week_was_closed_closes_none_that_is_open(databases: Database) -> None:
    assert close_without_figures(databases, now=CLOSED) == []
    ask(databases, people(6), about="leave")
    assert close_without_figures(databases, now=CLOSED - dt.timedelta(seconds=1)) == []
    assert update(databases) == [WEEK]


def test_without_questions_nothing_is_closed(databases: Database) -> None:
    assert update(databases) == []
    assert state(databases).last_closed is None


def test_what_is_merged_while_grouping_thinks_holds(databases: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(databases, people(6), about="leave")
    ask(databases, people(6), about="pay", course="c2")
    update(databases)
    leave, pay = sorted(topics(databases))
    ask(databases, people(6), about="pay", course="c2", at=NEXT_MONDAY + dt.timedelta(days=1))
    rounds = []

    def merged_meanwhile(asked: list[object], **more: object) -> object:
        rounds.append(len(asked))
        if len(rounds) == 1:
            with databases.write() as session:
                store.hold(session).revision += 1
                row = session.get(TopicRow, pay)
                assert row is not None
                row.merged_into = leave
        return grow_topics(asked, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(updating, "grow_topics", merged_meanwhile)
    update(databases, CLOSED + dt.timedelta(days=7))
    assert rounds == [18, 18, 18], "once more with the week's close"
    assert [cell.topic_id for cell in cells(databases) if cell.week == WEEK.next()] == [leave]


def test_no_week_closes_without_questions_that_could_not_be_grouped(
    databases: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(databases, people(6), about="leave")
    update(databases)
    (leave,) = topics(databases)
    ask(databases, people(6), about="pay", course="c2", at=NEXT_MONDAY + dt.timedelta(days=1))

    def renamed_meanwhile(asked: list[object], **more: object) -> object:
        rename(databases, HERE, leave, "Leave")
        return grow_topics(asked, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(updating, "grow_topics", renamed_meanwhile)
        assert update(databases, CLOSED + dt.timedelta(days=7)) == []
    assert update(databases, CLOSED + dt.timedelta(days=7)) == [WEEK.next()]
    assert [cell.course_id for cell in cells(databases)] == ["c1", "c2"]


def test_a_question_deleted_while_grouping_thinks_does_no_harm(
    databases: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_others = ask(databases, people(6), about="leave")

    def deleted_meanwhile(asked: list[object], **more: object) -> object:
        with databases.write() as session:
            delete_questions(session, [first])
        return grow_topics(asked, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(updating, "grow_topics", deleted_meanwhile)
    assert update(databases) == [WEEK]
    assert len(cells(databases)) == 1


def test_a_name_goes_with_the_question_it_came_from(databases: Database) -> None:
    ids = ask(databases, people(7), about="leave")
    update(databases)
    (topic,) = topics(databases).values()
    named_after = next(each for number, each in enumerate(ids) if topic.name == f"what about leave, way {number}")
    with databases.write() as session:
        delete_questions(session, [named_after])
    assert topics(databases)[topic.id].name == f"#{topic.id[-4:]}"
    update(databases)
    assert topics(databases)[topic.id].name not in (topic.name, f"#{topic.id[-4:]}")


def test_a_topic_whose_questions_are_all_gone_keeps_its_cells(databases: Database) -> None:
    ids = ask(databases, people(7), about="leave")
    update(databases)
    with databases.write() as session:
        delete_questions(session, ids)
        assert session.query(TopicQuestionRow).count() == 0
    update(databases)
    assert len(cells(databases)) == len(topics(databases)) == 1


def test_a_name_is_masked_and_an_example_needs_many(databases: Database) -> None:
    ask(databases, people(9), about="leave", text="Mr Smith, 13812345678, about leave")
    update(databases)
    (topic,) = topics(databases).values()
    assert (topic.name, topic.example) == ("Mr ‹name›, ‹phone›, about leave", None)
    ask(databases, people(9, "q"), about="leave", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, CLOSED + dt.timedelta(days=7))
    assert topics(databases)[topic.id].example == topic.name


def test_nobody_names_a_topic_by_asking_often(databases: Database) -> None:
    ask(databases, ["loud"] * 300, about="leave", text="BUY MY CAR")
    ask(databases, people(9), about="leave", text="how do I take leave")
    update(databases)
    (cell,) = cells(databases)
    assert cell.questions == 14
    assert topics(databases)[cell.topic_id].name == "how do I take leave"


def test_nobody_names_a_topic_by_asking_in_many_wordings(databases: Database) -> None:
    for number in range(40):
        ask(databases, ["loud"], about="leave", text=f"BUY MY CAR{number * '!'} {number} today")
    ask(databases, people(9), about="leave", text="how do I take leave")
    update(databases)
    (topic,) = topics(databases).values()
    assert topic.name == "how do I take leave"


def test_languages_that_the_embedder_does_not_know_are_named(databases: Database) -> None:
    ask(databases, people(6), about="leave", text="请假", language="zh")
    update_topics(databases, RULES, now=CLOSED, languages=frozenset({"en"}))
    assert state(databases).unembedded_languages == {"zh"}


def test_a_language_of_few_is_not_told(databases: Database) -> None:
    """It would be told who speaks it, and when they asked."""
    ask(databases, people(6), about="leave")
    ask(databases, people(4), about="pay", text="请假", language="zh")
    english = frozenset({"en"})
    update_topics(databases, RULES, now=CLOSED, languages=english)
    assert state(databases).unembedded_languages == frozenset()
    later = NEXT_MONDAY + dt.timedelta(days=1)
    ask(databases, people(1, "q"), about="pay", text="请假", language="zh", at=later)
    ask(databases, people(6), about="leave", at=later)
    update_topics(databases, RULES, now=CLOSED + dt.timedelta(days=6), languages=english)
    assert state(databases).unembedded_languages == frozenset()
    update_topics(databases, RULES, now=CLOSED + dt.timedelta(days=7), languages=english)
    assert state(databases).unembedded_languages == {"zh"}


def test_why_nothing_is_shown_does_not_change_when_somebody_is_forgotten(databases: Database) -> None:
    ask(databases, people(3), about="leave")
    ask(databases, people(2, "q"), about="pay")
    update(databases)
    assert state(databases) == TopicsState(WEEK, True, 5, frozenset())
    with databases.write() as session:
        delete_questions_of(session, "q1")
    update(databases)
    assert state(databases) == TopicsState(WEEK, True, 5, frozenset())


def test_where_more_people_are_asked_for_older_figures_of_fewer_are_hidden(databases: Database) -> None:
    ask(databases, people(12), about="leave")
    ask(databases, people(23), about="pay", course="c2")
    update(databases)
    assert {cell.people for cell in cells(databases)} == {10, 20}
    update(databases, rules=TopicRules(fewest_people=20))
    assert state(databases).fewest_people == 20, "though nobody has asked anything since"
    assert [cell.people for cell in cells(databases)] == [20]
    update(databases)
    assert {cell.people for cell in cells(databases)} == {10, 20}


def test_the_bench_of_updates_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["topics_update", "--questions", "60"])
    topics_update.main()
    assert "weeks closed" in capsys.readouterr().out


def test_a_floor_lower_than_five_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        TopicRules(fewest_people=4)
