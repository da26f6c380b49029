"""Rename, merge, take back, split: they hold, they are HR's alone, and nothing that was published changes by them."""

import datetime as dt
from collections.abc import Callable, Sequence

import pytest

from assistant.access.caller import Caller, Way
from assistant.access.role import Role
from assistant.audit.event import AuditAction
from assistant.audit.reading import AuditFilter
from assistant.audit.reading import read as read_audit
from assistant.errors import BadInput, Forbidden, NotFound
from assistant.questions.log import delete_questions, delete_questions_of
from assistant.topics import store, updating
from assistant.topics.asked_text import AskedText
from assistant.topics.errors import ChangedMeanwhile
from assistant.topics.figures import Cell, Topic
from assistant.topics.grouping import grow_topics
from assistant.topics.halving import halves_of
from assistant.topics.rules import TopicRules
from assistant.topics.shaping import halves, merge, rename, split, unmerge
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from knowledge.database import Database
from tests.assistant.topics.logs import NEXT_MONDAY, ask, people

HR = Caller("h", Role.HR, Way.SESSION, audit_id="hr-number")


def others() -> list[Caller]:
    return [Caller("x", role, Way.SESSION) for role in Role if role not in (Role.HR, Role.ADMIN)]


def update(database: Database, weeks: int) -> None:
    now = NEXT_MONDAY + GRACE + dt.timedelta(days=7 * weeks)
    update_topics(database, TopicRules(), now=now, languages=None)


def cells(database: Database) -> list[Cell]:
    with database.read() as session:
        return store.published(session, since=Week(2000, 1), until=Week(2100, 1))


def forget(database: Database, asker: str) -> None:
    with database.write() as session:
        delete_questions_of(session, asker)


def topics(database: Database) -> dict[str, Topic]:
    with database.read() as session:
        return store.topics(session)


def noted(database: Database) -> list[tuple[str, str, str | None]]:
    with database.read() as session:
        return [(one.actor, one.action, one.object_id) for one in read_audit(session, AuditFilter()).entries]


@pytest.fixture
def leave_and_pay(databases: Database) -> tuple[str, str]:
    """Two topics, each in a course of its own, in a week that is closed."""
    ask(databases, people(6), about="leave", course="c1", text="how do I take leave")
    ask(databases, people(7), about="pay", course="c2", text="when am I paid")
    update(databases, 0)
    by_name = {topic.name: topic.id for topic in topics(databases).values()}
    return by_name["how do I take leave"], by_name["when am I paid"]


def test_a_name_that_a_person_gave_holds(databases: Database, leave_and_pay: tuple[str, str]) -> None:
    leave, _pay = leave_and_pay
    rename(databases, HR, leave, "  Leave\nand absence ")
    ask(databases, people(9), about="leave", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, 1)
    assert (topics(databases)[leave].name, topics(databases)[leave].named_by_person) == ("Leave and absence", True)
    assert noted(databases) == [("hr-number", AuditAction.TOPIC_RENAMED, leave)]


@pytest.mark.parametrize("name", ["", " \n", "\u200b", "x" * 201])
def test_no_name_and_an_endless_one_are_refused(name: str, databases: Database, leave_and_pay: tuple[str, str]) -> None:
    with pytest.raises(BadInput):
        rename(databases, HR, leave_and_pay[0], name)
    assert noted(databases) == []


def test_a_merge_counts_from_the_open_week_on_and_can_be_taken_back(
    databases: Database, leave_and_pay: tuple[str, str]
) -> None:
    leave, pay = leave_and_pay
    before = cells(databases)
    merge(databases, HR, pay, leave)
    assert cells(databases) == before
    assert topics(databases)[pay].merged_into == leave
    for week in (0, 1):
        ask(databases, people(6), about="pay", course="c2", at=NEXT_MONDAY + dt.timedelta(days=1 + 7 * week))
        update(databases, 1 + week)
        if week == 0:
            unmerge(databases, HR, pay)
    assert cells(databases)[:2] == before
    assert [cell.topic_id for cell in cells(databases)[2:]] == [leave, pay]
    assert [action for _who, action, _what in noted(databases)] == [AuditAction.TOPIC_MERGED] * 2


def test_a_topic_keeps_no_words_of_one_that_leaves_it(databases: Database, leave_and_pay: tuple[str, str]) -> None:
    leave, pay = leave_and_pay
    merge(databases, HR, pay, leave)
    with databases.write() as session:  # where its own name went with its question, one of the other's takes its place
        delete_questions(session, [one.id for one in store.asked_texts(session, languages=None, of_topics=[leave])])
    update(databases, 0)
    assert topics(databases)[leave].name == "when am I paid"
    unmerge(databases, HR, pay)
    assert topics(databases)[leave].name == f"#{leave[-4:]}"
    assert topics(databases)[pay].name == "when am I paid"


