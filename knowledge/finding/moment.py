"""What finding gives: moments, each with its best sentence, and how sure it is."""

from dataclasses import dataclass
from enum import StrEnum

from knowledge.finding.explanation import Explanation, VerdictExplanation


class Verdict(StrEnum):
    ANSWERED = "answered"
    CLOSEST = "closest"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The best sentence inside a passage. `exact`: its bounds are its words' own, else its segment's."""

    start_s: float
    end_s: float
    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that matched. `start_s`, `end_s`: where playback begins and ends, the sentence's bounds.

    `score` compares within one answer only. `explanation`: where one was asked for.
    """

    rank: int
    score: float
    recording_id: str
    course_id: str
    revision: int
    first_segment: int
    last_segment: int
    start_s: float
    end_s: float
    passage_start_s: float
    passage_end_s: float
    text: str
    sentence: Sentence
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """`probability`: that the first hit is right. `covered`: that anything searched answers the question.

    `answer`: the first hit's sentence, quoted, where the verdict is `answered`. `explanation`: where one was asked for.
    """

    hits: tuple[Hit, ...]
    verdict: Verdict
    probability: float
    covered: float
    answer: str | None
    explanation: VerdictExplanation | None = None
