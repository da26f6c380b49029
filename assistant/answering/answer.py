"""The answer to one question, as every door shows it. `as_document` is the contract of `ask --json` and the API."""

from dataclasses import dataclass
from typing import Any

from assistant.answering.explained import hit_explanation_document, nowhere, verdict_explanation_document
from assistant.answering.known_answer import KnownAnswer
from knowledge.finding.explanation import VerdictExplanation
from knowledge.finding.moment import Hit, Verdict


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """`duration_s`: of the sound, None where it was typed."""

    text: str
    language: str
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class AnsweredHit:
    """A hit with the names a person knows. `url`: path of the page that plays it."""

    hit: Hit
    course: str
    recording: str
    title: str
    has_picture: bool

    @property
    def url(self) -> str:
        return f"/recordings/{self.hit.recording_id}?t={self.hit.start_s:.3f}"


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds; decode and recognise are None for a typed question."""

    decode: float | None
    recognise: float | None
    embed: float
    search: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    id: str
    question: AskedQuestion
    verdict: Verdict
    probability: float
    covered: float
    answer: str | None
    hits: tuple[AnsweredHit, ...]
    timings: Timings
    notes: tuple[str, ...] = ()
    """What the person should know: searching by words alone, a language the embedder does not know, ..."""
    explanation: VerdictExplanation | None = None
    known: KnownAnswer | None = None
    """What somebody has shown to answer it, where that made the answer."""

    @property
    def confident(self) -> bool:
        return self.verdict is Verdict.ANSWERED

    @property
    def missing_words(self) -> list[tuple[str, ...]]:
        """Of each moment that is explained."""
        return [each.hit.explanation.words.missing for each in self.hits if each.hit.explanation is not None]

    def as_document(self) -> dict[str, Any]:
        """The JSON document of DESIGN's contract; in it `explain` only where one was asked for, `known` only where a
        trainer or other askers have shown the answer."""
        explained = self.explanation
        shown = {"known": {"by": self.known.by.value, "answer_id": self.known.answer_id}} if self.known else {}
        why = {"explain": verdict_explanation_document(explained, nowhere(self.missing_words))} if explained else {}
        return {
            "id": self.id,
            "question": {
                "text": self.question.text,
                "language": self.question.language,
                "duration_s": _rounded(self.question.duration_s),
            },
            "verdict": self.verdict.value,
            "confident": self.confident,
            "probability": round(self.probability, 4),
            "covered": round(self.covered, 4),
            "answer": self.answer,
            "hits": [_hit_document(hit) for hit in self.hits],
            "notes": list(self.notes),
            "timings_ms": {
                "decode": _rounded(self.timings.decode, 1),
                "recognise": _rounded(self.timings.recognise, 1),
                "embed": round(self.timings.embed, 1),
                "search": round(self.timings.search, 1),
                "total": round(self.timings.total, 1),
            },
            **shown,
            **why,
        }


def _hit_document(answered: AnsweredHit) -> dict[str, Any]:
    hit = answered.hit
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "course": answered.course,
        "recording": answered.recording,
        "recording_id": hit.recording_id,
        "start_s": round(hit.start_s, 3),
        "end_s": round(hit.end_s, 3),
        "passage_start_s": round(hit.passage_start_s, 3),
        "passage_end_s": round(hit.passage_end_s, 3),
        "text": hit.text,
        "sentence": {
            "start_s": round(hit.sentence.start_s, 3),
            "end_s": round(hit.sentence.end_s, 3),
            "text": hit.sentence.text,
            "exact": hit.sentence.exact,
        },
        "url": answered.url,
        **({"explain": hit_explanation_document(hit.explanation)} if hit.explanation else {}),
    }


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