def test_a_topic_in_between_keeps_no_words_either(databases: Database, leave_and_pay: tuple[str, str]) -> None:
    """Fire was merged into pay, and pay into leave: what takes pay back takes fire along."""
    leave, pay = leave_and_pay
    ask(databases, people(6), about="fire", course="c3", text="where is the fire exit")
    ask(databases, people(6), about="fire", course="c3", text="where is the fire exit", at=NEXT_MONDAY)
    update(databases, 1)
    (fire,) = topics(databases).keys() - {leave, pay}
    merge(databases, HR, fire, pay)
    merge(databases, HR, pay, leave)
    with databases.write() as session:
        for topic in (leave, pay):
            delete_questions(session, [one.id for one in store.asked_texts(session, languages=None, of_topics=[topic])])
    update(databases, 1)
    assert topics(databases)[leave].name == "where is the fire exit"
    unmerge(databases, HR, pay)
    assert topics(databases)[leave].name == f"#{leave[-4:]}"


def test_topics_are_not_merged_in_a_circle_or_twice(databases: Database, leave_and_pay: tuple[str, str]) -> None:
    leave, pay = leave_and_pay
    with pytest.raises(BadInput, match="itself"):
        merge(databases, HR, leave, leave)
    merge(databases, HR, pay, leave)
    with pytest.raises(BadInput, match="itself"):
        merge(databases, HR, leave, pay)
    with pytest.raises(BadInput, match="already"):
        merge(databases, HR, pay, leave)
    with pytest.raises(BadInput, match="not merged"):
        unmerge(databases, HR, leave)


