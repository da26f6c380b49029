"""What pages read of somebody's own learning: moments with their names and words as this caller may know them now.

A moment is kept without words. They are read here, each time, within the rights of the caller. Knows no templates.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.policy import Action
from assistant.errors import BadInput, NotFound
from assistant.learning import store
from assistant.learning.cards import Piece, cloze, language_between, words_between
from assistant.learning.kept import (
    NO_SUCH_MOMENT,
    NOT_ON,
    NOTHING_SAID,
    Bookmark,
    CardKind,
    Learner,
    Moment,
    NotOn,
    RecallCard,
    may_be_kept,
)
from assistant.learning.mastery import Mastery, mastery_of
from assistant.learning.memory import Memory, Recall, day_end
from assistant.questions import log
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import UNDETERMINED, Segment
from web import library
from web.timecodes import seconds_of
from web.views.transcript import lines_of
from web.visitors import visitor_of

LEARN_AHEAD = dt.timedelta(minutes=20)
"""A step of learning that is due this soon is asked now, so that nobody waits in front of an empty page."""
_LOOKED_THROUGH = 50
_SHORT_S = 0.01


@dataclass(frozen=True, slots=True)
class Place:
    """A moment as its learner may know it now. `recording`: None where it is removed or no longer for them; then
    `was_removed` says which, and there are no words. `words`: what is said there now, in `language`."""

    moment: Moment
    recording: Recording | None
    course: str
    was_removed: bool
    words: str
    language: str


@dataclass(frozen=True, slots=True)
class Check:
    """A card to be checked. `pieces`: the moment's words, for a cloze with one hidden; none where the card cannot be
    asked. `question`: in front of a card in one's own words."""

    card: RecallCard
    place: Place
    pieces: tuple[Piece, ...]
    question: str

    @property
    def can_be_asked(self) -> bool:
        return bool(self.pieces)


def asker_of(request: Request) -> str:
    """Raises NotFound for a program that is nobody's browser."""
    asker = visitor_of(request).asker
    if asker is None:
        raise NotFound(*library.NO_SUCH_QUESTION)
    return asker


def learner(database: Database, asker: str) -> Learner | None:
    with database.read() as session:
        return store.learner(session, asker)


def learner_who_is_on(database: Database, asker: str) -> Learner:
    """Raises NotOn."""
    found = learner(database, asker)
    if found is None or not found.is_on:
        raise NotOn(*NOT_ON)
    return found


def bookmarks_in(database: Database, asker: str | None, recording_ids: Sequence[str]) -> dict[Moment, str] | None:
    """Ids by moment; None where nobody wants to keep any."""
    with database.read() as session:
        found = store.learner(session, asker) if asker is not None else None
        if found is None or not found.is_on:
            return None
        return store.bookmarks_in(session, found.id, recording_ids)


def places(database: Database, caller: Caller, moments: Iterable[Moment]) -> list[Place]:
    with database.read() as session:
        place_of = _place_reader(session, caller)
        return [place_of(moment) for moment in moments]


def moment_in(database: Database, caller: Caller, fields: dict[str, str]) -> Moment:
    """What a form speaks of: from `start` to `end`, or what is said `at` a second. Raises BadInput, NotFound, Gone."""
    found = library.recording(database, caller, fields.get("recording", ""))
    if "at" in fields:
        return _moment_at(database, found, seconds_of(fields["at"]))
    start_s, end_s = (seconds_of(fields.get(name)) for name in ("start", "end"))
    if start_s is None or end_s is None or (found.duration_s is not None and start_s > found.duration_s):
        raise BadInput(*NO_SUCH_MOMENT)
    return Moment(found.id, start_s, end_s)


def refuse_without_words(database: Database, caller: Caller, moment: Moment) -> None:
    """Raises BadInput where nothing is said that a cloze could hide."""
    with database.read() as session:
        if _cloze_of(session, _place_reader(session, caller)(moment)) is None:
            raise BadInput(*NOTHING_SAID)


