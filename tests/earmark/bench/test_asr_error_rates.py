"""What counts as an error, and what is only another way of writing."""

import pytest

from earmark.bench.error_rates import Errors, character_errors, normalised, word_errors


@pytest.mark.parametrize(
    ("written", "heard", "language"),
    [
        ("ISO 9001, in 1984!", "iso nine thousand one in nineteen eighty four", "en"),
        ("It’s a full-time job.", "it's a full time job", "en"),
        ("one hundred and five", "105", "en"),
        ("Größe: 5 m", "größe 5 m", "de"),
        ("请戴好安全帽。", "请 戴好 安全帽", "zh"),
        ("ＡＢＣ", "abc", "de"),
    ],
)
def test_other_ways_of_writing_are_no_errors(written: str, heard: str, language: str) -> None:
    assert word_errors([written], [heard], language=language).rate == 0


def test_umlauts_are_other_letters_in_german() -> None:
    assert word_errors(["schön"], ["schon"], language="de").rate == 1


def test_chinese_counts_characters() -> None:
    assert normalised("第1车间 Zoltex", "zh") == ["第", "1", "车", "间", "zoltex"]


def test_errors_are_summed_over_utterances() -> None:
    errors = word_errors(["a b c d", "e f"], ["a b x d", "e f g"], language="de")
    assert errors == Errors(substituted=1, deleted=0, inserted=1, reference=6)


def test_nothing_said_and_nothing_heard_is_right() -> None:
    assert word_errors([""], [""], language="en").rate == 0
    assert word_errors([""], ["eggs"], language="en").inserted == 1
    assert word_errors(["fire door"], [""], language="en").rate == 1
    assert word_errors([], [], language="en").rate == 0


def test_characters_forgive_a_wrong_space() -> None:
    assert character_errors(["fire door"], ["firedoor"], language="en").rate == 0
