"""How much each word of a question tells."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import SMALL_TALK, with_small_talk
from knowledge.finding.bm25 import idf
from knowledge.index.view import FieldStatistics


@given(st.integers(1, 100_000), st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_small_word_never_tells_more_than_one_as_rare(passages: int, small: int, telling: int) -> None:
    holding = {"we": min(small, passages), "vacat": min(small, passages)}
    known = with_small_talk(FieldStatistics(passages, 20.0, holding), "do we get vacation", "en")
    we, vacation = idf(["we", "vacat"], known)
    assert we < vacation


def test_in_a_large_index_small_words_are_as_rare_as_they_are() -> None:
    before = FieldStatistics(100_000, 20.0, {"we": 30_000, "vacat": 40})
    after = with_small_talk(before, "do we get vacation", "en")
    assert abs(idf(["we", "vacat"], after) - idf(["we", "vacat"], before)).max() < 0.01


def test_small_signs_are_known_traditional_or_simplified() -> None:
    known = with_small_talk(FieldStatistics(10, 20.0, {"们": 1, "假": 1}), "我們的假", "zh")
    assert known.holding == {"们": 1 + SMALL_TALK, "假": 1}
