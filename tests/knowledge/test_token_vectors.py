"""Token vectors in four bits: what was packed comes back, nearly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.token_vectors import MOST_TOKENS, pack, unpack, unpack_all


@given(st.integers(1, 40), st.integers(1, 97), st.integers(0, 2**32 - 1))
def test_a_packed_token_points_where_it_pointed(count: int, dimensions: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    back = unpack(pack(range(count), vectors))
    assert back is not None
    assert back.starts.tolist() == list(range(count))
    assert back.vectors.shape == vectors.shape
    assert np.linalg.norm(back.vectors, axis=1) == pytest.approx(np.ones(count), abs=1e-5)
    if dimensions >= 32:
        cosines = (back.vectors * vectors).sum(axis=1) / np.linalg.norm(vectors, axis=1)
        assert cosines.min() > 0.95


def test_cosines_are_kept_within_a_hundredth_or_two() -> None:
    vectors = np.random.default_rng(1).normal(size=(200, 384)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    back = unpack(pack([0] * 200, vectors))
    assert back is not None
    assert np.abs(back.vectors @ unit.T - unit @ unit.T).mean() < 0.02


def test_a_passage_of_forty_words_takes_some_four_kilobytes() -> None:
    assert len(pack(range(22), np.ones((22, 384)))) < 4400


def test_many_texts_come_back_as_each_alone() -> None:
    chance = np.random.default_rng(1)
    packed = [pack(range(count), chance.normal(size=(count, 33))) for count in (3, 0, 7, 1)]
    cut = [*packed, packed[0][:-1], pack([0], np.eye(1, 5))]
    rows = unpack_all(cut)
    alone = [unpack(each) for each in packed]
    assert rows.counts.tolist() == [3, 0, 7, 1, 0, 0]
    assert (rows.vectors == np.concatenate([each.vectors for each in alone if each is not None])).all()
    assert unpack_all([]).counts.size == 0


def test_nothing_is_packed_as_nothing() -> None:
    assert pack([], np.zeros((0, 384))) == b""
    assert unpack(b"") is None


def test_tokens_beyond_what_is_kept_are_left_out() -> None:
    packed = unpack(pack([0, 65_535, 70_000], np.eye(3)))
    assert packed is not None
    assert packed.starts.tolist() == [0, 65_535]
    many = unpack(pack([0] * (MOST_TOKENS + 5), np.ones((MOST_TOKENS + 5, 2))))
    assert many is not None
    assert len(many) == MOST_TOKENS


@pytest.mark.parametrize("cut", [1, 4, 5, 7, -1])
def test_what_is_cut_short_or_of_another_version_counts_as_none(cut: int) -> None:
    packed = pack([0, 4], np.eye(2, 8))
    assert unpack(packed[:cut]) is None
    assert unpack(b"\x09" + packed[1:]) is None
