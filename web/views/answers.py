"""An answer as its asker sees it: moments read again from the database, each with its sentence marked."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from assistant.answering.known_answer import ShownBy
from assistant.feedback.judging import Judged
from assistant.inbox.answers import TrainerAnswer
from assistant.learning.cards import has_gap
from assistant.learning.kept import may_be_kept
from assistant.questions.log import LoggedQuestion
from knowledge.finding.moment import Verdict
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState
from web.views.transcript import Part, Span
from web.views.why import VerdictWhyView, WhyView, verdict_why_view, why_view

_AROUND_CHARACTERS = 140
NOTHING_SAID = "nothing"


@dataclass(frozen=True, slots=True)
class MomentView:
    """`rank`: among those that are left; `kept_rank`: as the kept answer counts, which judgements name.

    `parts`: the passage with its sentence marked, shortened around it. `exact`: the bounds are its words' own.
    `why`: where it was kept with the answer. `was_it`: its asker said so.
    """

    rank: int
    kept_rank: int
    recording_id: str
    title: str
    course: str
    start_s: float
    end_s: float
    parts: tuple[Part, ...]
    exact: bool
    has_picture: bool
    duration_s: float | None
    language: str
    recorded: dt.datetime
    why: WhyView | None
    was_it: bool = False

    @property
    def url(self) -> str:
        return f"/recordings/{self.recording_id}?t={self.start_s:.3f}"

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)

    @property
    def may_be_kept(self) -> bool:
        return may_be_kept(self.start_s, self.end_s)

    @property
    def has_gap(self) -> bool:
        """Whether a card can hide a word of its sentence."""
        said = "".join(part.text for part in self.parts if part.marked) or "".join(part.text for part in self.parts)
        return has_gap(said, language=self.language)


@dataclass(frozen=True, slots=True)
class AnsweredView:
    """`url`: where its moment plays, None for a line."""

    id: str
    item_id: str | None
    question: str
    line: str | None
    url: str | None
    start_s: float
    made_by: str
    made_at: dt.datetime
    course: str
    may_undo: bool


@dataclass(frozen=True, slots=True)
class AnswerView:
    """`verdict`: answered, closest or absent. `gone`: how many moments were removed since. `why`: of the verdict,
    as long as the first moment is there. `found_by`: people, or oneself, where they said that the first moment was it;
    `shown_by`: the trainer's answer that made this one; `taught`: what a trainer answered and stands, this one or
    another. `said`: yes, no, or nothing yet; the moment of a yes may be gone, unless `taught_was_it`."""

    id: str
    text: str
    spoken: bool
    heard_ms: float | None
    verdict: Verdict
    moments: tuple[MomentView, ...]
    notes: tuple[str, ...]
    gone: int
    why: VerdictWhyView | None
    found_by: ShownBy | None = None
    shown_by: str | None = None
    said: str = NOTHING_SAID
    taught: AnsweredView | None = None
    taught_was_it: bool = False

    def with_taught(self, taught: AnsweredView | None) -> "AnswerView":
        """`taught`: None where nothing that a trainer answered stands."""
        if taught is None and self.shown_by is not None:  # nobody knows how well what was found besides answers
            return replace(self, verdict=Verdict.CLOSEST if self.moments else Verdict.ABSENT, why=None)
        return replace(self, taught=taught)

    @property
    def taught_beside(self) -> bool:
        """Whether what a trainer answered is none of the moments, and so is judged for itself."""
        return self.taught is not None and (self.taught.line is not None or self.taught.id != self.shown_by)

    @property
    def was_it(self) -> MomentView | None:
        return next((moment for moment in self.moments if moment.was_it), None)


@dataclass(frozen=True, slots=True)
class RecentView:
    """`answered`: by a trainer, since it was asked."""

    id: str
    text: str
    verdict: Verdict
    answered: bool


def answer_view(
    question: LoggedQuestion,
    recordings: Mapping[str, Recording],
    courses: Mapping[str, str],
    judged: Judged = Judged(),  # noqa: B008 - frozen
) -> AnswerView:
    """`recordings`: those this person may hear now, by id; `courses`: names by id; `judged`: what the asker said."""
    document = question.document
    kept = [hit for hit in document["hits"] if _is_playable(recordings.get(hit["recording_id"]))]
    moments = tuple(
        _moment(hit, rank, recordings[hit["recording_id"]], courses, was_it=hit["rank"] == judged.rank)
        for rank, hit in enumerate(kept, start=1)
    )
    verdict = Verdict(document["verdict"])
    first_is_gone = bool(document["hits"]) and (not kept or kept[0] is not document["hits"][0])
    if first_is_gone and verdict is Verdict.ANSWERED:
        verdict = Verdict.CLOSEST
    if not kept:
        verdict = Verdict.ABSENT
    timings, known = document["timings_ms"], document.get("known", {})
    heard_ms = (timings["decode"] or 0.0) + (timings["recognise"] or 0.0) if question.spoken else None
    return AnswerView(
        id=question.id,
        text=question.text,
        spoken=question.spoken,
        heard_ms=heard_ms,
        verdict=verdict,
        moments=moments,
        notes=tuple(document.get("notes", ())),
        gone=len(document["hits"]) - len(kept),
        why=None if first_is_gone else verdict_why_view(document.get("explain"), kept),
        found_by=ShownBy(known["by"]) if "by" in known and not first_is_gone else None,
        shown_by=known.get("answer_id"),
        said=judged.said.value if judged.said else NOTHING_SAID,
        taught_was_it=judged.trainers,
    )


def answered_view(answer: TrainerAnswer, courses: Mapping[str, str], *, may_undo: bool = False) -> AnsweredView:
    moment = answer.moment
    return AnsweredView(
        id=answer.id,
        item_id=answer.item_id,
        question=answer.question,
        line=answer.line,
        url=f"/recordings/{moment.recording_id}?t={moment.start_s:.3f}" if moment else None,
        start_s=moment.start_s if moment else 0.0,
        made_by=answer.made_by or "",
        made_at=answer.made_at,
        course=courses.get(answer.course_id, ""),
        may_undo=may_undo,
    )


def recent_view(question: LoggedQuestion, answered: Collection[str]) -> RecentView:
    """`answered`: the questions of which their asker was told that a trainer has answered."""
    verdict = Verdict(question.document["verdict"])
    return RecentView(question.id, question.text, verdict, question.id in answered)


def marked_passage(passage: str, sentence: str, *, around: int = _AROUND_CHARACTERS) -> tuple[Part, ...]:
    """The sentence inside its passage, with some text on both sides; alone where the passage does not hold it."""
    at = passage.find(sentence) if sentence else -1
    if at < 0:
        return (Part(sentence or passage, bool(sentence)),)
    before, after = passage[:at], passage[at + len(sentence) :]
    parts = (Part(_ending(before, around), False), Part(sentence, True), Part(_beginning(after, around), False))
    return tuple(part for part in parts if part.text)


def _is_playable(recording: Recording | None) -> bool:
    return recording is not None and recording.state is RecordingState.READY


def _moment(
    hit: Mapping[str, Any], rank: int, recording: Recording, courses: Mapping[str, str], *, was_it: bool
) -> MomentView:
    return MomentView(
        rank=rank,
        kept_rank=hit["rank"],
        recording_id=recording.id,
        title=recording.title,
        course=courses.get(recording.course_id, ""),
        start_s=hit["start_s"],
        end_s=hit["end_s"],
        parts=marked_passage(hit["text"], hit["sentence"]["text"]),
        exact=hit["sentence"]["exact"],
        has_picture=recording.has_picture,
        duration_s=recording.duration_s,
        language=recording.language or "",
        recorded=recording.created_at,
        why=why_view(hit),
        was_it=was_it,
    )


def _ending(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text[-most:]
    space = cut.find(" ")
    return "… " + (cut[space + 1 :] if 0 <= space < 30 else cut)


def _beginning(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text[:most]
    space = cut.rfind(" ")
    return (cut[:space] if space > most - 30 else cut) + " …"
