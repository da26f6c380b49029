"""People and groups as they are kept: an admin stays, and claims do not take what was given here."""

import threading

import pytest

from assistant.access import people
from assistant.access.claims import SignedInAs
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.errors import BadInput, NotFound
from knowledge.database import Database


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


def add(database: Database, name: str, role: Role = Role.EMPLOYEE) -> Person:
    with database.write() as session:
        return people.add_local(session, name, role=role, password_hash="!")


def enter(database: Database, *groups: str, name: str = "Anna", role: Role | None = None) -> Person:
    claimed = SignedInAs("https://idp.example", "subject-1", name, "anna@example.com", role, frozenset(groups))
    with database.write() as session:
        return people.enter_claimed(session, claimed)


def groups_of(database: Database, person: Person) -> set[str]:
    with database.read() as session:
        found = people.known_person(session, person.id)
        return {group.name for group in people.list_groups(session) if group.id in found.groups}


@pytest.mark.parametrize("other", ["anna", "ANNA "])
def test_a_name_is_one_persons_however_it_is_written(database: Database, anna: Person, other: str) -> None:
    with pytest.raises(BadInput, match="already"):
        add(database, other)


def test_somebody_of_a_provider_may_be_called_as_somebody_here_and_does_not_sign_in_here(
    database: Database, anna: Person
) -> None:
    claimed = enter(database)
    with database.read() as session:
        found = people.password_hash_of(session, "Anna")
    assert found is not None
    assert found[0].id == anna.id != claimed.id
    with database.write() as session, pytest.raises(BadInput, match="provider"):
        people.set_password(session, claimed.id, "hash")


@pytest.mark.parametrize("act", ["demote", "suspend", "delete"])
def test_the_last_admin_stays(database: Database, act: str) -> None:
    ada = add(database, "Ada", Role.ADMIN)
    suspended = add(database, "Alan", Role.ADMIN)
    with database.write() as session:
        people.suspend(session, suspended.id)

    def lose() -> None:
        with database.write() as session:
            if act == "demote":
                people.set_role(session, ada.id, Role.TRAINER)
            elif act == "suspend":
                people.suspend(session, ada.id)
            else:
                people.delete_person(session, ada.id)

    with pytest.raises(BadInput, match="only admin"):
        lose()
    with database.write() as session:
        people.bring_back(session, suspended.id)
    lose()


def test_two_admins_who_leave_at_once_leave_one(database: Database) -> None:
    admins = [add(database, name, Role.ADMIN) for name in ("Ada", "Alan")]
    gate, refused = threading.Barrier(2), list[str]()

    def leave(person: Person) -> None:
        gate.wait()
        try:
            with database.write() as session:
                people.set_role(session, person.id, Role.EMPLOYEE)
        except BadInput:
            refused.append(person.name)

    threads = [threading.Thread(target=leave, args=(each,)) for each in admins]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refused) == 1
    with database.read() as session:
        assert sum(each.role is Role.ADMIN for each in people.list_people(session)) == 1


def test_claimed_groups_are_renewed_and_given_ones_stay(database: Database) -> None:
    anna = enter(database, "Sales", "Night shift")
    with database.write() as session:
        people.set_groups(session, anna.id, [people.group_of_name(session, "Works council").id])
    assert groups_of(database, anna) == {"Sales", "Night shift", "Works council"}
    enter(database, "sales")
    assert groups_of(database, anna) == {"Sales", "Works council"}
    enter(database)
    assert groups_of(database, anna) == {"Works council"}


def test_what_was_given_here_stays_when_a_provider_claims_it_too_and_no_longer(database: Database) -> None:
    anna = enter(database)
    with database.write() as session:
        people.set_groups(session, anna.id, [people.group_of_name(session, "Sales").id])
    enter(database, "Sales")
    enter(database)
    assert groups_of(database, anna) == {"Sales"}


def test_a_provider_that_says_nothing_of_a_role_leaves_it(database: Database) -> None:
    anna = enter(database)
    with database.write() as session:
        people.set_role(session, anna.id, Role.TRAINER)
    assert enter(database).role is Role.TRAINER
    assert enter(database, role=Role.HR).role is Role.HR


def test_a_suspended_person_stays_so_whatever_a_provider_says(database: Database) -> None:
    anna = enter(database)
    with database.write() as session:
        people.suspend(session, anna.id)
    assert not enter(database, role=Role.ADMIN).is_active


def test_a_group_that_is_not_there_is_nobodys(database: Database, anna: Person) -> None:
    with database.write() as session, pytest.raises(NotFound):
        people.set_groups(session, anna.id, ["nowhere"])
    with database.write() as session, pytest.raises(NotFound):
        people.remove_group(session, "nowhere")


@pytest.mark.parametrize("name", ["", " \t", "\u202e", "x" * 121])
def test_people_and_groups_have_names_that_can_be_read(database: Database, name: str) -> None:
    with pytest.raises(BadInput):
        add(database, name)
    with database.write() as session, pytest.raises(BadInput):
        people.group_of_name(session, name)


def test_who_is_unknown_is_not_changed(database: Database) -> None:
    for change in (people.suspend, people.bring_back, people.delete_person):
        with database.write() as session, pytest.raises(NotFound):
            change(session, "nobody")


def test_part_of_a_mail_address_finds_nobody_where_addresses_are_not_shown(database: Database) -> None:
    with database.write() as session:
        claimed = SignedInAs("https://idp.example", "s", "Anna", "quinn@example.com", None, frozenset())
        anna = people.enter_claimed(session, claimed)
    with database.read() as session:
        assert people.find_people(session, "quinn", limit=9) == ([anna], 1)
        assert people.find_people(session, "quinn", whole_mail=True, limit=9) == ([], 0)
        assert people.find_people(session, "Quinn@example.com", whole_mail=True, limit=9) == ([anna], 1)
        assert people.find_people(session, "ann", whole_mail=True, limit=9) == ([anna], 1)
