"""Two who change rights in the same moment: neither brings back what the other took away, and neither fails."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from assistant.access import course_rights, keeping_people, people, sessions
from assistant.access.caller import HERE
from assistant.access.claims import SignedInAs
from assistant.access.governing import Change, Turn, make_change
from assistant.access.passwords import hash_password
from assistant.access.people import Person
from assistant.access.policy import CourseRights
from assistant.access.role import Role
from assistant.access.sessions import caller_of
from assistant.access.signing_in import change_password, sign_in
from assistant.errors import BadInput, SignInRefused
from knowledge.database import Database
from knowledge.recordings import store as recordings
from tests.assistant.access.conftest import NOON

LOOKED_BY_THEN_S = 0.5
OLD, NEW = "correct horse battery staple", "a new one, told to nobody"


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


def add(database: Database, name: str) -> Person:
    with database.write() as session:
        return people.add_local(session, name, role=Role.EMPLOYEE, password_hash="!")


@contextmanager
def beside(database: Database, act: Callable[[], object]) -> Iterator[Session]:
    """A transaction that is not over yet while `act` begins; then both end. Raises what `act` raised."""
    with ThreadPoolExecutor(1) as threads:
        with database.write() as session:
            yield session
            other = threads.submit(act)
            wait((other,), timeout=LOOKED_BY_THEN_S)
        other.result(20)


def rights_of(database: Database, course_id: str) -> CourseRights:
    with database.read() as session:
        rights = course_rights.rights_of(session, course_id)
    assert rights is not None
    return rights


def test_a_right_taken_away_does_not_come_back_with_another_change(database: Database, anna: Person) -> None:
    bert = add(database, "Bert")
    with database.write() as session:
        course = recordings.course_by_name(session, "Redundancies", create=True)
        course_rights.set_rights(session, course.id, open_to_all=False, groups=[], people=[anna.id])

    def let_bert_in() -> None:
        with database.write() as session:
            assert make_change(session, HERE, course.id, Change(Turn.ADD_PERSON, bert.id), agreed="").kept

    with beside(database, let_bert_in) as session:
        change = Change(Turn.DROP_PERSON, anna.id)
        follows = make_change(session, HERE, course.id, change, agreed="").follows
        assert make_change(session, HERE, course.id, change, agreed=follows.said).kept
    assert rights_of(database, course.id).people == {bert.id}


def test_a_course_is_renamed_while_its_rights_change(database: Database, anna: Person) -> None:
    with database.write() as session:
        course = recordings.course_by_name(session, "Redundancies", create=True)

    def rename() -> None:
        with database.write() as session:
            course_rights.rename(session, course.id, "Restructuring")

    with beside(database, rename) as session:
        change = Change(Turn.CLOSE)
        follows = make_change(session, HERE, course.id, change, agreed="").follows
        make_change(session, HERE, course.id, change, agreed=follows.said)
    with database.read() as session:
        assert len(recordings.courses_by_name(session, "Restructuring")) == 1
        listed = recordings.course_by_name(session, "Restructuring")
    with database.write() as session:  # a closed course's name is not taken from others
        assert recordings.new_course(session, "Restructuring").id != (listed.id if listed else None)


def test_somebody_taken_out_of_a_group_is_not_put_back_by_being_put_into_another(
    database: Database, anna: Person
) -> None:
    with database.write() as session:
        board, sales = (people.group_of_name(session, name) for name in ("Board", "Sales"))
        people.set_groups(session, anna.id, [board.id])
    with beside(database, lambda: keeping_people.put_into_group(database, "admin", anna.id, sales.id)) as session:
        people.set_groups(session, anna.id, [])
    with database.read() as session:
        assert people.known_person(session, anna.id).groups == {sales.id}


def test_somebody_new_of_a_provider_comes_in_twice_at_once(database: Database) -> None:
    claimed = SignedInAs("https://idp.example", "subject-1", "Anna", None, Role.EMPLOYEE, frozenset({"Sales"}))

    def enter() -> None:
        with database.write() as session:
            people.enter_claimed(session, claimed)

    with beside(database, enter) as session:
        people.enter_claimed(session, claimed)
    with database.read() as session:
        assert people.count_people(session) == 1
        assert [group.name for group in people.list_groups(session)] == ["Sales"]


def test_a_group_is_made_twice_at_once(database: Database) -> None:
    def make() -> None:
        with database.write() as session:
            people.group_of_name(session, "Sales")

    with beside(database, make) as session:
        people.group_of_name(session, "sales")
    with database.read() as session:
        assert len(people.list_groups(session)) == 1


def test_an_old_password_opens_nothing_while_it_is_replaced(database: Database) -> None:
    old, new = (hash_password(each, name="Anna") for each in (OLD, NEW))
    with database.write() as session:
        anna = people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash=old)

    def come_in() -> None:
        sign_in(database, "Anna", OLD, address="here", now=NOON)

    with pytest.raises(SignInRefused), beside(database, come_in) as session:
        people.set_password(session, anna.id, new)
    with database.read() as session:
        assert sessions.sessions_of(session, anna.id) == []


def test_somebody_who_is_forgotten_meanwhile_does_not_come_in(database: Database) -> None:
    with database.write() as session:
        anna = people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash=hash_password(OLD, name="Anna"))

    def come_in() -> None:
        sign_in(database, "Anna", OLD, address="here", now=NOON)

    with pytest.raises(SignInRefused), beside(database, come_in) as session:
        people.delete_person(session, anna.id)


def test_a_password_that_an_admin_replaces_is_not_changed_by_who_knew_the_old_one(database: Database) -> None:
    with database.write() as session:
        anna = people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash=hash_password(OLD, name="Anna"))

    def change() -> None:
        change_password(database, caller_of(anna), old=OLD, new="an attacker's own", address="here", now=NOON)

    new = hash_password(NEW, name="Anna")
    with pytest.raises(SignInRefused), beside(database, change) as session:
        people.set_password(session, anna.id, new)
    assert sign_in(database, "Anna", NEW, address="here", now=NOON)


def test_a_new_password_that_will_not_do_counts_as_no_failure(database: Database) -> None:
    with database.write() as session:
        anna = people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash=hash_password(OLD, name="Anna"))
    for _ in range(8):
        with pytest.raises(BadInput, match="12 characters"):
            change_password(database, caller_of(anna), old=OLD, new="short", address="here", now=NOON)
