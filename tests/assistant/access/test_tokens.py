"""A program's token: what it opens, for how long, and that it goes with its owner."""

import datetime as dt
from collections.abc import Collection

import pytest
from sqlalchemy import update

from assistant.access import people, tokens
from assistant.access.caller import Caller, Scope, Way
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.access.tables import TokenRow
from assistant.access.tokens import Token
from assistant.errors import BadInput, NotFound
from knowledge.database import Database

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
READ = (Scope.READ,)


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


def make(
    database: Database, person: Person, *, name: str = "an LMS", scopes: Collection[Scope] = READ, days: int = 30
) -> tuple[Token, str]:
    with database.write() as session:
        return tokens.make(session, person.id, name=name, scopes=scopes, days=days, now=NOON)


def caller(database: Database, secret: str, *, now: dt.datetime = NOON) -> Caller | None:
    with database.read() as session:
        seen = tokens.seen(session, secret, now=now)
    return None if seen is None else seen.caller


def test_a_token_stands_for_its_owner_within_its_scopes(database: Database, anna: Person) -> None:
    token, secret = make(database, anna, scopes=[Scope.READ, Scope.ASK])
    found = caller(database, secret)
    assert found is not None
    assert (found.person_id, found.way, found.way_id) == (anna.id, Way.TOKEN, token.id)
    assert found.scopes == {Scope.READ, Scope.ASK}


def test_the_secret_is_shown_once_and_not_kept(database: Database, anna: Person) -> None:
    token, secret = make(database, anna)
    with database.read() as session:
        row = session.get_one(TokenRow, token.id)
        assert secret not in " ".join(str(value) for value in vars(row).values())
        assert tokens.tokens_of(session, anna.id) == [token]
    assert caller(database, row.secret_hash) is None
    assert caller(database, secret.removeprefix(tokens.PREFIX)) is None


def test_it_ends_on_its_day(database: Database, anna: Person) -> None:
    token, secret = make(database, anna, days=1)
    assert caller(database, secret, now=NOON + dt.timedelta(hours=23, minutes=59)) is not None
    assert caller(database, secret, now=NOON + dt.timedelta(days=1)) is None
    with database.read() as session:
        assert tokens.by_id(session, token.id, now=NOON) is not None
        assert tokens.by_id(session, token.id, now=NOON + dt.timedelta(days=1)) is None


def test_it_is_revoked_by_its_owner_alone(database: Database, anna: Person) -> None:
    token, secret = make(database, anna)
    with database.write() as session:
        bert = people.add_local(session, "Bert", role=Role.ADMIN, password_hash="!")
    with database.write() as session, pytest.raises(NotFound):
        tokens.revoke(session, token.id, person_id=bert.id)
    assert caller(database, secret) is not None
    with database.write() as session:
        tokens.revoke(session, token.id, person_id=anna.id)
    assert caller(database, secret) is None


def test_it_goes_with_its_owner_and_does_not_come_back(database: Database, anna: Person) -> None:
    _, secret = make(database, anna)
    with database.write() as session:
        people.suspend(session, anna.id)
    assert caller(database, secret) is None
    with database.write() as session:
        people.bring_back(session, anna.id)
    assert caller(database, secret) is None
    _, again = make(database, anna)
    with database.write() as session:
        people.delete_person(session, anna.id)
    assert caller(database, again) is None


def test_it_follows_its_owners_role_and_groups(database: Database, anna: Person) -> None:
    _, secret = make(database, anna)
    with database.write() as session:
        group = people.group_of_name(session, "Sales")
        people.set_groups(session, anna.id, [group.id])
        people.set_role(session, anna.id, Role.TRAINER)
    found = caller(database, secret)
    assert found is not None
    assert (found.role, found.groups) == (Role.TRAINER, {group.id})
    with database.write() as session:
        people.remove_group(session, group.id)
        people.set_role(session, anna.id, Role.EMPLOYEE)
    found = caller(database, secret)
    assert found is not None
    assert (found.role, found.groups) == (Role.EMPLOYEE, frozenset())


def test_a_scope_that_this_earmark_does_not_know_opens_nothing(database: Database, anna: Person) -> None:
    token, secret = make(database, anna)
    with database.write() as session:
        session.execute(update(TokenRow).where(TokenRow.id == token.id).values(scopes="everything admin read"))
    found = caller(database, secret)
    assert found is not None
    assert found.scopes == {Scope.READ}


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", READ, 30), ("\u202e\u200b", READ, 30), ("x" * 81, READ, 30), ("x", (), 30), ("x", READ, 0), ("x", READ, 367)],
)
def test_a_token_without_a_name_a_use_or_an_end_is_not_made(
    database: Database, anna: Person, name: str, scopes: Collection[Scope], days: int
) -> None:
    with pytest.raises(BadInput):
        make(database, anna, name=name, scopes=scopes, days=days)
    with database.read() as session:
        assert tokens.tokens_of(session, anna.id) == []


def test_nobody_has_more_tokens_than_can_be_looked_after(database: Database, anna: Person) -> None:
    for _ in range(tokens.MOST):
        make(database, anna)
    with pytest.raises(BadInput, match="tokens already"):
        make(database, anna)


def test_its_last_use_is_noted_now_and_then(database: Database, anna: Person) -> None:
    token, secret = make(database, anna)
    with database.write() as session:
        first = tokens.seen(session, secret, now=NOON)
        tokens.note_seen(session, token.id, now=NOON)
        again = tokens.seen(session, secret, now=NOON + dt.timedelta(seconds=59))
        later = tokens.seen(session, secret, now=NOON + dt.timedelta(seconds=61))
    assert [each is not None and each.note_due for each in (first, again, later)] == [True, False, True]
