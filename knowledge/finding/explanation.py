"""Why a moment stands where it does, and why the verdict is what it is, in numbers and words. Values alone.

How common a word is can be worked out from the numbers. They count what was searched and nothing else, so that a
person learns only of what that person may hear.
"""

from dataclasses import dataclass

from knowledge.finding.channels import Channel


@dataclass(frozen=True, slots=True)
class ChannelPart:
    """One channel's part in a hit's score.

    `score`: its own; a cosine, or for words, sounds and letters the share of what a passage that holds everything
    asked would score, or a reranker's logit. `z`: how far that stands above this question's candidates, in deviations.
    `weight`: those of all channels that speak add up to 1. `points`: `z` times `weight`.
    """

    channel: Channel
    score: float
    z: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class Match:
    """A word of the question, and the words of the passage that were taken for it, as they are written there."""

    asked: str
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedWords:
    """What became of the question's words in one passage; small words ("of", "the") are left out.

    `missing`: neither said nor anything that sounds alike.
    """

    said: tuple[Match, ...]
    alike: tuple[Match, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit stands where it does. `channels`: points and `lowered` add up to its score.

    `meaning`: cosine of question and passage; None where no embedder speaks. `lowered`: what was taken off so that
    passages which were not looked at again stand below those that were; else 0.
    """

    words: AskedWords
    meaning: float | None
    channels: tuple[ChannelPart, ...]
    lowered: float


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """`points`: `value` times `weight`, what this feature adds to the logit."""

    feature: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class ModelExplanation:
    """Intercept and points add up to the logit, whose logistic curve is `probability`."""

    probability: float
    intercept: float
    parts: tuple[FeaturePart, ...]


@dataclass(frozen=True, slots=True)
class VerdictExplanation:
    """Answered where the lesser of `covered` and `right` reaches `answered_from`; absent where not, and `covered` is
    below `absent_below`."""

    covered: ModelExplanation
    right: ModelExplanation
    answered_from: float
    absent_below: float
