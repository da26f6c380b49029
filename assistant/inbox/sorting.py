"""Bringing open questions together that mean the same. Safe to run as often as one likes, and in several workers."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import Session

from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import WAITING, ItemState, OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.questions import log
from assistant.questions.invented import asked_by_nobody, really_asked
from assistant.questions.likeness import NEAR, SAME, Nearness, Wording, likenesses
from assistant.questions.tables import QuestionRow
from knowledge.database import Database, lock_until_commit, new_id, slices
from knowledge.finding.moment import Verdict
from knowledge.recordings import store as recordings

AT_ONCE = 50
OPEN_FOR = dt.timedelta(days=180)
"""What nobody answered in half a year is history: whoever still needs it asks again."""
WORDINGS_OF_ONE = 20
"""Others are compared with so many different wordings of an item: more of them tell nothing new."""
_LOCK = 0x696E626F


def sort_open_questions(database: Database, *, now: dt.datetime) -> int:
    """Give open questions their items, the oldest first, and take out of waiting items what is open no more. What was
    set aside stays so, however often it is asked again.

    How many were given one; where that is AT_ONCE, there may be more.
    """
    with database.read() as session:
        nothing = not session.scalars(_unsorted(now)).first() and not session.scalars(_settled()).first()
    if nothing:
        return 0
    with database.write() as session:
        lock_until_commit(session, _LOCK)
        session.execute(delete(OpenQuestionRow).where(OpenQuestionRow.question_id.in_(_settled())))
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


def _sort(session: Session, question_ids: Sequence[str], now: dt.datetime) -> None:
    known = _wordings_of(session, WAITING)
    aside = _wordings_of(session, (ItemState.SET_ASIDE,))
    new = {each.id: each.wording for each in log.wordings(session, question_ids)}
    for question_id in question_ids:
        wording = new[question_id]
        item_id = _nearest(wording, aside, SAME)
        if item_id is None:
            item_id = _nearest(wording, known, NEAR) or _new_item(session, question_id, now)
            known.append((item_id, wording))
        session.add(OpenQuestionRow(question_id=question_id, item_id=item_id))
        session.flush()


def _wordings_of(session: Session, states: Sequence[ItemState]) -> list[tuple[str, Wording]]:
    """Of each item in one of these states its different wordings, WORDINGS_OF_ONE at most."""
    rows = session.execute(
        select(OpenQuestionRow.question_id, OpenQuestionRow.item_id)
        .join(OpenItemRow, OpenItemRow.id == OpenQuestionRow.item_id)
        .where(OpenItemRow.state.in_(states))
        .order_by(OpenQuestionRow.question_id)
    )
    item_of = {row.question_id: row.item_id for row in rows}
    chosen: list[tuple[str, Wording]] = []
    seen: dict[str, set[str]] = {}
    for each in log.wordings(session, list(item_of)):
        letters = seen.setdefault(item_of[each.id], set())
        if each.wording.letters not in letters and len(letters) < WORDINGS_OF_ONE:
            letters.add(each.wording.letters)
            chosen.append((item_of[each.id], each.wording))
    return chosen


def _nearest(wording: Wording, known: Sequence[tuple[str, Wording]], nearness: Nearness) -> str | None:
    if not known:
        return None
    near = likenesses(wording, [each for _item, each in known], nearness)
    best = int(near.argmax())
    return known[best][0] if near[best] > 0 else None


def _new_item(session: Session, question_id: str, now: dt.datetime) -> str:
    course_id = session.scalar(select(QuestionRow.course_id).where(QuestionRow.id == question_id))
    if course_id is not None and recordings.course(session, course_id) is None:
        course_id = None
    item = OpenItemRow(id=new_id(), state=ItemState.OPEN, course_id=course_id, made_at=now, changed_at=now)
    session.add(item)
    session.flush()
    return item.id


def _drop_empty(session: Session) -> None:
    """What lost its last question, by an answer to it or by its deletion."""
    full = exists().where(OpenQuestionRow.item_id == OpenItemRow.id)
    session.execute(delete(OpenItemRow).where(OpenItemRow.state.in_(WAITING), ~full))
