"""Passwords of local accounts: what is taken, how it is kept, and that a guess learns nothing from the clock."""

import statistics
import time

import pytest

from assistant.access.passwords import (
    LONGEST,
    SHORTEST,
    hash_password,
    made_up_password,
    needs_hashing_anew,
    password_is,
)
from assistant.errors import BadInput

RIGHT = "correct horse battery staple"


def test_the_right_one_is_known_again_and_no_other() -> None:
    kept = hash_password(RIGHT, name="Anna")
    assert kept.startswith("$argon2id$")
    assert RIGHT not in kept
    assert password_is(RIGHT, kept)
    for wrong in ("", RIGHT + " ", RIGHT[:-1], RIGHT.upper(), RIGHT + "x" * LONGEST):
        assert not password_is(wrong, kept)


def test_the_same_password_is_kept_differently_for_each() -> None:
    assert hash_password(RIGHT, name="Anna") != hash_password(RIGHT, name="Anna")


@pytest.mark.parametrize("password", ["", "x" * (SHORTEST - 1), "ab" * SHORTEST, "x" * (LONGEST + 1)])
def test_what_is_too_short_too_long_or_all_the_same_is_refused(password: str) -> None:
    with pytest.raises(BadInput):
        hash_password(password, name="Anna")


@pytest.mark.parametrize("password", ["Maximiliana Berg", "maximiliana berg", "MAXIMILIANA BERG "])
def test_ones_own_name_is_no_password(password: str) -> None:
    with pytest.raises(BadInput):
        hash_password(password, name="Maximiliana Berg")


def test_the_longest_one_is_compared_to_its_last_character() -> None:
    longest = "".join(chr(97 + number % 26) for number in range(LONGEST))
    kept = hash_password(longest, name="Anna")
    assert password_is(longest, kept)
    assert not password_is(longest[:-1] + "!", kept)
    assert not password_is(longest + "!", kept)


@pytest.mark.parametrize("kept", ["", "!", "plain", "$argon2id$broken"])
def test_a_hash_that_cannot_be_read_lets_nobody_in(kept: str) -> None:
    assert not password_is("", kept)
    assert not password_is(kept, kept)


def test_nobody_is_let_in_without_an_account() -> None:
    assert not password_is(RIGHT, None)


@pytest.mark.timed
def test_a_name_without_an_account_takes_as_long_as_one_with() -> None:
    kept = hash_password(RIGHT, name="Anna")
    took: dict[str | None, list[float]] = {kept: [], None: []}
    for _ in range(25):
        for hashed, times in took.items():
            began = time.perf_counter()
            password_is("wrong", hashed)
            times.append(time.perf_counter() - began)
    with_account, without = (statistics.median(times) for times in took.values())
    assert with_account == pytest.approx(without, rel=0.25)


def test_cheaper_hashes_of_older_days_are_noticed() -> None:
    assert not needs_hashing_anew(hash_password(RIGHT, name="Anna"))
    assert needs_hashing_anew("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzYWx0$" + "A" * 43)


def test_made_up_passwords_are_taken_and_never_the_same() -> None:
    made = {made_up_password() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        hash_password(each, name="Anna")
