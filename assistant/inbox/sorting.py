"""Bringing open questions together that mean the same. Safe to run as often as one likes, and in several workers."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import Session

from assistant.access import course_rights
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.items import open_item
from assistant.inbox.tables import WAITING, ItemState, OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.notices.telling import not_for, tell_askers
from assistant.questions import log
from assistant.questions.invented import asked_by_nobody, really_asked
from assistant.questions.likeness import NEAR, SAME, Nearness, Wording, Wordings, likenesses
from assistant.questions.tables import QuestionRow
from assistant.questions.vectors import read_vector
from knowledge.database import Database, lock_until_commit, slices
from knowledge.finding.moment import Verdict
from knowledge.recordings import store as recordings

AT_ONCE = 50
OPEN_FOR = dt.timedelta(days=180)
"""What was asked before that comes to nobody any more; what waits already goes on waiting."""
NEWEST_ANSWERS = 200
"""Enough for what was asked while they were made: later questions find them by themselves."""
WORDINGS_OF_ONE = 20
"""Others are compared with so many different wordings of an item: more of them tell nothing new."""
_LOCK = 0x696E626F


def sort_open_questions(database: Database, *, now: dt.datetime) -> int:
    """Give open questions their items, the oldest first, and take out of waiting items what is open no more, and of
    answered ones what was not answered. What was set aside stays so, however often it is asked again.

    How many were given one; where that is AT_ONCE, there may be more.
    """
    with database.read() as session:
        nothing = not any(session.scalars(each).first() for each in (_unsorted(now), _settled(), _refused()))
    if nothing:
        return 0
    with database.write() as session:
        lock_until_commit(session, _LOCK)
        for going in (_settled(), _refused()):
            session.execute(delete(OpenQuestionRow).where(OpenQuestionRow.question_id.in_(going)))
        unsorted = session.scalars(_unsorted(now).limit(AT_ONCE)).all()
        _sort(session, unsorted, now)
        _drop_empty(session)
    return len(unsorted)


def take_out_invented(session: Session) -> None:
    """Items that only invented questions have, with what was answered to them: nobody waits for that."""
    of_item = select(OpenQuestionRow.item_id).join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id)
    going = session.scalars(
        select(OpenItemRow.id)
        .where(OpenItemRow.id.in_(of_item.where(asked_by_nobody())))
        .where(OpenItemRow.id.not_in(of_item.where(really_asked())))
    ).all()
    for some in slices(going):
        session.execute(delete(TrainerAnswerRow).where(TrainerAnswerRow.item_id.in_(some)))
        session.execute(delete(OpenItemRow).where(OpenItemRow.id.in_(some)))


def is_open() -> ColumnElement[bool]:
    """Nothing answered the question for certain, or its asker said that nothing did; and did not say that one did."""
    return (QuestionRow.verdict.is_distinct_from(Verdict.ANSWERED) | _said(Judgement.NO)) & ~_said(Judgement.YES)


def _said(judgement: Judgement) -> ColumnElement[bool]:
    return exists().where(FeedbackRow.question_id == QuestionRow.id, FeedbackRow.kind == judgement)


def _unsorted(now: dt.datetime) -> Select[str]:
    sorted_already = exists().where(OpenQuestionRow.question_id == QuestionRow.id)
    since = QuestionRow.created_at >= now - OPEN_FOR
    return select(QuestionRow.id).where(is_open(), since, ~sorted_already).order_by(QuestionRow.id)


def _settled() -> Select[str]:
    return (
        select(OpenQuestionRow.question_id)
        .join(OpenItemRow, OpenItemRow.id == OpenQuestionRow.item_id)
        .join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id)
        .where(OpenItemRow.state.in_(WAITING), ~is_open())
    )


@dataclass(frozen=True, slots=True)
class _New:
    """`realm`: its course where that is closed, else none: what is asked of a closed course is never brought together
    with what others may see, since whoever settles an item settles all of it."""

    id: str
    wording: Wording
    realm: str
    course_id: str | None
    asked_at: dt.datetime
    refused: bool


class _Known:
    """Wordings of items, laid out to be compared with; what is added meanwhile is compared beside."""

    def __init__(self, wordings: Sequence[tuple[str, str, Wording]]) -> None:
        self._known = list(wordings)
        self._laid_out = Wordings([wording for _, _, wording in wordings])
        self._added: list[tuple[str, str, Wording]] = []

    def add(self, item_id: str, realm: str, wording: Wording) -> None:
        self._added.append((item_id, realm, wording))

    def nearest(self, wording: Wording, realm: str, nearness: Nearness) -> str | None:
        """The item with the wording most alike, of this realm."""
        added = likenesses(wording, [each for _, _, each in self._added], nearness)
        alike = np.concatenate([self._laid_out.likenesses(wording, nearness), added])
        best: tuple[float, str] | None = None
        for at in np.flatnonzero(alike).tolist():
            item_id, of, _ = self._known[at] if at < len(self._known) else self._added[at - len(self._known)]
            if of == realm and (best is None or alike[at] > best[0]):
                best = float(alike[at]), item_id
        return best[1] if best else None


def _sort(session: Session, question_ids: Sequence[str], now: dt.datetime) -> None:
    closed = {each.course_id for each in course_rights.all_rights(session) if not each.open_to_all}
    known, aside = (_Known(_wordings_of(session, states, closed)) for states in (WAITING, (ItemState.SET_ASIDE,)))
    taught = _Known(_taught(session))
    for new in _new(session, question_ids, closed):
        if _is_answered_already(session, new, taught, now):
            continue
        item_id = _still(session, aside.nearest(new.wording, new.realm, SAME), (ItemState.SET_ASIDE,))
        if item_id is None:
            item_id = _still(session, known.nearest(new.wording, new.realm, NEAR), WAITING)
            item_id = item_id or open_item(session, course_id=_course_there(session, new), now=now)
            known.add(item_id, new.realm, new.wording)
        session.add(OpenQuestionRow(question_id=new.id, item_id=item_id))
        session.flush()


def _new(session: Session, question_ids: Sequence[str], closed: Collection[str]) -> list[_New]:
    wordings = {each.id: each.wording for each in log.wordings(session, question_ids)}
    rows = session.execute(
        select(QuestionRow.id, QuestionRow.course_id, QuestionRow.created_at, _said(Judgement.NO).label("refused"))
        .where(QuestionRow.id.in_(question_ids))
        .order_by(QuestionRow.id)
    )
    return [
        _New(row.id, wordings[row.id], _realm(row.course_id, closed), row.course_id, row.created_at, row.refused)
        for row in rows
        if row.id in wordings
    ]


def _realm(course_id: str | None, closed: Collection[str]) -> str:
    return course_id if course_id is not None and course_id in closed else ""


def _is_answered_already(session: Session, new: _New, taught: _Known, now: dt.datetime) -> bool:
    """Where a trainer answered the same while this one was being asked: it is answered as well, and its asker told."""
    answer_id = None if new.refused else taught.nearest(new.wording, "", SAME)
    answer = session.get(TrainerAnswerRow, answer_id) if answer_id else None
    if answer is None or answer.item_id is None or answer.made_at <= new.asked_at:
        return False
    if not_for(session, [new.id], course_id=answer.course_id):
        return False
    session.add(OpenQuestionRow(question_id=new.id, item_id=answer.item_id))
    session.flush()
    tell_askers(session, [new.id], course_id=answer.course_id, now=now)
    return True


def _taught(session: Session) -> list[tuple[str, str, Wording]]:
    """What trainers answered of late: the answer, and each wording of its question."""
    answers = session.scalars(
        select(TrainerAnswerRow)
        .join(OpenItemRow, OpenItemRow.id == TrainerAnswerRow.item_id)
        .where(TrainerAnswerRow.withdrawn_at.is_(None), OpenItemRow.state == ItemState.ANSWERED)
        .order_by(TrainerAnswerRow.id.desc())
        .limit(NEWEST_ANSWERS)
    ).all()
    of_item = {each.item_id: each.id for each in reversed(answers)}
    asked = session.execute(
        select(OpenQuestionRow.question_id, OpenQuestionRow.item_id).where(OpenQuestionRow.item_id.in_(of_item))
    )
    item_of = {row.question_id: row.item_id for row in asked}
    own = [(each.id, "", Wording(each.question, read_vector(each.digest, each.vector))) for each in answers]
    return own + [(of_item[item_of[each.id]], "", each.wording) for each in log.wordings(session, list(item_of))]


def _wordings_of(
    session: Session, states: Sequence[ItemState], closed: Collection[str]
) -> list[tuple[str, str, Wording]]:
    """Of each item in one of these states its different wordings, WORDINGS_OF_ONE at most, with the realm of each."""
    rows = session.execute(
        select(OpenQuestionRow.question_id, OpenQuestionRow.item_id, QuestionRow.course_id)
        .join(OpenItemRow, OpenItemRow.id == OpenQuestionRow.item_id)
        .join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id)
        .where(OpenItemRow.state.in_(states))
        .order_by(OpenQuestionRow.question_id)
    )
    place_of = {row.question_id: (row.item_id, _realm(row.course_id, closed)) for row in rows}
    chosen: list[tuple[str, str, Wording]] = []
    seen: dict[str, set[tuple[str, str]]] = {}
    for each in log.wordings(session, list(place_of)):
        item_id, realm = place_of[each.id]
        letters = seen.setdefault(item_id, set())
        if (realm, each.wording.letters) not in letters and len(letters) < WORDINGS_OF_ONE:
            letters.add((realm, each.wording.letters))
            chosen.append((item_id, realm, each.wording))
    return chosen


def _still(session: Session, item_id: str | None, states: Sequence[ItemState]) -> str | None:
    """Unless a trainer has settled it since it was read; until this transaction ends nobody does."""
    if item_id is None:
        return None
    query = select(OpenItemRow.id).where(OpenItemRow.id == item_id, OpenItemRow.state.in_(states))
    return session.scalar(query.with_for_update(read=True))


def _course_there(session: Session, new: _New) -> str | None:
    there = new.course_id is not None and recordings.course(session, new.course_id) is not None
    return new.course_id if there else None


def _refused() -> Select[str]:
    """Questions whose askers said of a trainer's answer that it was not it: they are open again, beside what stands."""
    return (
        select(OpenQuestionRow.question_id)
        .join(OpenItemRow, OpenItemRow.id == OpenQuestionRow.item_id)
        .join(FeedbackRow, FeedbackRow.question_id == OpenQuestionRow.question_id)
        .where(OpenItemRow.state == ItemState.ANSWERED, FeedbackRow.kind == Judgement.NO)
        .where(FeedbackRow.made_at > OpenItemRow.changed_at)
    )


def _drop_empty(session: Session) -> None:
    """What lost its last question, by an answer to it or by its deletion."""
    full = exists().where(OpenQuestionRow.item_id == OpenItemRow.id)
    session.execute(delete(OpenItemRow).where(OpenItemRow.state.in_(WAITING), ~full))
