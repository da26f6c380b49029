"""Written text as it is read out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.recognising.spoken_forms import spoken_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("ISO 9001", "iso nine thousand one"),
        ("in 1984, on the 3rd", "in nineteen eighty four on the third"),
        ("1,200 people", "one thousand two hundred people"),
        ("$5.50 & 3.5%", "five point five dollars and three point five percent"),
        ("call 0800", "call zero eight zero zero"),
        ("It’s Müller’s café.", "it's muller's cafe"),
        ("full-time", "full time"),
        ("安全第1", "安 全 第 one"),
        ("Übung, naïve", "ubung naive"),
        ("don't 'quote'", "don't quote"),
        ("— … ()", ""),
    ],
)
def test_text_becomes_the_words_a_reader_says(written: str, spoken: str) -> None:
    assert spoken_words(written) == spoken.split()


@given(st.text())
def test_any_text_is_read_without_failing(text: str) -> None:
    assert all(word == word.lower() or not word.isascii() for word in spoken_words(text))


@given(st.text(alphabet="0123456789.,$%stndrh -", max_size=40))
def test_any_figures_are_read_without_failing(text: str) -> None:
    assert all(word.isalpha() for word in spoken_words(text))
