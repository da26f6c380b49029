"""Answered, closest, or not in the recordings: decided by probabilities fitted on data, not by taste.

A logistic regression over a few features that mean the same in any corpus. Its coefficients, where they come from
and what they measured stand in `verdict.json`, written by bench/fit_verdict.py: for the packaged embedder, whose
cosines were seen, and for any other, which must do without their absolute size; each with what tokens tell and
without it. A home may have coefficients of its own: whoever asks brings them as a `VerdictsFor`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from knowledge.finding.moment import Verdict
from knowledge.model_files import MINILM_SHA256, digest_of


@dataclass(frozen=True, slots=True)
class Features:
    """What the verdict is decided on. All are of the first moment unless said otherwise, and 0 where nothing is known.

    cover_*: share of the question, by idf, that its sentence, passage, or its sounds say too (0 to 1).
    told: logarithm of how much the question says, by idf.
    *_surprise: how far the channel's best passage stands above the pool, in deviations, less what the best of so many
    stands above by chance.
    agreement: share of the channels whose own best lies in the first moment. margin: fused score of the first moment
    less the second's. fused: its fused score.
    cosine, close, close_around: of its vector, of its tokens, of tokens around, as the embedder has them.
    close_gap: how near the tokens around are, as a share of the way from the second look's mean to 1.
    searched: passages searched, as a power of ten. dense_speaks: 1 where the embedder knows both languages, else 0.
    """

    cover_sentence: float
    cover_passage: float
    cover_sounds: float
    told: float
    words_surprise: float
    dense_surprise: float
    sounds_surprise: float
    agreement: float
    margin: float
    fused: float
    cosine: float
    close: float
    close_around: float
    close_gap: float
    searched: float
    dense_speaks: float


OF_ONE_EMBEDDER = frozenset({"cosine", "close", "close_around"})
"""Features whose size is the embedder's own: another one's cosines lie elsewhere."""
OF_TOKENS = frozenset({"close", "close_around", "close_gap"})
"""Features that only tokens give."""


class Sight(StrEnum):
    """How much was seen of the first moment. `without tokens`: the embedder compared it with the question, but one of
    the two has no vectors of its tokens, as in a home that an older version made. 0 for what tokens tell is then no
    sign of anything. Where the embedder has no say at all, nothing is lacking."""

    WHOLE = "whole"
    WITHOUT_TOKENS = "without tokens"


PACKAGED, ANY = "packaged", "any"
SETS = {
    (PACKAGED, Sight.WHOLE): "packaged",
    (PACKAGED, Sight.WITHOUT_TOKENS): "packaged without tokens",
    (ANY, Sight.WHOLE): "any",
    (ANY, Sight.WITHOUT_TOKENS): "any without tokens",
}
"""What the sets of coefficients are called in `verdict.json`."""


def features_for(whose: str, sight: Sight) -> tuple[str, ...]:
    """The features that a set is made of."""
    left_out = (OF_ONE_EMBEDDER if whose == ANY else frozenset()) | (
        OF_TOKENS if sight is Sight.WITHOUT_TOKENS else frozenset()
    )
    return tuple(name for name in feature_names() if name not in left_out)


@dataclass(frozen=True, slots=True)
class Model:
    """intercept + weights · features, through the logistic curve."""

    intercept: float
    weights: dict[str, float]

    def __post_init__(self) -> None:
        unknown = set(self.weights) - set(feature_names())
        if unknown:
            raise ValueError(f"weights of unknown features: {', '.join(sorted(unknown))}")
        if not all(map(math.isfinite, (self.intercept, *self.weights.values()))):
            raise ValueError("a weight is no finite number")

    def points(self, features: Features) -> dict[str, float]:
        """What each feature adds to the logit."""
        values = asdict(features)
        return {name: weight * values[name] for name, weight in self.weights.items()}

    def probability(self, features: Features) -> float:
        total = self.intercept + sum(self.points(features).values())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The two models and the thresholds between the three verdicts."""

    covered: Model
    right: Model
    answered_from: float
    absent_below: float

    def __post_init__(self) -> None:
        for threshold in (self.answered_from, self.absent_below):
            if not 0.0 <= threshold <= 1.0:
                raise ValueError(f"a threshold of {threshold} is no probability")

    def told(self, features: Features) -> tuple[float, float]:
        """`covered`, and the probability that the first moment is right: never more than that."""
        covered = self.covered.probability(features)
        return covered, min(covered, self.right.probability(features))


VerdictsFor = Callable[[str | None, Sight], Verdicts]
"""(digest of the index's embedder, what was seen of the first moment) -> by what it is judged."""


def decide(covered: float, probability: float, verdicts: Verdicts) -> Verdict:
    """Answered where the first moment is right by `probability`; absent where nothing is likely to be about it."""
    if probability >= verdicts.answered_from:
        return Verdict.ANSWERED
    return Verdict.ABSENT if covered < verdicts.absent_below else Verdict.CLOSEST


def fitted(embedder_digest: str | None, sight: Sight = Sight.WHOLE) -> Verdicts:
    """What ships: fitted for this embedder, else for any."""
    return _shipped()[SETS[PACKAGED if embedder_digest == digest_of(MINILM_SHA256) else ANY, sight]]


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Verdicts]:
    document = json.loads(files(__package__).joinpath("verdict.json").read_text(encoding="utf-8"))
    return {name: verdicts_of(document[name]) for name in SETS.values()}


def verdicts_of(document: Mapping[str, Any]) -> Verdicts:
    """Raises ValueError, KeyError or TypeError for what `document_of` cannot have written."""
    return Verdicts(
        covered=_model(document["covered"]),
        right=_model(document["right"]),
        answered_from=float(document["answered_from"]),
        absent_below=float(document["absent_below"]),
    )


def document_of(verdicts: Verdicts) -> dict[str, object]:
    return {
        "covered": {"intercept": verdicts.covered.intercept, "weights": verdicts.covered.weights},
        "right": {"intercept": verdicts.right.intercept, "weights": verdicts.right.weights},
        "answered_from": verdicts.answered_from,
        "absent_below": verdicts.absent_below,
    }


def _model(document: Mapping[str, Any]) -> Model:
    return Model(float(document["intercept"]), {str(name): float(each) for name, each in document["weights"].items()})


def feature_names() -> Sequence[str]:
    return tuple(Features.__dataclass_fields__)
