"""What comes out stands on one line, and holds nothing that a file cannot."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.one_line import on_one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("call\r\n\r\n138\t1234", "call 138 1234"),
        ("a\u2028b\u3000c\u00a0d\x1ce", "a b c d e"),
        ("1\x002\ue0003\u03784\ud8005", "12345"),
        ("请假\n多久", "请假 多久"),
    ],
)
def test_white_space_is_one_space_and_what_no_file_holds_is_gone(text: str, expected: str) -> None:
    assert on_one_line(text) == expected


@given(st.text(st.characters(codec=None)))
def test_doing_it_again_changes_nothing(text: str) -> None:
    line = on_one_line(text)
    assert on_one_line(line) == line
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