def count_due(database: Database, caller: Caller, learner_id: str, *, now: dt.datetime, zone: dt.tzinfo) -> int:
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        return store.count_due(session, learner_id, heard, today_until=day_end(now, zone), soon_until=now + LEARN_AHEAD)


def next_check(
    database: Database, caller: Caller, asker: str, learner_id: str, *, now: dt.datetime, zone: dt.tzinfo
) -> Check | None:
    """The card that is due longest and can be asked. Where none can (the words of a cloze are gone, or say nothing any
    more) the first of them, so that whoever was told that something is due finds it, and can delete it."""
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        place_of = _place_reader(session, caller)
        left: Check | None = None
        for card in _due(session, learner_id, heard, now=now, zone=zone):
            check = _check(session, asker, card, place_of(card.moment))
            if check is not None and check.can_be_asked:
                return check
            left = left or check
    return left


def may_undo(database: Database, learner_id: str, review_id: str) -> bool:
    with database.read() as session:
        return store.review(session, learner_id, review_id) is not None


def masteries(
    database: Database, caller: Caller, learner_id: str, recall: Recall, *, now: dt.datetime
) -> list[tuple[str, Mastery, list[tuple[Recording, Mastery]]]]:
    """By course, each with its recordings: of what the caller may hear now."""
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        memories = store.cards_of_recordings(session, learner_id, heard)
        courses = {course.id: course.name for course in recordings.list_courses(session)}
        known = [found for found in (recordings.recording(session, each) for each in memories) if found is not None]
    by_course: dict[str, list[Recording]] = {}
    for one in sorted(known, key=lambda one: (courses[one.course_id].casefold(), one.title.casefold())):
        by_course.setdefault(one.course_id, []).append(one)
    told = []
    for course_id, own in by_course.items():
        together: list[Memory] = [memory for one in own for memory in memories[one.id]]
        each = [(one, mastery_of(memories[one.id], recall, now)) for one in own]
        told.append((courses[course_id], mastery_of(together, recall, now), each))
    return told


def question_texts(database: Database, asker: str, ids: Iterable[str | None]) -> dict[str, str]:
    """What was asked, by the question's id: of the asker's own."""
    with database.read() as session:
        return _question_texts(session, asker, ids)


def document(database: Database, caller: Caller, asker: str) -> dict[str, Any]:
    """Everything kept, to be taken along; where a moment is not for the caller by now, without where it is."""
    with database.read() as session:
        found = store.learner(session, asker)
        if found is None:
            return {"on": False, "bookmarks": [], "cards": [], "reviews": []}
        marks, cards = store.bookmarks(session, found.id), store.cards(session, found.id)
        reviews = store.reviews(session, found.id)
        heard = course_rights.permitted(session, caller, Action.HEAR)
        titles = {one.id: one.title for one in recordings.list_recordings(session, heard)}
    return {
        "on": found.is_on,
        "bookmarks": [
            {"id": each.id, "note": each.note, "question_id": each.question_id, "made_at": each.created_at.isoformat()}
            | _moment_document(each.moment, titles)
            for each in marks
        ],
        "cards": [
            {"id": each.id, "kind": each.kind.value, "question_id": each.question_id}
            | {"made_at": each.created_at.isoformat(), "due_at": each.memory.due_at.isoformat()}
            | {"checks": each.reviews, "stability_days": each.memory.stability, "difficulty": each.memory.difficulty}
            | _moment_document(each.moment, titles)
            for each in cards
        ],
        "reviews": [
            {"card_id": each.card_id, "rating": each.rating.value, "at": each.reviewed_at.isoformat()}
            for each in reviews
        ],
    }


def bookmark_page(database: Database, learner_id: str, *, first: int, limit: int) -> tuple[list[Bookmark], int]:
    """Some bookmarks, newest first, and how many there are."""
    with database.read() as session:
        return store.bookmarks(session, learner_id, first=first, limit=limit), store.count_bookmarks(
            session, learner_id
        )


def card_page(database: Database, learner_id: str, *, first: int, limit: int) -> tuple[list[RecallCard], int]:
    """Some cards, those due soonest first, and how many there are."""
    with database.read() as session:
        return store.cards(session, learner_id, first=first, limit=limit), store.count_cards(session, learner_id)


