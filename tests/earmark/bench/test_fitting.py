"""Fitting the verdict: the regression is the one a library gives, and the thresholds keep what they promise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fit_verdict import seen_like, shipped
from earmark.bench.fitting import (
    RIGHT_FROM,
    SPEAKS_FOR,
    Label,
    fit,
    fit_model,
    fit_signed,
    half_untaught,
    logits,
    lowest_precise,
    stretch_model,
    with_thresholds,
)
from knowledge.finding.refusing import SETS, Model, Sight, features_for, verdicts_of
from tests.earmark.bench.made_examples import NAMES, START, made_examples

EVEN = np.ones


def test_without_a_start_it_is_the_regression_that_scikit_learn_fits() -> None:
    from sklearn.linear_model import LogisticRegression

    examples = made_examples(300)
    weights = half_untaught(examples)
    ours = fit_model(examples, Label.COVERED, NAMES, weights)
    matrix = np.array([[getattr(each.features, name) for name in NAMES] for each in examples])
    scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    theirs = LogisticRegression(C=1.0, max_iter=5000, tol=1e-10)
    theirs.fit(scaled, [each.covered for each in examples], sample_weight=weights)
    assert list(ours.weights.values()) == pytest.approx(theirs.coef_[0] / matrix.std(axis=0), abs=1e-3)
    assert logits(ours, examples) == pytest.approx(theirs.decision_function(scaled), abs=0.01)


def test_a_heavy_penalty_stays_at_the_start_and_a_light_one_does_not() -> None:
    examples = made_examples(200, cover_tells=-1.0)
    heavy, light = (
        fit_model(examples, Label.COVERED, NAMES, EVEN(200), start=START, penalty=penalty) for penalty in (1e9, 0.1)
    )
    assert heavy.weights == pytest.approx(START.weights, abs=1e-3)
    assert light.weights["cover_sentence"] < 0 < START.weights["cover_sentence"]


def test_a_feature_that_never_changes_stays_as_it_was() -> None:
    examples = [replace(each, features=replace(each.features, cosine=0.5)) for each in made_examples(120)]
    fitted = fit_model(examples, Label.COVERED, NAMES, EVEN(120), start=START, penalty=0.1)
    assert fitted.weights["cosine"] == START.weights["cosine"]
    assert fitted.weights["cover_sentence"] != START.weights["cover_sentence"]


def test_stretching_keeps_the_order() -> None:
    examples = made_examples(150)
    stretched = stretch_model(examples, Label.RIGHT, EVEN(150), start=START)
    ratios = {round(stretched.weights[name] / START.weights[name], 3) for name in NAMES}
    assert max(ratios) - min(ratios) < 0.002
    assert np.array_equal(np.argsort(logits(stretched, examples)), np.argsort(logits(START, examples)))


def test_examples_that_a_line_parts_exactly_give_finite_numbers() -> None:
    examples = [
        replace(each, covered=at % 2 == 0, features=replace(each.features, cover_sentence=float(at % 2 == 0)))
        for at, each in enumerate(made_examples(60))
    ]
    fitted = fit_model(examples, Label.COVERED, NAMES, EVEN(60))
    assert fitted.weights["cover_sentence"] > 1
    assert all(np.isfinite(list(fitted.weights.values())))


def test_taught_and_untaught_questions_of_every_set_weigh_the_same() -> None:
    examples = [replace(each, set_name="a" if at < 30 else "b") for at, each in enumerate(made_examples(200))]
    weights = half_untaught(examples, each=7.0)
    for name in ("a", "b"):
        for covered in (True, False):
            of_kind = [each.set_name == name and each.covered is covered for each in examples]
            assert weights[np.array(of_kind)].sum() == pytest.approx(7.0)


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
@settings(deadline=None)
def test_from_the_threshold_on_answers_are_right_often_enough(drawn: list[tuple[int, bool]]) -> None:
    base = made_examples(1)[0]
    examples = [replace(base, covered=True, right=right) for _, right in drawn]
    sure = np.array([told / 10 + at * 1e-6 for at, (told, _) in enumerate(drawn)])
    threshold = lowest_precise(sure, examples, EVEN(len(drawn)))
    accepted = [each.right for each, told in zip(examples, sure, strict=True) if told >= threshold]
    assert not accepted or threshold == 1.0 or np.mean(accepted) >= RIGHT_FROM - 1e-9


def test_a_whole_fit_tells_the_taught_from_the_untaught() -> None:
    examples = made_examples(400)
    verdicts = fit(examples, NAMES, half_untaught(examples))
    taught, untaught = (
        np.mean([verdicts.told(each.features)[0] for each in examples if each.covered is covered])
        for covered in (True, False)
    )
    assert taught > 0.6 > 0.4 > untaught
    assert set(verdicts.covered.weights) == set(NAMES)


def test_what_counts_as_absent_is_never_answered() -> None:
    """Where answers are right from low on, the mistakes among the taught could lie above."""
    examples = made_examples(400, cover_tells=0.1)
    unset = fit(examples, NAMES, half_untaught(examples))
    told = np.vstack([np.full(400, 0.9), np.linspace(0.1, 0.9, 400)])
    right = [replace(each, covered=True, right=True) for each in examples]
    found = with_thresholds(unset, told, right, np.ones(400))
    assert found.absent_below <= found.answered_from == 0.1


@pytest.mark.parametrize("seed", range(4))
def test_a_good_sign_never_counts_against(seed: int) -> None:
    """Here taught questions happen to be covered less than untaught ones."""
    examples = made_examples(400, seed=seed, cover_tells=-1.0)
    weights = half_untaught(examples)
    assert fit_model(examples, Label.COVERED, NAMES, weights).weights["cover_sentence"] < 0
    signed = fit_signed(examples, Label.COVERED, NAMES, weights)
    assert all(weight >= 0 for name, weight in signed.weights.items() if name in SPEAKS_FOR)
    assert signed.weights["cosine"] > 0
    assert signed == fit_model(examples, Label.COVERED, ("cosine", "fused"), weights)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown features: mood"):
        Model(0.0, {"mood": 1.0})
    with pytest.raises(ValueError, match="finite"):
        Model(float("nan"), {})


def test_what_ships_has_every_set_each_measured_without_its_group() -> None:
    examples = [
        replace(each, group=group, set_name=f"{group} {at // 2 % 2}", sight=sight)
        for sight in Sight
        for group, seed in (("a", 1), ("b", 2), ("c", 3))
        for at, each in enumerate(made_examples(80, seed=seed))
    ]
    document = shipped(examples)
    for (whose, sight), name in SETS.items():
        of_set: Any = document[name]
        assert set(verdicts_of(of_set).covered.weights) <= set(features_for(whose, sight))
        assert [line.split(":")[0] for line in of_set["left_out"]] == ["a 0", "a 1", "b 0", "b 1", "c 0", "c 1"]
    assert "confident precision" in document["packaged"]["left_out"][0]  # type: ignore[index]


def test_a_set_is_fitted_on_what_was_seen_like_it() -> None:
    """And what no tokens said anything of, to begin with, is seen alike by both."""
    close = made_examples(8)[0]
    examples = [
        replace(close, set_name="tokens", features=replace(close.features, close=0.5)),
        replace(close, set_name="no tokens", sight=Sight.WITHOUT_TOKENS),
        replace(close, set_name="silent"),
    ]
    assert [each.set_name for each in seen_like(examples, Sight.WHOLE)] == ["tokens", "silent"]
    assert [each.set_name for each in seen_like(examples, Sight.WITHOUT_TOKENS)] == ["no tokens", "silent"]
