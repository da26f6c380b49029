"""A topic falls into the two that it is made of, whatever its size, and while somebody waits."""

import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from assistant.topics.asked_text import AskedText
from assistant.topics.halving import halves_of
from tests.assistant.topics.test_grouping import GOLD, of, pointing

MIB = 2**20


def sides(found: tuple[list[AskedText], list[AskedText]] | None) -> set[frozenset[str]]:
    """The ids of both halves."""
    assert found is not None
    return {frozenset(one.id for one in half) for half in found}


def ids(asked: list[AskedText]) -> frozenset[str]:
    return frozenset(one.id for one in asked)


def two_kinds(*, with_vectors: bool) -> list[AskedText]:
    """Sixty texts, of two meanings in two words."""
    return [
        AskedText(f"{number:02}", f"{number} {kind}", "en", pointing(at, towards=2) if with_vectors else None)
        for at, kind in enumerate(("printer jam", "payslip"))
        for number in range(at, 60, 2)
    ]


def share_apart(first: list[AskedText], second: list[AskedText]) -> float:
    """How many of the questions lie in the half that their own topic is."""
    found = halves_of([*first, *second])
    assert found is not None
    right = sum(len(ids(ours) & ids(half)) for ours, half in zip((first, second), found, strict=True))
    return max(right, len(first) + len(second) - right) / (len(first) + len(second))


def test_questions_without_vectors_fall_apart_by_their_letters() -> None:
    pairs = list(combinations(sorted(set(GOLD.values())), 2))[::7]
    assert np.mean([share_apart(of(first), of(second)) for first, second in pairs]) > 0.95


@pytest.mark.parametrize("with_vectors", [True, False])
def test_the_rest_of_a_large_topic_goes_where_it_is_nearer(with_vectors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = two_kinds(with_vectors=with_vectors)
    whole = sides(halves_of(asked))
    assert whole == {ids(asked[:30]), ids(asked[30:])}
    monkeypatch.setattr("assistant.topics.halving.MOST_COMPARED", 12)
    assert sides(halves_of(asked)) == whole


def test_what_means_the_same_has_no_halves() -> None:
    assert halves_of([AskedText(f"{number}", f"way {number}", "en", pointing(0)) for number in range(3)]) is None
    assert halves_of([AskedText(f"{number}", "the same", "en", None) for number in range(3)]) is None


def test_long_texts_without_vectors_fit_into_little_memory() -> None:
    chance = np.random.default_rng(0)
    letters = chance.integers(0x4E00, 0x5A00, (200, 500)).tolist()
    asked = [AskedText(f"{at:03}", "".join(map(chr, each)), "zh", None) for at, each in enumerate(letters)]
    tracemalloc.start()
    try:
        halves_of(asked)
        assert tracemalloc.get_traced_memory()[1] < 100 * MIB, "a dense matrix takes a gigabyte"
    finally:
        tracemalloc.stop()
