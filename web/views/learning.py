"""One's own learning as its owner sees it. Prepared here, so that templates only print."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assistant.learning.cards import has_gap
from assistant.learning.kept import Bookmark, CardKind, Moment, RecallCard
from assistant.learning.mastery import Level, Mastery
from assistant.questions.log import LoggedQuestion
from knowledge.recordings.recording import Recording
from web.own_learning import Check, Place
from web.views.answers import AnswerView, MomentView, answer_view
from web.views.transcript import Part


@dataclass(frozen=True, slots=True)
class PlaceView:
    """`title`: empty where there is nothing to be told; `was_removed` says why. `is_point`: nothing is said there."""

    recording_id: str
    title: str
    course: str
    start_s: float
    end_s: float
    words: str
    was_removed: bool
    is_playable: bool
    has_picture: bool

    @property
    def is_open(self) -> bool:
        return bool(self.title)

    @property
    def is_point(self) -> bool:
        return self.start_s == self.end_s

    @property
    def url(self) -> str:
        return f"/recordings/{self.recording_id}?t={self.start_s:.3f}"


@dataclass(frozen=True, slots=True)
class MarkView:
    """`question`: what was asked where it was found; empty where that is deleted, or it was found otherwise. `has_gap`:
    a card can hide one of its words."""

    id: str
    place: PlaceView
    note: str
    question: str
    question_id: str
    made_at: dt.datetime
    has_gap: bool


@dataclass(frozen=True, slots=True)
class CardView:
    id: str
    kind: CardKind
    place: PlaceView
    question: str
    checks: int
    due_at: dt.datetime


@dataclass(frozen=True, slots=True)
class CheckView:
    """`front`, `back`: the words of a cloze, its gap marked; `front` is empty for a card in one's own words. `seen`:
    how often it was checked until now. `can_be_asked`: else there is nothing but its place."""

    id: str
    can_be_asked: bool
    question: str
    front: tuple[Part, ...]
    back: tuple[Part, ...]
    place: PlaceView
    seen: int


@dataclass(frozen=True, slots=True)
class AskedView:
    answer: AnswerView
    asked_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DayView:
    day: dt.date
    asked: tuple[AskedView, ...]


@dataclass(frozen=True, slots=True)
class MasteryView:
    name: str
    recording_id: str
    cards: int
    checked: int
    level: Level | None


@dataclass(frozen=True, slots=True)
class CourseMasteryView:
    course: MasteryView
    recordings: tuple[MasteryView, ...]


@dataclass(frozen=True, slots=True)
class KeepView:
    """A moment that can be bookmarked, or is: then `mark_id`. `question_id`: where it was found, else empty."""

    recording_id: str
    start_s: float
    end_s: float
    question_id: str
    mark_id: str
    shows_time: bool = False


@dataclass(frozen=True, slots=True)
class KeepsView:
    """What is bookmarked of one answer."""

    marked: Mapping[Moment, str]
    question_id: str

    def of(self, shown: MomentView) -> KeepView | None:
        """None for a stretch that is no moment to come back to."""
        if not shown.may_be_kept:
            return None
        moment = Moment(shown.recording_id, shown.start_s, shown.end_s)
        mark_id = self.marked.get(moment, "")
        return KeepView(moment.recording_id, moment.start_s, moment.end_s, self.question_id, mark_id)


def place_view(place: Place) -> PlaceView:
    found, moment = place.recording, place.moment
    return PlaceView(
        recording_id=moment.recording_id if found else "",
        title=found.title if found else "",
        course=place.course,
        start_s=moment.start_s,
        end_s=moment.end_s,
        words=place.words,
        was_removed=place.was_removed,
        is_playable=found is not None and found.playable_path is not None,
        has_picture=found is not None and found.has_picture,
    )


def mark_view(mark: Bookmark, place: Place, questions: Mapping[str, str], zone: dt.tzinfo) -> MarkView:
    asked = mark.question_id or ""
    made_at = mark.created_at.astimezone(zone)
    hides = has_gap(place.words, language=place.language)
    return MarkView(mark.id, place_view(place), mark.note, questions.get(asked, ""), asked, made_at, hides)


def card_view(card: RecallCard, place: Place, questions: Mapping[str, str], zone: dt.tzinfo) -> CardView:
    question = questions.get(card.question_id or "", "")
    due_at = card.memory.due_at.astimezone(zone)
    return CardView(card.id, card.kind, place_view(place), question, card.reviews, due_at)


def check_view(check: Check) -> CheckView:
    parts = tuple(Part(piece.text, piece.hidden) for piece in check.pieces)
    front = parts if check.card.kind is CardKind.CLOZE else ()
    return CheckView(
        check.card.id, check.can_be_asked, check.question, front, parts, place_view(check.place), check.card.reviews
    )


def day_views(
    questions: Iterable[LoggedQuestion],
    recordings: Mapping[str, Recording],
    courses: Mapping[str, str],
    zone: dt.tzinfo,
) -> list[DayView]:
    """In the order given, those of one day together."""
    by_day: dict[dt.date, list[AskedView]] = {}
    for question in questions:
        at = question.created_at.astimezone(zone)
        by_day.setdefault(at.date(), []).append(AskedView(answer_view(question, recordings, courses), at))
    return [DayView(day, tuple(asked)) for day, asked in by_day.items()]


def mastery_views(
    told: Iterable[tuple[str, Mastery, list[tuple[Recording, Mastery]]]],
) -> list[CourseMasteryView]:
    return [
        CourseMasteryView(
            _mastery_view(course, "", together),
            tuple(_mastery_view(one.title, one.id, alone) for one, alone in each),
        )
        for course, together, each in told
    ]


def _mastery_view(name: str, recording_id: str, mastery: Mastery) -> MasteryView:
    return MasteryView(name, recording_id, mastery.cards, mastery.checked, mastery.level)
