"""Guessing passwords gets slower and slower, for names that there are and names that there are not, and not faster by
trying many at once."""

import contextlib
import datetime as dt
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access import attempts, people, signing_in
from assistant.access.attempts import FREE_OF_ADDRESS, FREE_OF_NAME, LONGEST_WAIT_S, wait_s
from assistant.access.passwords import hash_password
from assistant.access.role import Role
from assistant.access.signing_in import sign_in
from assistant.errors import Busy, SignInRefused
from knowledge.database import Database


@pytest.fixture
def database(databases: Database) -> Database:
    """Of either kind."""
    return databases


NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
RIGHT = "correct horse battery staple"


def fail(database: Database, *, name: str = "Anna", address: str = "10.0.0.1", now: dt.datetime = NOON) -> None:
    with database.write() as session, contextlib.suppress(Busy):
        attempts.count_attempt(session, name=name, address=address, now=now)


def left_s(database: Database, *, name: str = "Anna", address: str = "10.0.0.1", now: dt.datetime = NOON) -> float:
    try:
        with database.write() as session:
            attempts.count_attempt(session, name=name, address=address, now=now)
            session.rollback()
    except Busy as busy:
        return busy.retry_after_s
    return 0.0


@given(failures=st.integers(0, 10_000), free=st.integers(1, 100))
def test_the_wait_only_grows_and_has_an_end(failures: int, free: int) -> None:
    assert 0.0 <= wait_s(failures, free=free) <= wait_s(failures + 1, free=free) <= LONGEST_WAIT_S
    assert (wait_s(failures, free=free) == 0.0) == (failures < free)


def test_the_wait_doubles_with_each_failure(database: Database) -> None:
    for _ in range(FREE_OF_NAME - 1):
        fail(database)
    assert left_s(database) == 0
    waits, now = [], NOON
    for _ in range(4):
        fail(database, now=now)
        waits.append(left_s(database, now=now))
        now += dt.timedelta(seconds=waits[-1])
    assert waits == [2, 4, 8, 16]
    assert left_s(database, now=now - dt.timedelta(seconds=1)) == 1
    assert left_s(database, now=now) == 0


def test_who_comes_too_early_does_not_wait_longer_for_it(database: Database) -> None:
    for _ in range(50):
        fail(database)
    assert left_s(database) == 2


def test_a_day_later_it_is_forgotten(database: Database) -> None:
    for _ in range(40):
        fail(database)
    late = NOON + dt.timedelta(hours=24, seconds=1)
    assert left_s(database, now=late) == 0
    fail(database, now=late)
    assert left_s(database, now=late) == 0
    with database.write() as session:
        attempts.sweep(session, now=late + dt.timedelta(hours=25))
    assert left_s(database, now=late) == 0


def test_one_persons_mistakes_do_not_slow_another(database: Database) -> None:
    for _ in range(10):
        fail(database)
    assert left_s(database) > 0
    assert left_s(database, name="Bert") == 0


def test_one_address_cannot_go_through_all_names(database: Database) -> None:
    for number in range(FREE_OF_ADDRESS):
        fail(database, name=f"person {number}")
    assert left_s(database, name="somebody else") > 0
    assert left_s(database, name="somebody else", address="10.0.0.2") == 0


def test_an_office_behind_one_address_is_not_shut_out_by_weeks_of_typing_errors(database: Database) -> None:
    """Ten mistakes a day by five hundred people, none of them twice by the same."""
    now = NOON
    for day in range(30):
        for number in range(10):
            now = NOON + dt.timedelta(days=day, hours=number)
            fail(database, name=f"person {day} {number}", now=now)
    assert left_s(database, name="somebody else", now=now) == 0


def test_names_are_told_apart_as_accounts_are(database: Database) -> None:
    for name in ("anna", " ANNA ", "Anna", "aNNa", "anna"):
        fail(database, name=name)
    assert left_s(database, name="Anna") > 0


@pytest.fixture
def account(database: Database) -> Database:
    with database.write() as session:
        people.add_local(session, "Anna", role=Role.EMPLOYEE, password_hash=hash_password(RIGHT, name="Anna"))
    return database


def outcome(database: Database, name: str, password: str, *, address: str = "10.0.0.1") -> str:
    try:
        sign_in(database, name, password, address=address, now=NOON)
    except (SignInRefused, Busy) as error:
        return type(error).__name__
    return "in"


def test_a_name_that_nobody_has_is_slowed_down_like_one_that_there_is(account: Database) -> None:
    tried = {
        name: [outcome(account, name, "wrong", address=name) for _ in range(FREE_OF_NAME + 2)]
        for name in ("Anna", "Nobody at all")
    }
    assert tried["Anna"] == tried["Nobody at all"] == ["SignInRefused"] * FREE_OF_NAME + ["Busy"] * 2


def test_a_name_as_long_as_a_book_and_one_with_a_nul_are_names_that_nobody_has(account: Database) -> None:
    assert outcome(account, "x" * 100_000, "wrong") == "SignInRefused"
    assert outcome(account, "An\x00na", "wrong") == "SignInRefused"
    assert outcome(account, "Anna", "wrong\x00") == "SignInRefused"


def test_trying_many_at_once_is_no_way_around_the_wait(account: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, gate = list[str](), threading.Barrier(16)
    compare = signing_in.password_is
    monkeypatch.setattr(signing_in, "password_is", lambda *given: looked_at.append("") or compare(*given))

    def guess() -> None:
        gate.wait()
        outcome(account, "Anna", "wrong")

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(looked_at) == FREE_OF_NAME


def test_whoever_signs_in_leaves_no_mistakes_behind(account: Database) -> None:
    for _ in range(FREE_OF_NAME - 1):
        outcome(account, "Anna", "wrong")
    assert outcome(account, "Anna", RIGHT) == "in"
    for _ in range(FREE_OF_NAME - 1):
        outcome(account, "Anna", "wrong")
    assert outcome(account, "Anna", RIGHT) == "in"


def test_an_office_that_signs_in_every_morning_counts_as_no_mistakes(account: Database) -> None:
    for _ in range(FREE_OF_ADDRESS + 5):
        assert outcome(account, "Anna", RIGHT) == "in"
