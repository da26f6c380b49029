"""Told probabilities against what was true: numbers worked out by hand, and laws that hold for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.bench.calibration import balanced, calibration_error, coverage, discrimination, reliability
from earmark.bench.metrics import auroc, coverage_at_precision
from earmark.bench.resampling import bootstrap_weights, every_question_once
from tests.earmark.bench.made_outcomes import probabilities

pairs = st.lists(st.tuples(probabilities, st.booleans()), min_size=1, max_size=40)


def arrays(drawn: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([told for told, _ in drawn]), np.array([true for _, true in drawn], dtype=bool)


def error(told: list[float], true: list[bool]) -> float:
    return float(calibration_error(np.array(told), np.array(true), every_question_once(len(told)))[0])


def test_what_is_told_as_it_is_has_no_error() -> None:
    assert error([0.5, 0.5, 1.0], [True, False, True]) == 0.0


def test_each_bin_errs_by_its_own_gap() -> None:
    # .1 to .2: told .15, none true, 2 questions; .9 to 1: told .95, half true, 2 questions
    assert error([0.15, 0.15, 0.95, 0.95], [False, False, True, False]) == pytest.approx((2 * 0.15 + 2 * 0.45) / 4)


def test_a_certain_one_falls_into_the_last_bin() -> None:
    bins = reliability(np.array([1.0, 0.95, 0.0]), np.array([True, False, False]))
    assert [each.count for each in bins] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert bins[-1].mean_told == pytest.approx(0.975)
    assert bins[-1].share_true == 0.5
    assert bins[1].as_document() == {"from": 0.1, "to": 0.2, "count": 0, "mean_told": None, "share_true": None}


@given(pairs)
def test_the_error_is_that_of_the_bins(drawn: list[tuple[float, bool]]) -> None:
    told, true = arrays(drawn)
    gaps = [each.count * abs((each.share_true or 0.0) - (each.mean_told or 0.0)) for each in reliability(told, true)]
    whole = calibration_error(told, true, every_question_once(len(told)))[0]
    assert whole == pytest.approx(sum(gaps) / len(told))
    assert 0.0 <= whole <= 1.0 + 1e-9


@given(pairs)
def test_every_question_stands_in_one_bin(drawn: list[tuple[float, bool]]) -> None:
    bins = reliability(*arrays(drawn))
    assert sum(each.count for each in bins) == len(drawn)
    assert all(each.low - 1e-9 <= each.mean_told <= each.high + 1e-9 for each in bins if each.mean_told is not None)


@given(pairs)
def test_telling_apart_is_what_auroc_says(drawn: list[tuple[float, bool]]) -> None:
    told, true = arrays(drawn)
    whole = discrimination(told, true, every_question_once(len(told)))[0]
    if true.all() or not true.any():
        assert np.isnan(whole)
    else:
        assert whole == pytest.approx(auroc(told[true].tolist(), told[~true].tolist()))


@given(pairs)
def test_coverage_is_what_the_plain_rule_says(drawn: list[tuple[float, bool]]) -> None:
    told, true = arrays(drawn)
    whole = coverage(told, true, true, every_question_once(len(told)), precision=0.9)[0]
    if true.all() or not true.any():
        assert np.isnan(whole)
    else:
        plain = coverage_at_precision(told[true].tolist(), told[~true].tolist(), precision=0.9)
        assert whole == pytest.approx(plain)


def test_coverage_of_right_answers_counts_wrong_ones_of_the_answerable_as_mistakes() -> None:
    told = np.array([0.9, 0.8, 0.7, 0.1])
    right = np.array([True, False, True, False])
    answerable = np.array([True, True, True, False])
    assert coverage(told, right, answerable, every_question_once(4))[0] == pytest.approx(1 / 3)


@given(pairs)
def test_a_weight_of_two_is_the_question_twice(drawn: list[tuple[float, bool]]) -> None:
    told, true = arrays(drawn)
    twice = np.full((1, len(told)), 2.0)
    double = np.concatenate([told, told]), np.concatenate([true, true])
    for figure in (calibration_error, discrimination):
        assert figure(told, true, twice) == pytest.approx(
            figure(*double, every_question_once(2 * len(told))), nan_ok=True
        )


def test_both_kinds_weigh_half() -> None:
    answerable = np.array([True, True, True, False])
    assert balanced(answerable, every_question_once(4)).tolist() == [[1 / 6, 1 / 6, 1 / 6, 1 / 2]]
    assert np.isnan(balanced(answerable[:3], every_question_once(3))).all()


def test_the_bootstrap_is_seeded_and_draws_as_many_as_there_are() -> None:
    first = bootstrap_weights(7, rounds=20)
    assert (first == bootstrap_weights(7, rounds=20)).all()
    assert (first.sum(axis=1) == 7).all()
    assert (first != bootstrap_weights(7, rounds=20, seed=2)).any()
