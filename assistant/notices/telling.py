"""Who is told of an answer, decided in the transaction of whoever answers; and that taken back."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.access import course_rights, people
from assistant.access.people import Person
from assistant.access.policy import Action, CourseRights, may
from assistant.access.sessions import caller_of
from assistant.notices.tables import MailState, NoticeRow
from assistant.questions.invented import is_invented
from assistant.questions.tables import QuestionRow
from knowledge.database import insert_unless_there, new_id, slices


def tell_askers(session: Session, question_ids: Sequence[str], *, course_id: str, now: dt.datetime) -> int:
    """A notice for each asker of these questions who may hear the course now: by the newest of theirs, and none for
    whom an earlier answer to them still waits to be seen. How many were told.

    The command line's questions have no asker, invented ones none that could be told. A browser in which nobody signed
    in is always told: its page is open to whoever sits at this machine.
    """
    rights = course_rights.rights_of(session, course_id)
    if rights is None:
        return 0
    newest = _newest_of_each(session, question_ids)
    known = _people_among(session, newest)
    waiting = _still_unseen(session, question_ids)
    told = {
        asker: question_id
        for asker, question_id in newest.items()
        if asker not in waiting and may_hear(known.get(asker), rights)
    }
    if not told:
        return 0
    for some in slices(list(told.values())):  # seen before this answer
        session.execute(delete(NoticeRow).where(NoticeRow.question_id.in_(some)))
    rows = [_row(question_id, asker, course_id, now, by_mail=asker in known) for asker, question_id in told.items()]
    insert_unless_there(session, NoticeRow, rows)
    return len(rows)


def not_for(session: Session, question_ids: Sequence[str], *, course_id: str) -> list[str]:
    """Those of the questions whose askers may not hear the course: what is answered there is no answer to them."""
    rights = course_rights.rights_of(session, course_id)
    asked: list[tuple[str, str]] = []
    for some in slices(question_ids):
        query = select(QuestionRow.id, QuestionRow.asker).where(QuestionRow.id.in_(some))
        asked += [(key, asker) for key, asker in session.execute(query) if asker is not None]
    known = _people_among(session, {asker for _, asker in asked})
    deaf = {key for key, one in known.items() if one.is_active and not (rights and may_hear(one, rights))}
    return [key for key, asker in asked if asker in deaf]


def take_back(session: Session, question_ids: Sequence[str]) -> None:
    """The answer was undone: nobody who has not seen it is told of it any more, on a page or by mail."""
    for some in slices(question_ids):
        session.execute(delete(NoticeRow).where(NoticeRow.question_id.in_(some), NoticeRow.seen_at.is_(None)))


def may_hear(person: Person | None, rights: CourseRights) -> bool:
    """`person`: None for a browser in which nobody signed in."""
    return person is None or (person.is_active and may(caller_of(person), Action.HEAR, rights))


def _newest_of_each(session: Session, question_ids: Sequence[str]) -> dict[str, str]:
    """The newest question by its asker. None of them is deleted before this transaction ends."""
    newest: dict[str, str] = {}
    for some in slices(sorted(question_ids)):
        query = select(QuestionRow.asker, QuestionRow.id).where(QuestionRow.id.in_(some)).order_by(QuestionRow.id)
        for asker, question_id in session.execute(query.with_for_update(read=True)):
            if asker is not None and not is_invented(asker):
                newest[asker] = question_id
    return newest


def _people_among(session: Session, askers: Iterable[str]) -> dict[str, Person]:
    return {person.id: person for some in slices(sorted(askers)) for person in people.list_people(session, ids=some)}


def _still_unseen(session: Session, question_ids: Sequence[str]) -> set[str]:
    """Askers who have a notice of one of the questions that they have not seen."""
    found: set[str] = set()
    for some in slices(question_ids):
        unseen = NoticeRow.question_id.in_(some), NoticeRow.seen_at.is_(None)
        found |= set(session.scalars(select(NoticeRow.asker).where(*unseen)))
    return found


def _row(question_id: str, asker: str, course_id: str, now: dt.datetime, *, by_mail: bool) -> dict[str, object]:
    return {
        "id": new_id(),
        "question_id": question_id,
        "asker": asker,
        "course_id": course_id,
        "told_at": now,
        "seen_at": None,
        "mail": MailState.DUE if by_mail else MailState.NONE,
        "mail_attempts": 0,
        "mail_due_at": now if by_mail else None,
        "mail_reason": None,
    }
