"""What follows from a change of who a course is for, and that two who change it at once both count."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access import course_rights, people
from assistant.access.caller import HERE, Caller, Way
from assistant.access.claims import SignedInAs
from assistant.access.governing import Change, Follows, Turn, changed, make_change, make_course, what_follows
from assistant.access.policy import Action, CourseRights, may
from assistant.access.role import Role
from assistant.access.sessions import caller_of
from assistant.audit.event import NOBODY
from assistant.audit.reading import AuditFilter, read
from assistant.errors import BadInput, Forbidden, NotFound
from knowledge.database import Database

IDS = st.frozensets(st.sampled_from("abcd"), max_size=4)
RIGHTS = st.builds(CourseRights, st.just("course"), st.booleans(), IDS, IDS, IDS)
PEOPLE = st.lists(
    st.builds(Caller, st.sampled_from("abcd"), st.sampled_from(Role), st.just(Way.SESSION), groups=IDS),
    unique_by=lambda one: one.person_id,
    min_size=1,
)
CHANGES = st.builds(Change, st.sampled_from(Turn), st.sampled_from("abcd"))


@given(RIGHTS, CHANGES, PEOPLE)
def test_who_loses_is_who_the_policy_lets_hear_now_and_not_then(
    rights: CourseRights, change: Change, everybody: Sequence[Caller]
) -> None:
    after = changed(rights, change)
    follows = what_follows(rights, after, everybody, everybody[0])
    lost = [one for one in everybody if may(one, Action.HEAR, rights) and not may(one, Action.HEAR, after)]
    assert follows.losing == len(lost)
    if change.turn in (Turn.OPEN, Turn.ADD_GROUP, Turn.ADD_PERSON, Turn.ADD_TRAINER):
        assert not follows.takes_away


@given(RIGHTS, CHANGES, PEOPLE)
def test_a_change_touches_nothing_else(rights: CourseRights, change: Change, everybody: Sequence[Caller]) -> None:
    after = changed(rights, change)
    sides = ("open_to_all", "groups", "people", "trainers")
    assert sum(getattr(rights, side) != getattr(after, side) for side in sides) <= 1
    assert changed(after, change) == after
    assert what_follows(rights, rights, everybody, everybody[0]) == Follows()


def a_trainer(database: Database, name: str = "Tina") -> Caller:
    with database.write() as session:
        return caller_of(people.add_local(session, name, role=Role.TRAINER, password_hash="x"))


def rights_now(database: Database, course_id: str) -> CourseRights:
    with database.read() as session:
        rights = course_rights.rights_of(session, course_id)
    assert rights is not None
    return rights


def test_two_changes_at_once_both_count(databases: Database) -> None:
    tina = a_trainer(databases)
    with databases.write() as session:
        course = make_course(session, tina, "Pricing", open_to_all=False)
        groups = [people.group_of_name(session, f"Group {number}").id for number in range(8)]

    def add(group: str) -> None:
        with databases.write() as session:
            make_change(session, tina, course.id, Change(Turn.ADD_GROUP, group), agreed="")

    threads = [threading.Thread(target=add, args=(group,)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rights_now(databases, course.id).groups == frozenset(groups)


def test_a_course_that_takes_away_waits_for_a_yes_to_just_that(databases: Database) -> None:
    tina = a_trainer(databases)
    with databases.write() as session:
        people.add_local(session, "Emil", role=Role.EMPLOYEE, password_hash="x")
        course = make_course(session, tina, "Pricing", open_to_all=True)
        asked = make_change(session, tina, course.id, Change(Turn.CLOSE), agreed="0-0-0")
        assert (asked.kept, asked.follows.losing) == (False, 1)
        assert make_change(session, tina, course.id, Change(Turn.CLOSE), agreed=asked.follows.said).kept
    assert not rights_now(databases, course.id).open_to_all


def test_who_may_not_govern_changes_nothing(databases: Database) -> None:
    tina, tom = a_trainer(databases), a_trainer(databases, "Tom")
    with databases.write() as session:
        opened = make_course(session, tina, "Open", open_to_all=True)
        closed = make_course(session, tina, "Closed", open_to_all=False)
        with pytest.raises(Forbidden):
            make_change(session, tom, opened.id, Change(Turn.CLOSE), agreed="")
        with pytest.raises(NotFound):
            make_change(session, tom, closed.id, Change(Turn.OPEN), agreed="")
        with pytest.raises(Forbidden):
            make_course(session, Caller("x", Role.EMPLOYEE, Way.SESSION), "Mine", open_to_all=True)


def test_a_name_is_taken_by_open_courses_alone(databases: Database) -> None:
    with databases.write() as session:
        made = [make_course(session, HERE, "Pricing", open_to_all=open_to_all) for open_to_all in (False, False, True)]
        assert len({course.id for course in made}) == 3
        with pytest.raises(BadInput):
            make_change(session, HERE, made[0].id, Change(Turn.OPEN), agreed="")
        with pytest.raises(BadInput):
            make_course(session, HERE, "PRICING", open_to_all=True)
    with databases.read() as session:
        assert {row.actor for row in read(session, AuditFilter(action="course-made")).entries} == {NOBODY}


def test_people_are_found_by_any_part_of_a_name_in_any_script(databases: Database) -> None:
    with databases.write() as session:
        for name in ("Zoë Älvarez", "王小明", "100% Karl", "O_Neil"):
            people.add_local(session, name, role=Role.EMPLOYEE, password_hash="x")

        def found(wanted: str) -> list[str]:
            return [person.name for person in people.find_people(session, wanted, limit=10)[0]]

        assert found("ZOË ä") == ["Zoë Älvarez"]
        assert found("小明") == ["王小明"]
        assert found("0%") == ["100% Karl"]
        assert found("_") == ["O_Neil"]
        assert found("%%") == []
        assert people.find_people(session, limit=2, offset=2)[1] == 4


def test_members_come_and_go_and_the_providers_stay(databases: Database) -> None:
    with databases.write() as session:
        claimed = SignedInAs("https://id.example", "7", "Clara", None, None, frozenset({"Sales"}))
        clara = people.enter_claimed(session, claimed)
        sales, board = (people.group_of_name(session, name).id for name in ("Sales", "Board"))
        for _ in range(2):
            people.put_into_group(session, clara.id, board)
            people.put_into_group(session, clara.id, sales)
        assert people.known_person(session, clara.id).groups == {sales, board}
        assert people.claimed_members(session, sales) == {clara.id}
        with pytest.raises(BadInput):
            people.take_out_of_group(session, clara.id, sales)
        for _ in range(2):
            people.take_out_of_group(session, clara.id, board)
        assert people.known_person(session, clara.id).groups == {sales}
        with pytest.raises(NotFound):
            people.put_into_group(session, clara.id, "none")