def _question_texts(session: Session, asker: str, ids: Iterable[str | None]) -> dict[str, str]:
    wanted = sorted({each for each in ids if each is not None})
    return {question.id: question.text for question in log.own_of(session, asker, wanted)}


def _due(
    session: Session, learner_id: str, heard: frozenset[str], *, now: dt.datetime, zone: dt.tzinfo
) -> Iterator[RecallCard]:
    """Those due longest first, read as far as they are looked at."""
    until, soon = day_end(now, zone), now + LEARN_AHEAD
    for first in count(0, _LOOKED_THROUGH):
        due = store.due_cards(
            session, learner_id, heard, today_until=until, soon_until=soon, first=first, limit=_LOOKED_THROUGH
        )
        yield from due
        if len(due) < _LOOKED_THROUGH:
            return


def _place_reader(session: Session, caller: Caller) -> Callable[[Moment], Place]:
    """What may be heard is read once for all of them, each place when it is asked for."""
    heard = course_rights.permitted(session, caller, Action.HEAR)
    courses = {course.id: course.name for course in recordings.list_courses(session) if course.id in heard}
    known: dict[str, Recording | None] = {}
    return lambda moment: _place(session, moment, courses, known)


def _place(session: Session, moment: Moment, courses: dict[str, str], known: dict[str, Recording | None]) -> Place:
    if moment.recording_id not in known:
        known[moment.recording_id] = recordings.recording(session, moment.recording_id)
    found = known[moment.recording_id]
    if found is None or found.course_id not in courses:
        return Place(moment, None, "", was_removed=False, words="", language=UNDETERMINED)
    if found.state is RecordingState.REMOVED:
        return Place(moment, None, "", was_removed=True, words="", language=UNDETERMINED)
    segments = _segments(session, found, moment)
    words = words_between(segments, moment.start_s, moment.end_s)
    course = courses[found.course_id]
    return Place(moment, found, course, was_removed=False, words=words, language=language_between(segments))


def _segments(session: Session, recording: Recording, moment: Moment) -> list[Segment]:
    if recording.revision is None:
        return []
    return transcripts.segments_between(session, recording.id, recording.revision, moment.start_s, moment.end_s)


def _moment_at(database: Database, recording: Recording, at_s: float | None) -> Moment:
    """The line that is being said then; the second alone where nothing is."""
    if at_s is None or (recording.duration_s is not None and at_s > recording.duration_s):
        raise BadInput(*NO_SUCH_MOMENT)
    lines = () if recording.revision is None else lines_of(database, recording.id, recording.revision)
    for line in lines:
        if line.start_s <= at_s + _SHORT_S and at_s < line.end_s and may_be_kept(line.start_s, line.end_s):
            return Moment(recording.id, line.start_s, line.end_s)
    return Moment(recording.id, at_s, at_s)


def _check(session: Session, asker: str, card: RecallCard, place: Place) -> Check | None:
    """None where its moment is not there for them, which is not counted as due either."""
    if place.recording is None:
        return None
    if card.kind is CardKind.OWN_WORDS:
        text = _question_texts(session, asker, [card.question_id]).get(card.question_id or "", "")
        return Check(card, place, (Piece(place.words, False),) if text else (), text)
    return Check(card, place, _cloze_of(session, place) or (), "")


def _cloze_of(session: Session, place: Place) -> tuple[Piece, ...] | None:
    """What the recording says is counted each time and kept nowhere: ten hours of speech take about 0.2 s, and the
    counts of all that they say would take tens of megabytes."""
    found = place.recording
    if found is None or found.revision is None or not place.words:
        return None
    spoken = transcripts.searchable_texts(session, found.id, found.revision)
    return cloze(place.words, spoken, language=place.language)


def _moment_document(moment: Moment, titles: dict[str, str]) -> dict[str, Any]:
    if moment.recording_id not in titles:
        return {"removed": True}
    return {
        "recording_id": moment.recording_id,
        "recording": titles[moment.recording_id],
        "start_s": moment.start_s,
        "end_s": moment.end_s,
    }
