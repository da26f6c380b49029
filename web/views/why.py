"""Why a moment stands where it does, as a page tells it: words first, numbers for those who want them.

Reads what was kept with the answer. An answer that was kept without says nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES, nowhere
from knowledge.finding.channels import Channel

FOUND_BY = {
    "words": (Channel.WORDS, Channel.WORDS_AROUND, Channel.LETTERS),
    "sounds": (Channel.SOUNDS, Channel.SOUNDS_AROUND),
    "meaning": (
        Channel.DENSE,
        Channel.DENSE_AROUND,
        Channel.DENSE_RECORDING,
        Channel.TOKENS,
        Channel.TOKENS_AROUND,
        Channel.RERANKED,
    ),
}


@dataclass(frozen=True, slots=True)
class MatchView:
    """`written`: empty where the passage writes it as the question does."""

    asked: str
    written: str


@dataclass(frozen=True, slots=True)
class BarView:
    """`share`: of what speaks for the moment, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class ChannelView:
    name: str
    score: float
    z: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class WhyView:
    said: tuple[MatchView, ...]
    alike: tuple[MatchView, ...]
    missing: tuple[str, ...]
    meaning: float | None
    found_by: tuple[BarView, ...]
    channels: tuple[ChannelView, ...]
    lowered: float
    score: float


@dataclass(frozen=True, slots=True)
class FeatureView:
    name: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class ModelView:
    """`total`: intercept and points together, as log odds."""

    probability: float
    intercept: float
    features: tuple[FeatureView, ...]
    total: float


@dataclass(frozen=True, slots=True)
class VerdictWhyView:
    nowhere: tuple[str, ...]
    covered: ModelView
    right: ModelView
    answered_from: float
    absent_below: float


def why_view(hit: Mapping[str, Any]) -> WhyView | None:
    why = hit.get("explain")
    if why is None:
        return None
    points = {Channel(each["channel"]): each["points"] for each in why["channels"] if each["channel"] in CHANNEL_NAMES}
    return WhyView(
        said=_matches(why["said"]),
        alike=_matches(why["alike"]),
        missing=tuple(why["missing"]),
        meaning=None if why["meaning"] is None else max(0.0, why["meaning"]),
        found_by=found_by(points),
        channels=tuple(_channel(each) for each in why["channels"]),
        lowered=why["lowered"],
        score=hit["score"],
    )


def verdict_why_view(why: Mapping[str, Any] | None, hits: Sequence[Mapping[str, Any]]) -> VerdictWhyView | None:
    """`hits`: those that are still there."""
    if why is None:
        return None
    return VerdictWhyView(
        nowhere=tuple(nowhere([hit["explain"]["missing"] for hit in hits])),
        covered=_model(why["covered"]),
        right=_model(why["right"]),
        answered_from=why["answered_from"],
        absent_below=why["absent_below"],
    )


def found_by(points: Mapping[Channel, float]) -> tuple[BarView, ...]:
    """What speaks for a moment, in three kinds; what speaks against it is among the numbers."""
    kinds = {name: max(0.0, sum(points.get(each, 0.0) for each in channels)) for name, channels in FOUND_BY.items()}
    total = sum(kinds.values())
    return tuple(BarView(name, value / total) for name, value in kinds.items()) if total > 0 else ()


def _matches(given: Sequence[Mapping[str, Any]]) -> tuple[MatchView, ...]:
    return tuple(_match(each["asked"], ", ".join(each["written"])) for each in given)


def _match(asked: str, written: str) -> MatchView:
    return MatchView(asked, "" if written.casefold() == asked.casefold() else written)


def _channel(given: Mapping[str, Any]) -> ChannelView:
    """A matcher that is gone since keeps the name it was kept under."""
    name = CHANNEL_NAMES.get(given["channel"], given["channel"])
    return ChannelView(name, given["score"], given["z"], given["weight"], given["points"])


def _model(given: Mapping[str, Any]) -> ModelView:
    features = tuple(
        FeatureView(FEATURE_NAMES.get(each["feature"], each["feature"]), each["value"], each["weight"], each["points"])
        for each in given["parts"]
    )
    intercept = given["intercept"] or 0.0
    return ModelView(given["probability"], intercept, features, intercept + sum(each.points for each in features))
