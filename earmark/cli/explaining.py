"""`earmark ask --explain`: why each moment stands where it does, and why the verdict is what it is, for a terminal."""

import math

from assistant.answering.answer import Answer
from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES, nowhere
from earmark.cli.console import tell, tell_table
from knowledge.finding.explanation import (
    AskedWords,
    ChannelPart,
    Explanation,
    Match,
    ModelExplanation,
    VerdictExplanation,
)

WITHHELD = "     The numbers are shown only where every course is searched."


def tell_hit_explanation(explanation: Explanation, *, score: float) -> None:
    _tell_words(explanation.words)
    if not explanation.channels:
        tell(WITHHELD)
        return
    rows = [_channel_row(part) for part in explanation.channels]
    if explanation.lowered:
        rows.append(("not among those looked at again", "", "", "", f"{explanation.lowered:+.3f}"))
    tell_table(["matcher", "own score", "stands out", "weight", "points"], [*rows, _sum(score)])
    tell()


def _channel_row(part: ChannelPart) -> tuple[str, str, str, str, str]:
    name = CHANNEL_NAMES[part.channel]
    return name, f"{part.score:.2f}", f"{part.z:+.2f}", f"{part.weight:.2f}", f"{part.points:+.3f}"


def _sum(score: float) -> tuple[str, str, str, str, str]:
    return "score", "", "", "", f"{score:+.3f}"


def _tell_words(words: AskedWords) -> None:
    for what, matches in (("Says", words.said), ("Sounds like", words.alike)):
        if matches:
            tell(f"     {what}: {', '.join(map(_match, matches))}")
    if words.missing:
        tell(f"     Not said here: {', '.join(words.missing)}")


def _match(match: Match) -> str:
    written = ", ".join(match.written)
    return match.asked if written.casefold() == match.asked.casefold() else f"{match.asked} (“{written}”)"


def tell_verdict_explanation(answer: Answer, why: VerdictExplanation) -> None:
    if missing := nowhere(answer.missing_words):
        tell(f"  In none of these moments: {', '.join(missing)}")
    tell(f"  That something here answers it: {why.covered.probability:.0%}. Below {why.absent_below:.0%} I say no.")
    tell(
        f"  That the first moment is right: {min(why.covered.probability, why.right.probability):.0%}."
        f" I answer from {why.answered_from:.0%} on."
    )
    if not why.covered.parts:
        tell(WITHHELD)
        return
    for heading, model in (("something answers it", why.covered), ("the first is right", why.right)):
        tell_table([heading, "value", "weight", "points"], _model_rows(model))
        tell()


def _model_rows(model: ModelExplanation) -> list[tuple[str, str, str, str]]:
    rows = [
        (FEATURE_NAMES[part.feature], f"{part.value:.2f}", f"{part.weight:+.2f}", f"{part.points:+.2f}")
        for part in model.parts
    ]
    total = model.intercept + math.fsum(part.points for part in model.parts)
    last = ("all of them, as log odds", "", "", f"{total:+.2f}")
    return [*rows, ("where it starts from", "", "", f"{model.intercept:+.2f}"), last]
