"""Following merges comes to one end, from wherever one starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.topics.merges import end_of, way_of

INTO = {"a": None, "b": "a", "c": "b", "lost": "nowhere", "r": "q", "q": "s", "s": "q", "self": "self"}


@pytest.mark.parametrize(
    ("topic", "way", "end"),
    [
        ("a", ["a"], "a"),
        ("c", ["c", "b", "a"], "a"),
        ("lost", ["lost"], "lost"),
        ("r", ["r", "q", "s"], "q"),
        ("s", ["s", "q"], "q"),
        ("self", ["self"], "self"),
        ("unknown", ["unknown"], "unknown"),
    ],
)
def test_the_way_and_its_end(topic: str, way: list[str], end: str) -> None:
    assert (way_of(topic, INTO), end_of(topic, INTO)) == (way, end)


names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.none() | names))
def test_everything_on_a_way_has_the_same_end(into: dict[str, str | None]) -> None:
    for topic in into:
        assert {end_of(each, into) for each in way_of(topic, into)} == {end_of(topic, into)}
