"""Rows that are alike come together, however many hang together."""

import numpy as np
import pytest

from assistant.topics.asked_text import FloatArray
from assistant.topics.linkage import _reachable, linked

KINDS, EACH, DIMS = 6, 50, 32


@pytest.fixture
def kinds() -> FloatArray:
    """Rows of six kinds in turn, 0.9 alike within one, all of them hanging together by rows that stand between two."""
    chance = np.random.default_rng(0)
    middles = np.eye(KINDS, DIMS)
    rows = np.tile(middles, (EACH, 1)) + chance.normal(0, 0.05, (KINDS * EACH, DIMS))
    between = (middles + np.roll(middles, 1, axis=0))[: KINDS - 1]
    return unit(np.vstack([rows, between]))


def unit(rows: np.ndarray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def together(groups: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(groups == each).tolist()) for each in np.unique(groups)}


def test_of_many_that_hang_together_some_are_linked_and_the_rest_join_them(
    kinds: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_reachable(kinds, 0.6)) == 1, "nothing is linked part by part"
    whole = linked(kinds, at_least=0.6)
    assert len(np.unique(whole[: KINDS * EACH])) == KINDS
    monkeypatch.setattr("assistant.topics.linkage.MOST_LINKED_WHOLE", len(kinds) // 4)
    some = linked(kinds, at_least=0.6)
    assert together(some[: KINDS * EACH]) == together(whole[: KINDS * EACH])
    assert np.array_equal(np.unique(some), np.arange(some.max() + 1)), "each row has a number, and none is left out"
    assert np.array_equal(some, linked(kinds, at_least=0.6))


def test_what_is_like_no_group_of_those_linked_stays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain: each row like the next, and like no other."""
    chain = unit(np.eye(40, 41) + np.eye(40, 41, k=1) * 1.5)
    monkeypatch.setattr("assistant.topics.linkage.MOST_LINKED_WHOLE", 4)
    groups = linked(chain, at_least=0.44)
    assert len(groups) == len(chain)
    assert np.bincount(groups).max() <= 3, "a row and its two neighbours"
    assert np.array_equal(np.unique(groups), np.arange(groups.max() + 1))


def test_a_part_that_is_not_too_large_is_linked_as_ever(kinds: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    before = linked(kinds, at_least=0.6)
    monkeypatch.setattr("assistant.topics.linkage.MOST_LINKED_WHOLE", len(kinds))
    assert np.array_equal(linked(kinds, at_least=0.6), before)


def test_nothing_is_in_no_group() -> None:
    assert linked(np.zeros((0, 8), np.float32), at_least=0.6).shape == (0,)
