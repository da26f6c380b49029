"""Texts as runs of units."""

import pytest

from knowledge.terms.units import plurals_in, runs_of


def keys(text: str) -> list[tuple[str, ...]]:
    return [run.keys for run in runs_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Report the near-miss, today!", [("report", "the", "near", "miss"), ("today",)]),
        ("The worker's glove don't fit", [("the", "worker", "glove", "don't", "fit")]),
        ("我们用Transformer模型。好", [("我", "们", "用", "transformer", "模", "型"), ("好",)]),
        ("內核 与 Ｋernel", [("内", "核", "与", "kernel")]),
        ("push_to_hub", [("push",), ("to",), ("hub",)]),
        ("قِيمة العَقد", [("قِيمة", "العَقد")]),
        ("आपातकालीन निकास", [("आपातकालीन", "निकास")]),
        ("", []),
        ("… 。 !?", []),
    ],
)
def test_a_text_is_cut_where_no_term_goes_on(text: str, expected: list[tuple[str, ...]]) -> None:
    assert keys(text) == expected


def test_what_is_too_long_for_a_word_ends_a_run() -> None:
    assert keys(f"red {'x' * 10_000} lamp") == [("red",), ("lamp",)]


def test_a_unit_knows_how_it_is_written() -> None:
    text = "Each Near-Miss counts"
    (run,) = runs_of(text)
    assert [text[first:last] for first, last in run.spans] == ["Each", "Near", "Miss", "counts"]


def test_only_a_plural_whose_singular_is_said_is_folded() -> None:
    words = {"miss", "misses", "token", "tokens", "lens", "process", "battery", "batteries", "canvas", "bus"}
    assert plurals_in(words) == {"misses": "miss", "tokens": "token", "batteries": "battery"}