def test_topics_of_which_nothing_was_published_are_nobodys(databases: Database, leave_and_pay: tuple[str, str]) -> None:
    ask(databases, 3 * list(people(2)), about="keys", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, 0)
    with databases.read() as session:
        (hidden,) = store.counted_for(session).keys() - set(leave_and_pay)
    for act in (
        lambda: rename(databases, HR, hidden, "x"),
        lambda: merge(databases, HR, hidden, leave_and_pay[0]),
        lambda: merge(databases, HR, leave_and_pay[0], hidden),
        lambda: split(databases, HR, hidden),
        lambda: halves(databases, HR, "no-such"),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("caller", others(), ids=lambda caller: caller.role)
def test_nobody_but_hr_and_admins_shapes_topics(
    caller: Caller, databases: Database, leave_and_pay: tuple[str, str]
) -> None:
    leave, pay = leave_and_pay
    for act in (
        lambda: rename(databases, caller, leave, "x"),
        lambda: merge(databases, caller, leave, pay),
        lambda: unmerge(databases, caller, leave),
        lambda: halves(databases, caller, leave),
        lambda: split(databases, caller, leave),
    ):
        with pytest.raises(Forbidden):
            act()


@pytest.fixture
def taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grouping that takes everything for one topic."""

    def all_one(asked: Sequence[AskedText], *, new_id: Callable[[], str], **_more: object) -> dict[str, str | None]:
        topic = next((one.topic for one in asked if one.topic), None) or new_id()
        return {one.id: one.topic or topic for one in asked}

    monkeypatch.setattr("assistant.topics.updating.grow_topics", all_one)


@pytest.fixture
def two_in_one(databases: Database, taken_for_one: None) -> str:
    ask(databases, people(8), about="leave", text="how do I take leave, Mr Smith")
    ask(databases, people(6, "q"), about="pay", text="when am I paid")
    update(databases, 0)
    (topic,) = topics(databases)
    return topic


def test_a_split_makes_two_that_were_shown_before(databases: Database, two_in_one: str) -> None:
    before = cells(databases)
    shown = halves(databases, HR, two_in_one)
    assert [half.example for half in shown] == ["how do I take leave, Mr ‹name›", "when am I paid"]
    split(databases, HR, two_in_one, agreed=[half.key for half in shown])
    assert cells(databases) == before
    with databases.read() as session:
        first, second = (
            list(store.asked_texts(session, languages=None, of_topics=[topic]))
            for topic in sorted(store.counted_for(session))
        )
    assert ({one.text[:4] for one in first}, {one.text[:4] for one in second}) == ({"how "}, {"when"})
    assert all(one.settled for one in (*first, *second))
    with pytest.raises(BadInput, match="mean the same"):
        halves(databases, HR, two_in_one)


def test_a_split_that_was_not_the_one_shown_is_not_made(databases: Database, two_in_one: str) -> None:
    with pytest.raises(ChangedMeanwhile):
        split(databases, HR, two_in_one, agreed=["x", "y"])
    assert len(halves(databases, HR, two_in_one)) == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda database, topic: rename(database, HR, topic, "leave and pay"),
        lambda database, _topic: forget(database, "p7"),
    ],
    ids=["another change", "a person forgotten"],
)
def test_what_changes_while_the_halves_are_found_is_seen_and_not_kept_waiting(
    act: Callable[[Database, str], None], databases: Database, two_in_one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def while_somebody_acts(asked: Sequence[AskedText]) -> tuple[list[AskedText], list[AskedText]] | None:
        act(databases, two_in_one)
        return halves_of(asked)

    monkeypatch.setattr("assistant.topics.halving.halves_of", while_somebody_acts)
    with pytest.raises(ChangedMeanwhile):
        split(databases, HR, two_in_one)
    assert AuditAction.TOPIC_SPLIT not in {action for _who, action, _what in noted(databases)}
    monkeypatch.undo()
    assert len(halves(databases, HR, two_in_one)) == 2


def test_nobody_is_the_example_of_a_half_by_asking_often(databases: Database, taken_for_one: None) -> None:
    ask(databases, people(6), about="leave", text="how do I take leave")
    ask(databases, people(6, "q"), about="pay", text="when am I paid")
    ask(databases, ["loud"] * 40, about="pay", text="BUY MY CAR")
    update(databases, 0)
    (topic,) = topics(databases)
    assert {half.example for half in halves(databases, HR, topic)} == {"how do I take leave", "when am I paid"}


def test_nobody_is_the_example_of_a_half_by_asking_in_many_wordings(databases: Database, taken_for_one: None) -> None:
    ask(databases, people(6), about="leave", text="how do I take leave")
    ask(databases, people(6, "q"), about="pay", text="when am I paid")
    ask(databases, ["loud"] * 40, about="pay")
    update(databases, 0)
    (topic,) = topics(databases)
    assert {half.example for half in halves(databases, HR, topic)} == {"how do I take leave", "when am I paid"}


def test_what_is_agreed_to_tells_nothing_of_who_is_behind_it(databases: Database, two_in_one: str) -> None:
    before = halves(databases, HR, two_in_one)
    forget(databases, "p7")
    assert halves(databases, HR, two_in_one) == before


def test_a_half_of_too_few_is_neither_shown_nor_made(databases: Database, taken_for_one: None) -> None:
    ask(databases, people(6), about="leave", text="how do I take leave")
    ask(databases, people(4, "q"), about="pay", text="when am I paid")
    update(databases, 0)
    (topic,) = topics(databases)
    for act in (halves, split):
        with pytest.raises(BadInput, match="too few people"):
            act(databases, HR, topic)  # type: ignore[operator]


def test_who_asks_in_the_open_week_changes_no_half(databases: Database, two_in_one: str) -> None:
    before = halves(databases, HR, two_in_one)
    ask(databases, people(9, "new"), about="pay", text="where is my pay slip", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, 0)
    assert halves(databases, HR, two_in_one) == before


@pytest.mark.parametrize("named", [False, True])
def test_a_split_in_mid_week_holds_for_what_was_asked_that_week(
    named: bool, databases: Database, two_in_one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuesday = NEXT_MONDAY + dt.timedelta(days=1)
    ask(databases, people(9, "new"), about="pay", text="where is my pay slip", at=tuesday)
    ask(databases, people(7, "new"), about="leave", text="how long is my leave", at=tuesday)
    update(databases, 0)
    if named:
        rename(databases, HR, two_in_one, "Leave")
    monkeypatch.setattr("assistant.topics.updating.grow_topics", grow_topics)
    split(databases, HR, two_in_one)
    update(databases, 0)
    ask(databases, people(6, "q"), about="pay", text="what is on my pay slip", at=tuesday)
    update(databases, 1)
    with databases.read() as session:
        in_topic = {one.text: one.topic for one in store.asked_texts(session, languages=None)}
    leave, pay = in_topic["how do I take leave, Mr Smith"], in_topic["when am I paid"]
    assert leave == two_in_one != pay
    assert in_topic["how long is my leave"] == leave
    assert {in_topic["where is my pay slip"], in_topic["what is on my pay slip"]} == {pay}
    assert sorted((cell.topic_id, cell.people) for cell in cells(databases)[1:]) == sorted([(leave, 5), (pay, 15)])


def test_no_week_closes_between_a_split_and_the_update_that_follows_it(
    databases: Database, two_in_one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(databases, people(9, "new"), about="pay", text="where is my pay slip", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, 0)
    close_next = updating.close_next

    def split_before(*arguments: object, **more: object) -> object:
        split(databases, HR, two_in_one)
        return close_next(*arguments, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(updating, "close_next", split_before)
        update(databases, 1)
    assert len(cells(databases)) == 1
    monkeypatch.setattr(updating, "grow_topics", grow_topics)
    update(databases, 1)
    assert cells(databases)[1].topic_id != two_in_one


def test_a_topic_is_named_anew_where_its_name_has_left(databases: Database, two_in_one: str) -> None:
    """It was named by what most asked; the others are more by now, and keep it."""
    assert topics(databases)[two_in_one].name == "how do I take leave, Mr ‹name›"
    ask(databases, people(9, "new"), about="pay", text="when am I paid", at=NEXT_MONDAY + dt.timedelta(days=1))
    update(databases, 1)
    split(databases, HR, two_in_one)
    assert topics(databases)[two_in_one].name == "when am I paid"
