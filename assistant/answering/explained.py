"""Explanations as documents, and the plain names of what they are made of. Decides nothing about ranking."""

from collections.abc import Sequence
from typing import Any

from knowledge.finding.channels import Channel
from knowledge.finding.explanation import (
    Explanation,
    Match,
    ModelExplanation,
    VerdictExplanation,
)

CHANNEL_NAMES = {
    Channel.DENSE: "meaning",
    Channel.DENSE_AROUND: "meaning, with what was said around it",
    Channel.DENSE_RECORDING: "meaning of the whole recording",
    Channel.WORDS: "words",
    Channel.WORDS_AROUND: "words, with what was said around it",
    Channel.SOUNDS: "sounds",
    Channel.SOUNDS_AROUND: "sounds, with what was said around it",
    Channel.TOKENS: "meaning word by word",
    Channel.TOKENS_AROUND: "meaning word by word, with what was said around it",
    Channel.LETTERS: "runs of letters",
    Channel.RERANKED: "question and passage read together",
}
"""In English; the pages translate them."""

FEATURE_NAMES = {
    "cover_sentence": "how much of the question the sentence says",
    "cover_passage": "how much of the question is said around it",
    "cover_sounds": "how much of the question sounds alike there",
    "words_surprise": "how far the best match of words stands out",
    "dense_surprise": "how far the best match of meaning stands out",
    "sounds_surprise": "how far the best match of sounds stands out",
    "agreement": "how many of the matchers agree on the first moment",
    "margin": "how far the first moment is ahead of the second",
    "told": "how much the question says",
    "fused": "how far the first moment stands out in all",
    "cosine": "how near its meaning is",
    "close": "how near its words' meanings are",
    "close_around": "how near the words' meanings around it are",
    "close_gap": "how much nearer those are than elsewhere",
    "searched": "how much was searched",
    "dense_speaks": "whether the embedder knows the language",
}
"""Of the verdict's features, in English; the pages translate them. A test keeps them complete."""


def nowhere(missing: Sequence[Sequence[str]]) -> list[str]:
    """Words of the question that none of these moments says, nor anything that sounds alike; what each of them misses
    is given."""
    return [word for word in missing[0] if all(word in each for each in missing)] if missing else []


def hit_explanation_document(explanation: Explanation) -> dict[str, Any]:
    return {
        "said": [_match_document(each) for each in explanation.words.said],
        "alike": [_match_document(each) for each in explanation.words.alike],
        "missing": list(explanation.words.missing),
        "meaning": None if explanation.meaning is None else round(explanation.meaning, 4),
        "channels": [
            {
                "channel": part.channel.value,
                "score": round(part.score, 4),
                "z": round(part.z, 4),
                "weight": round(part.weight, 4),
                "points": round(part.points, 4),
            }
            for part in explanation.channels
        ],
        "lowered": round(explanation.lowered, 4),
    }


def verdict_explanation_document(why: VerdictExplanation, nowhere: Sequence[str]) -> dict[str, Any]:
    return {
        "nowhere": list(nowhere),
        "covered": _model_document(why.covered),
        "right": _model_document(why.right),
        "answered_from": why.answered_from,
        "absent_below": why.absent_below,
    }


def _match_document(match: Match) -> dict[str, Any]:
    return {"asked": match.asked, "written": list(match.written)}


def _model_document(model: ModelExplanation) -> dict[str, Any]:
    return {
        "probability": round(model.probability, 4),
        "intercept": model.intercept,
        "parts": [
            {
                "feature": part.feature,
                "value": round(part.value, 4),
                "weight": part.weight,
                "points": round(part.points, 4),
            }
            for part in model.parts
        ],
    }
