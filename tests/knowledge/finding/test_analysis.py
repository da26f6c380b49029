"""Texts taken apart: what must meet meets, and nothing breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.analysis import analyse


@pytest.mark.parametrize(
    ("typed", "heard"),
    [
        ("2015", "twenty fifteen"),
        ("the 1990s", "the nineteen nineties"),
        ("the 21st", "the twenty first"),
        ("1,200 people", "one thousand two hundred people"),
        ("3.5 metres", "three point five metres"),
        ("50%", "fifty percent"),
        ("007", "zero zero seven"),
        ("NFL", "n. f. l."),
        ("the N.F.L.", "the n f l"),
        ("the worker's ladders", "the worker ladder"),
        ("COVID-19", "covid nineteen"),
    ],
)
def test_what_is_typed_meets_what_is_heard(typed: str, heard: str) -> None:
    assert analyse(typed, "en").words == analyse(heard, "en").words


def test_traditional_and_simplified_signs_are_the_same() -> None:
    assert analyse("電腦關機", "zh") == analyse("电脑关机", "zh")


def test_chinese_is_taken_apart_into_signs_and_pairs() -> None:
    assert analyse("关电脑", "zh").words == ("关", "电", "脑", "关电", "电脑")


def test_syllables_that_are_mixed_up_sound_the_same() -> None:
    assert analyse("知", "zh").sounds == analyse("资", "zh").sounds
    assert analyse("男", "zh").sounds == analyse("兰", "zh").sounds


def test_word_breaks_do_not_change_how_it_sounds() -> None:
    assert set(analyse("size mick", "en").sounds) & set(analyse("seismic", "en").sounds)


def test_no_token_holds_a_space_since_an_index_may_split_there() -> None:
    assert "guo_min" in analyse("国民", "zh").sounds


def test_small_words_are_kept() -> None:
    assert "the" in analyse("the ladder", "en").words


def test_english_inside_chinese_is_taken_apart_as_words() -> None:
    assert "bert" in analyse("用BERT模型", "zh").words


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "de", "ja", "und", "xx", "zh-Hant-TW", ""]))
def test_any_text_gives_tokens(text: str, language: str) -> None:
    tokens = analyse(text, language)
    assert all(tokens.words)
    assert all(tokens.sounds)
    assert not any(any(sign.isspace() for sign in token) for token in (*tokens.words, *tokens.sounds))


@pytest.mark.parametrize("language", ["ja", "th", "tr", "ru", "zh", "en"])
def test_a_decimal_can_be_said_in_languages_that_write_no_spaces(language: str) -> None:
    assert analyse("0.0", language).words


@given(st.text(alphabet="0123456789.,-%$ s", max_size=60))
def test_any_figures_can_be_said(text: str) -> None:
    analyse(text, "en")
    analyse(text, "de")
    analyse(text, "fr")
