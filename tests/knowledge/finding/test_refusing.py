"""The verdict that ships, and how it is read."""

import math
from dataclasses import replace

import pytest

from knowledge.finding.moment import Verdict
from knowledge.finding.refusing import (
    OF_ONE_EMBEDDER,
    OF_TOKENS,
    Features,
    Model,
    Sight,
    Verdicts,
    decide,
    document_of,
    fitted,
    verdicts_of,
)
from knowledge.model_files import MINILM_SHA256, digest_of

GOOD = Features(
    cover_sentence=0.8,
    cover_passage=0.85,
    cover_sounds=0.7,
    told=3.5,
    words_surprise=3.0,
    dense_surprise=0.8,
    sounds_surprise=3.0,
    agreement=1.0,
    margin=2.0,
    fused=3.0,
    cosine=0.7,
    close=0.8,
    close_around=0.85,
    close_gap=0.6,
    searched=3.3,
    dense_speaks=1.0,
)
POOR = replace(
    GOOD,
    cover_sentence=0.1,
    cover_passage=0.15,
    cover_sounds=0.15,
    words_surprise=0.4,
    dense_surprise=-0.5,
    sounds_surprise=0.5,
    agreement=0.1,
    margin=0.3,
    fused=1.2,
    cosine=0.3,
    close=0.4,
    close_around=0.45,
    close_gap=0.15,
)
PACKAGED = digest_of(MINILM_SHA256)
VERDICTS = Verdicts(Model(0.0, {}), Model(0.0, {}), answered_from=0.6, absent_below=0.2)


@pytest.mark.parametrize("sight", Sight)
@pytest.mark.parametrize("digest", [PACKAGED, "0" * 64, None])
def test_a_question_whose_every_word_is_there_is_surer_than_one_whose_words_are_not(
    digest: str | None, sight: Sight
) -> None:
    verdicts = fitted(digest, sight)
    assert verdicts.covered.probability(GOOD) > 0.8 > 0.3 > verdicts.covered.probability(POOR)
    assert verdicts.right.probability(GOOD) > verdicts.right.probability(POOR)


def test_three_verdicts_follow_from_two_probabilities() -> None:
    assert decide(0.9, 0.7, VERDICTS) is Verdict.ANSWERED
    assert decide(0.9, 0.5, VERDICTS) is Verdict.CLOSEST
    assert decide(0.1, 0.1, VERDICTS) is Verdict.ABSENT


def test_a_probability_stays_one_however_wild_the_features() -> None:
    wild = Model(0.0, {"margin": 1e6})
    assert 0.0 < wild.probability(replace(GOOD, margin=1e6)) <= 1.0
    assert 0.0 <= wild.probability(replace(GOOD, margin=-1e6)) < 1.0
    assert math.isclose(Model(0.0, {}).probability(GOOD), 0.5)


@pytest.mark.parametrize("sight", Sight)
@pytest.mark.parametrize("digest", [PACKAGED, None])
def test_the_thresholds_that_ship_can_be_reached(digest: str | None, sight: Sight) -> None:
    verdicts = fitted(digest, sight)
    assert 0.0 < verdicts.absent_below < 1.0
    assert 0.0 < verdicts.answered_from < 1.0


@pytest.mark.parametrize("sight", Sight)
@pytest.mark.parametrize("digest", [PACKAGED, None])
def test_covering_more_of_the_question_never_makes_it_less_likely_answered(digest: str | None, sight: Sight) -> None:
    verdicts = fitted(digest, sight)
    for model in (verdicts.covered, verdicts.right):
        covering = [weight for name, weight in model.weights.items() if name.startswith("cover_")]
        assert sum(covering) > 0
        assert min(covering) >= 0


def test_another_embedder_is_not_judged_by_the_size_of_this_ones_cosines() -> None:
    verdicts = fitted("0" * 64)
    assert not OF_ONE_EMBEDDER & (set(verdicts.covered.weights) | set(verdicts.right.weights))
    assert OF_ONE_EMBEDDER & set(fitted(PACKAGED).covered.weights)


@pytest.mark.parametrize("digest", [PACKAGED, None])
def test_where_tokens_are_lacking_a_good_answer_is_judged_by_what_is_left(digest: str | None) -> None:
    """0 for what tokens tell would say that nothing is near."""
    lacking = replace(GOOD, close=0.0, close_around=0.0, close_gap=0.0)
    verdicts = fitted(digest, Sight.WITHOUT_TOKENS)
    assert not OF_TOKENS & (set(verdicts.covered.weights) | set(verdicts.right.weights))
    assert decide(*verdicts.told(lacking), verdicts) is Verdict.ANSWERED
    assert verdicts.told(lacking)[0] > fitted(digest).told(lacking)[0]


def test_verdicts_come_back_from_their_document() -> None:
    assert verdicts_of(document_of(fitted(PACKAGED))) == fitted(PACKAGED)


@pytest.mark.parametrize(
    "change",
    [
        {"answered_from": 1.5},
        {"absent_below": float("nan")},
        {"covered": {"intercept": 0.0, "weights": {"mood": 1.0}}},
        {"right": {"intercept": float("inf"), "weights": {}}},
    ],
)
def test_what_cannot_be_verdicts_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        verdicts_of({**document_of(fitted(PACKAGED)), **change})
