"""Who each course is for, kept and read; and that a course nobody may know of is not given away by its name."""

from dataclasses import replace

import pytest

from assistant.access import course_rights, people
from assistant.access.caller import HERE, Caller, Scope, Way
from assistant.access.course_rights import course_to_fill, permitted, require, set_rights, set_trainers
from assistant.access.people import Person
from assistant.access.policy import Action
from assistant.access.role import Role
from assistant.access.sessions import caller_of
from assistant.errors import BadInput, Forbidden, NotFound
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


def add(database: Database, name: str, role: Role = Role.EMPLOYEE) -> Person:
    with database.write() as session:
        return people.add_local(session, name, role=role, password_hash="!")


@pytest.fixture
def trainer(database: Database) -> Person:
    return add(database, "Tina", Role.TRAINER)


@pytest.fixture
def other_trainer(database: Database) -> Person:
    return add(database, "Theo", Role.TRAINER)


@pytest.fixture
def closed(database: Database, trainer: Person) -> Course:
    """A course that only its trainer knows of."""
    with database.write() as session:
        course = course_to_fill(session, caller_of(trainer), "Redundancies 2027")
        set_rights(session, course.id, open_to_all=False, groups=[], people=[])
        return course


def fill(database: Database, person: Person, name: str) -> Course:
    with database.write() as session:
        return course_to_fill(session, caller_of(person), name)


def heard_by(database: Database, caller: Caller) -> frozenset[str]:
    with database.read() as session:
        return permitted(session, caller, Action.HEAR)


def test_a_course_that_nobody_closed_is_open_to_all(database: Database, anna: Person) -> None:
    with database.write() as session:
        course = recordings.new_course(session, "Onboarding")
    assert heard_by(database, caller_of(anna)) == {course.id}


def test_rights_are_kept_as_they_were_set_and_replace_those_before(database: Database, anna: Person) -> None:
    bert = add(database, "Bert")
    with database.write() as session:
        course = recordings.new_course(session, "Pricing")
        sales = people.group_of_name(session, "Sales")
        set_rights(session, course.id, open_to_all=False, groups=[sales.id], people=[anna.id])
        set_trainers(session, course.id, [bert.id])
    with database.read() as session:
        rights = course_rights.rights_of(session, course.id)
    assert rights is not None
    assert (rights.open_to_all, rights.groups, rights.people, rights.trainers) == (
        False,
        {sales.id},
        {anna.id},
        {bert.id},
    )
    with database.write() as session:
        set_rights(session, course.id, open_to_all=False, groups=[], people=[])
    with database.read() as session:
        rights = course_rights.rights_of(session, course.id)
    assert rights is not None
    assert (rights.groups, rights.people, rights.trainers) == (frozenset(), frozenset(), {bert.id})


def test_a_group_that_goes_takes_its_ears_along(database: Database, anna: Person) -> None:
    with database.write() as session:
        course = recordings.new_course(session, "Pricing")
        sales = people.group_of_name(session, "Sales")
        people.set_groups(session, anna.id, [sales.id])
        set_rights(session, course.id, open_to_all=False, groups=[sales.id], people=[])
    inside = replace(caller_of(anna), groups=frozenset({sales.id}))
    assert heard_by(database, inside) == {course.id}
    with database.write() as session:
        people.remove_group(session, sales.id)
    assert heard_by(database, inside) == frozenset()


def test_a_closed_course_and_one_that_never_was_are_refused_in_the_same_words(
    database: Database, other_trainer: Person, closed: Course
) -> None:
    said = []
    for course_id in (closed.id, "0190cafe-0000-7000-8000-000000000000"):
        with database.read() as session, pytest.raises(NotFound) as refused:
            require(session, caller_of(other_trainer), Action.EDIT, course_id)
        said.append((type(refused.value), str(refused.value), refused.value.way_out))
    assert said[0] == said[1]


