"""What waits for a trainer: how often each was asked, in masked words, never by whom or at what hour."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from assistant.access import people
from assistant.errors import NotFound
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import WAITING, ItemState, OpenItemRow, OpenQuestionRow
from assistant.questions.invented import is_invented
from assistant.questions.likeness import Wording
from assistant.questions.tables import QuestionRow
from assistant.topics.masking import masked
from knowledge.database import slices
from knowledge.recordings.tables import CourseRow, RecordingRow

MOST_OF_ONE = 5
"""So often somebody who asks again and again is counted."""
MOST_WORDINGS = 5
NO_SUCH_ITEM = ("there is no such open question", "look at the list: its askers may have deleted it")


@dataclass(frozen=True, slots=True)
class OpenItem:
    """`example`: the wording that most asked with, masked; `others`: more of them. `since`: the Monday of the week in
    which it was first asked. `not_it`: somebody got an answer and said that it was not it. Each of these of the
    questions alone that whoever looks may know of: what lay nearest to one of them may be a closed course.

    `course_id`: where the nearest moment was; `recording_id`, `taken_as`: what is on its way, and the question in its
    trainer's words; each None where whoever looks may not hear that course. `invented`: at least one of
    its questions was asked by nobody.
    """

    id: str
    state: ItemState
    example: str
    others: tuple[str, ...]
    times: int
    people: int
    since: dt.date
    not_it: bool
    course_id: str | None
    recording_id: str | None
    taken_as: str | None
    invented: bool


def open_item(session: Session, *, course_id: str | None, now: dt.datetime) -> str:
    """A new one that waits; its id, which stands in links and tells no time: nobody is to know when somebody asked."""
    item = OpenItemRow(id=str(uuid4()), state=ItemState.OPEN, course_id=course_id, made_at=now, changed_at=now)
    session.add(item)
    session.flush()
    return item.id


def waiting_items(
    session: Session, courses: Collection[str], *, zone: dt.tzinfo, limit: int | None = None
) -> list[OpenItem]:
    """What those who may hear these courses may see, in one wording each: what most people asked first, then what was
    asked most often."""
    found = _grouped(session, select(OpenItemRow).where(OpenItemRow.state.in_(WAITING)), courses)
    first = sorted(found, key=lambda each: (-each.people, -each.times, each.row.id))[:limit]
    return _values(session, first, courses, zone, wordings=1)


def set_aside_items(session: Session, courses: Collection[str], *, zone: dt.tzinfo, limit: int) -> list[OpenItem]:
    """The newest first."""
    seen = _seen_questions(courses).where(OpenQuestionRow.item_id == OpenItemRow.id).exists()
    aside = select(OpenItemRow).where(OpenItemRow.state == ItemState.SET_ASIDE, seen)
    newest = aside.order_by(OpenItemRow.changed_at.desc(), OpenItemRow.id).limit(limit)
    return _values(session, _grouped(session, newest, courses), courses, zone, wordings=1)


def item(session: Session, item_id: str, courses: Collection[str], *, zone: dt.tzinfo) -> OpenItem:
    """In whatever state, in all its wordings. Raises NotFound, too, where it is about a course that is not among
    these."""
    found = _grouped(session, select(OpenItemRow).where(OpenItemRow.id == item_id), courses)
    if not found:
        raise NotFound(*NO_SUCH_ITEM)
    return _values(session, found, courses, zone, wordings=MOST_WORDINGS)[0]


def may_see(session: Session, item_id: str, courses: Collection[str]) -> bool:
    """Whether it is there for whoever may hear these courses."""
    return session.scalar(_seen_questions(courses).where(OpenQuestionRow.item_id == item_id).limit(1)) is not None


def how_many_wait(session: Session, courses: Collection[str]) -> int:
    """As `waiting_items` has them."""
    seen = _seen_questions(courses).where(OpenQuestionRow.item_id == OpenItemRow.id).exists()
    waiting = select(func.count()).select_from(OpenItemRow).where(OpenItemRow.state.in_(WAITING), seen)
    return session.scalar(waiting) or 0


def _seen_questions(courses: Collection[str]) -> Select[str]:
    return (
        select(OpenQuestionRow.question_id)
        .join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id)
        .outerjoin(CourseRow, CourseRow.id == QuestionRow.course_id)
        .where(_may_know(courses))
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    item_id: str
    text: str
    asker: str | None
    created_at: dt.datetime
    not_it: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """An item with its questions, oldest first."""

    row: OpenItemRow
    asked: tuple[_Asked, ...]

    @property
    def times(self) -> int:
        return sum(min(count, MOST_OF_ONE) for count in Counter(each.asker for each in self.asked).values())

    @property
    def people(self) -> int:
        return len({each.asker for each in self.asked})


def _grouped(session: Session, rows: Select[OpenItemRow], courses: Collection[str]) -> list[_Group]:
    """In the order of the rows; without those of which nobody with these courses may know anything."""
    items = {row.id: row for row in session.scalars(rows)}
    asked: dict[str, list[_Asked]] = {}
    for some in slices(list(items)):
        for each in _asked(session, some, courses):
            asked.setdefault(each.item_id, []).append(each)
    return [_Group(row, tuple(asked[key])) for key, row in items.items() if key in asked]


def _values(
    session: Session, groups: Sequence[_Group], courses: Collection[str], zone: dt.tzinfo, *, wordings: int
) -> list[OpenItem]:
    """Masking costs: it is done for what is shown alone."""
    names = frozenset(person.name for person in people.list_people(session)) if groups else frozenset()
    heard = _recordings_in(session, [group.row.recording_id for group in groups], courses)
    return [_value(group, courses, heard, names, zone, wordings) for group in groups]


def _recordings_in(session: Session, ids: Iterable[str | None], courses: Collection[str]) -> set[str]:
    wanted = sorted({each for each in ids if each is not None})
    found: set[str] = set()
    for some in slices(wanted):
        query = select(RecordingRow.id, RecordingRow.course_id).where(RecordingRow.id.in_(some))
        found |= {key for key, course_id in session.execute(query) if course_id in courses}
    return found


def _may_know(courses: Collection[str]) -> ColumnElement[bool]:
    """Of a question whose course, where it is still there, is among these."""
    return or_(CourseRow.id.is_(None), CourseRow.id.in_(courses))


def _asked(session: Session, item_ids: Sequence[str], courses: Collection[str]) -> Iterable[_Asked]:
    query = (
        select(
            OpenQuestionRow.item_id,
            QuestionRow.text,
            QuestionRow.asker,
            QuestionRow.created_at,
            FeedbackRow.kind,
        )
        .join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id)
        .outerjoin(CourseRow, CourseRow.id == QuestionRow.course_id)
        .outerjoin(FeedbackRow, (FeedbackRow.question_id == QuestionRow.id) & (FeedbackRow.kind == Judgement.NO))
        .where(OpenQuestionRow.item_id.in_(item_ids), _may_know(courses))
        .order_by(QuestionRow.id)
    )
    return map(_as_asked, session.execute(query))


def _as_asked(row: Row[str, str, str | None, dt.datetime, Judgement | None]) -> _Asked:
    return _Asked(row.item_id, row.text, row.asker, row.created_at, row.kind is Judgement.NO)


def _value(
    group: _Group,
    courses: Collection[str],
    heard: Collection[str],
    names: frozenset[str],
    zone: dt.tzinfo,
    wordings: int,
) -> OpenItem:
    row, asked = group.row, group.asked
    is_heard = row.recording_id in heard
    first = min(each.created_at for each in asked).astimezone(zone).date()
    example, *others = _wordings(asked, names, wordings)
    return OpenItem(
        id=row.id,
        state=row.state,
        example=example,
        others=tuple(others),
        times=group.times,
        people=group.people,
        since=first - dt.timedelta(days=first.weekday()),
        not_it=any(each.not_it for each in asked),
        course_id=row.course_id if row.course_id in courses else None,
        recording_id=row.recording_id if is_heard else None,
        taken_as=row.taken_as if is_heard else None,
        invented=any(is_invented(each.asker) for each in asked),
    )


def _wordings(asked: Sequence[_Asked], names: frozenset[str], most: int) -> list[str]:
    """Each once, masked; those that most people used first, the earlier ones of as many."""
    askers: dict[str, set[str | None]] = {}
    text: dict[str, str] = {}
    for each in asked:
        letters = Wording(each.text).letters or each.text
        askers.setdefault(letters, set()).add(each.asker)
        text.setdefault(letters, each.text)
    order = sorted(askers, key=lambda letters: -len(askers[letters]))
    return [_masked(text[letters], names) for letters in order[:most]]


@lru_cache(maxsize=4096)
def _masked(text: str, names: frozenset[str]) -> str:
    """A list renews itself every few seconds, and a hostile text takes long."""
    return masked(text, names=names)
