"""Whatever points at a person goes; ordinary numbers and words stay; nothing that has a check digit slips through."""

import datetime as dt
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from assistant.topics.masking import is_chinese_id, is_iban, masked, passes_luhn
from knowledge.one_line import on_one_line
from tests.assistant.topics.questions_to_mask import KEPT, MASKED, NAMES

DIGITS = st.text("0123456789")
BESIDE = st.text(max_size=12)
SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u200b", " - "])


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_what_points_at_a_person_goes(text: str, expected: str) -> None:
    assert masked(text, names=NAMES) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_points_at_nobody_stays(text: str) -> None:
    assert masked(text, names=NAMES) == text


@pytest.mark.parametrize("name", ["name", "card", "", " ", "x", "(", ".*", "\\", "‹name›"])
def test_odd_names_of_people_do_no_harm(name: str) -> None:
    once = masked("the ‹card› of Anna", names=[name])
    assert masked(once, names=[name]) == once
    assert "‹card›" in once


def with_luhn(beginning: str) -> str:
    return next(beginning + check for check in "0123456789" if passes_luhn(beginning + check))


CARDS = st.builds(
    lambda first, rest: with_luhn(first + rest),
    st.sampled_from("3456"),
    st.text("0123456789", min_size=11, max_size=17),
)


def with_check(seventeen: str) -> str:
    return next(seventeen + check for check in "0123456789X" if is_chinese_id(seventeen + check))


CHINESE_IDS = st.builds(
    lambda place, day, serial: with_check(f"{place}{day:%Y%m%d}{serial:03}"),
    st.integers(110000, 659999),
    st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2099, 12, 28)),
    st.integers(0, 999),
)


def with_iban_check(country: str, account: str) -> str:
    return next(f"{country}{check:02}{account}" for check in range(2, 99) if is_iban(f"{country}{check:02}{account}"))


IBANS = st.builds(
    with_iban_check,
    st.sampled_from(["DE", "GB", "FR", "NL", "CH"]),
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=30),
)


def written(number: str, separator: str, size: int) -> str:
    return separator.join(number[start : start + size] for start in range(0, len(number), size))


@given(CARDS, SEPARATORS, st.integers(3, 19), BESIDE, BESIDE)
@example("4111111111111111", " ", 4, "7", "")
@example("4111111111111111", " ", 4, "7 ", " 7")
def test_no_card_is_left_in_any_text(card: str, separator: str, size: int, before: str, after: str) -> None:
    assert_gone(card, masked(before + written(card, separator, size) + after))


@given(CHINESE_IDS, SEPARATORS, st.integers(4, 18), BESIDE, BESIDE)
@example("11000020080904000X", ".", 4, "", "and me")
def test_no_chinese_id_is_left_in_any_text(number: str, separator: str, size: int, before: str, after: str) -> None:
    assert_gone(number, masked(before + written(number, separator, size) + after))


@given(IBANS, st.sampled_from(["", " ", "-"]), BESIDE, BESIDE)
@example("DE31000000A0000", " ", "0@", "")
def test_no_iban_is_left_in_any_text(iban: str, separator: str, before: str, after: str) -> None:
    assume(iban[4:] not in before + after)
    text = masked(before + written(iban, separator, 4) + after)
    assert iban[4:] not in "".join(each for each in text if each.isalnum())


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True).filter(str.isascii), st.text("的请在ab ，", max_size=5))
def test_no_chinese_mobile_is_left(number: str, beside: str) -> None:
    assert_gone(number, masked(beside + number + beside))


@given(st.text())
def test_what_is_masked_is_what_a_page_shows(text: str) -> None:
    """On one line and without what files drop, or numbers would come together after all."""
    once = masked(text)
    assert on_one_line(once) == once


@given(st.text())
@example("‹name› ‹nam‹name›e›")
@example("1" * 30 + "‹card›" + "2" * 4)
def test_masking_again_changes_nothing(text: str) -> None:
    once = masked(text, names=NAMES)
    assert masked(once, names=NAMES) == once


@given(st.text("0123456789 -.@+()XxAZaz中路号王经理,:/‹›"))
def test_masking_again_changes_nothing_where_much_is_masked(text: str) -> None:
    once = masked(text, names=NAMES)
    assert masked(once, names=NAMES) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Can you tell me whom to ask? Will I be paid?", "Can you tell me whom to ask? Will I be paid?"),
        ("You can ask You Jing", "You can ask ‹name›"),
        ("ask Can about it, or Will", "ask ‹name› about it, or ‹name›"),
        ("does can yilmaz decide", "does ‹name› decide"),
        ("Jing said so", "‹name› said so"),
    ],
)
def test_a_colleague_called_like_a_small_word_takes_none_from_the_questions(text: str, shown: str) -> None:
    assert masked(text, names=["You Jing", "Can Yilmaz", "Will Young", "Can", " You"]) == shown


def test_a_long_hostile_text_is_masked_soon() -> None:
    for piece in ("1 ", "a.", "中", "12 A ", "@a", "DE89 ", "1-", ":1", "Mr ", "A" * 3, "一，", "one. ", "1:", "\n1"):
        began = time.process_time()
        masked(piece * (2_000 // len(piece)))
        assert time.process_time() - began < 5, piece


def assert_gone(number: str, text: str) -> None:
    """Nor all but its ends, whatever stood beside it."""
    left = "".join(each for each in text if each.isdecimal() or each in "Xx")
    assert number not in left
    assert number[4:-4] not in left