def test_who_only_hears_a_course_is_told_so(database: Database, other_trainer: Person) -> None:
    with database.write() as session:
        course = recordings.new_course(session, "Onboarding")
    with database.read() as session, pytest.raises(Forbidden):
        require(session, caller_of(other_trainer), Action.EDIT, course.id)


@pytest.mark.parametrize("written", ["Redundancies 2027", "redundancies 2027 ", "REDUNDANCIES\u200b 2027"])
def test_the_name_of_a_closed_course_is_free_for_everybody_else(
    database: Database, other_trainer: Person, closed: Course, written: str
) -> None:
    made = fill(database, other_trainer, written)
    assert made.id != closed.id
    assert made.created_at >= closed.created_at
    assert fill(database, other_trainer, written).id == made.id
    with database.read() as session:
        rights = course_rights.rights_of(session, made.id)
    assert rights is not None
    assert rights.trainers == {other_trainer.id}


def test_its_own_trainer_goes_on_filling_the_closed_course(
    database: Database, trainer: Person, other_trainer: Person, closed: Course
) -> None:
    fill(database, other_trainer, closed.name)
    assert fill(database, trainer, closed.name).id == closed.id


def test_a_course_that_is_open_is_filled_by_its_trainers_alone(
    database: Database, trainer: Person, other_trainer: Person
) -> None:
    course = fill(database, trainer, "Onboarding")
    with pytest.raises(Forbidden):
        fill(database, other_trainer, "onboarding")
    assert fill(database, trainer, "onboarding").id == course.id


def test_an_employee_makes_no_course_whether_or_not_there_is_one(
    database: Database, anna: Person, closed: Course
) -> None:
    said = []
    for name in (closed.name, "Something else"):
        with pytest.raises(Forbidden) as refused:
            fill(database, anna, name)
        said.append((str(refused.value), refused.value.way_out))
    assert said[0] == said[1]


def test_a_token_that_may_only_read_makes_no_course(database: Database, trainer: Person) -> None:
    token = Caller(trainer.id, Role.TRAINER, Way.TOKEN, scopes=frozenset({Scope.READ}))
    with database.write() as session, pytest.raises(Forbidden):
        course_to_fill(session, token, "Onboarding")


def test_a_course_is_opened_only_where_its_name_is_free(
    database: Database, other_trainer: Person, closed: Course
) -> None:
    fill(database, other_trainer, closed.name)
    with database.write() as session, pytest.raises(BadInput, match="open to all"):
        set_rights(session, closed.id, open_to_all=True, groups=[], people=[])
    with database.write() as session:
        course_rights.rename(session, closed.id, "Redundancies")
        set_rights(session, closed.id, open_to_all=True, groups=[], people=[])
    assert closed.id in heard_by(database, caller_of(other_trainer))


def test_a_closed_course_may_be_renamed_to_a_name_that_others_use(
    database: Database, other_trainer: Person, closed: Course
) -> None:
    fill(database, other_trainer, "Onboarding")
    with database.write() as session:
        course_rights.rename(session, closed.id, "Onboarding")
    with database.read() as session:
        renamed = recordings.course(session, closed.id)
    assert renamed is not None
    assert renamed.name == "Onboarding"


def test_people_groups_and_courses_that_are_not_there_change_nothing(database: Database, closed: Course) -> None:
    for groups, persons, course_id in ((["x"], [], closed.id), ([], ["x"], closed.id), ([], [], "x")):
        with database.write() as session, pytest.raises(NotFound):
            set_rights(session, course_id, open_to_all=True, groups=groups, people=persons)
    with database.write() as session, pytest.raises(NotFound):
        set_trainers(session, closed.id, ["x"])
    with database.read() as session:
        rights = course_rights.rights_of(session, closed.id)
    assert rights is not None
    assert not rights.open_to_all


def test_where_nobody_signs_in_whoever_is_here_hears_and_fills_everything(database: Database, closed: Course) -> None:
    with database.write() as session:
        assert course_to_fill(session, HERE, closed.name).id == closed.id
        assert closed.id in permitted(session, HERE, Action.GOVERN)
