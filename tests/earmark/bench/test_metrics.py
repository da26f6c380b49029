"""The figures themselves, against numbers worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.bench.metrics import (
    auroc,
    coverage_at_precision,
    hit_at,
    mean_figure,
    ndcg,
    reciprocal_rank,
    threshold_at_precision,
    worst_ranks,
)

scores = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 5).map(float), max_size=12)
shares = st.lists(st.integers(0, 20).map(lambda each: each / 20), min_size=1, max_size=30)


def test_a_tie_counts_against_the_right_document() -> None:
    assert worst_ranks({"right": 1.0, "wrong": 1.0, "worse": 0.5}, {"right"}) == [2]


def test_a_document_that_was_not_found_has_no_rank() -> None:
    assert worst_ranks({"wrong": 1.0}, {"right"}) == []


def test_two_right_documents_have_two_ranks() -> None:
    assert worst_ranks({"one": 3.0, "wrong": 2.0, "two": 1.0}, {"one", "two"}) == [1, 3]


@given(scores, st.sets(st.text("abcdef", min_size=1, max_size=2), max_size=4))
def test_ranks_rise_from_one_and_never_repeat(scored: dict[str, float], relevant: set[str]) -> None:
    ranks = worst_ranks(scored, relevant)
    assert len(ranks) == len(relevant & set(scored))
    assert all(1 <= rank <= len(scored) for rank in ranks)
    assert ranks == sorted(set(ranks))


def test_shares_of_the_first_ranks() -> None:
    assert [hit_at([3], k) for k in (1, 5)] == [0.0, 1.0]
    assert reciprocal_rank([4, 9], 10) == 0.25
    assert reciprocal_rank([11], 10) == 0.0
    assert ndcg([1], 1, 10) == 1.0
    assert ndcg([2], 1, 10) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg([], 0, 10) == 0.0


def test_auroc_of_perfect_useless_and_reversed_scores() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.1], [0.9]) == 0.0


@given(shares, shares)
def test_auroc_of_the_swapped_sides_adds_to_one(positive: list[float], negative: list[float]) -> None:
    assert auroc(positive, negative) + auroc(negative, positive) == pytest.approx(1.0)


@given(shares, shares)
def test_the_threshold_keeps_the_precision_it_promises(positive: list[float], negative: list[float]) -> None:
    threshold = threshold_at_precision(positive, negative, precision=0.9)
    if threshold is not None:
        accepted = sum(each >= threshold for each in positive) / len(positive)
        mistaken = sum(each >= threshold for each in negative) / len(negative)
        assert accepted / (accepted + mistaken) >= 0.9 - 1e-9


def test_coverage_counts_both_kinds_alike() -> None:
    assert coverage_at_precision([0.9, 0.8, 0.3], [0.5] * 100) == pytest.approx(2 / 3)
    assert coverage_at_precision([0.1], [0.9]) == 0.0


def test_an_interval_holds_its_mean_and_is_the_same_again() -> None:
    values = [1.0] * 70 + [0.0] * 30
    first = mean_figure(values)
    assert first == mean_figure(values)
    assert first.low < first.value < first.high
    assert str(mean_figure([1.0])) == "100.0 [100.0, 100.0]"


def test_no_questions_give_a_figure_that_says_so() -> None:
    assert mean_figure([]).questions == 0
