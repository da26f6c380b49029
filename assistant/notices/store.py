"""Notices as their asker finds them, and what the asker wants of them."""

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from assistant.access import course_rights, people
from assistant.access.policy import Action
from assistant.access.sessions import caller_of
from assistant.notices.tables import MailState, NoticeChoiceRow, NoticeRow
from assistant.questions.tables import QuestionRow
from knowledge.database import Database, insert_unless_there, utc_now
from knowledge.errors import DatabaseBusy


@dataclass(frozen=True, slots=True)
class Notice:
    """`seen_at`: None until the question's page was opened."""

    id: str
    question_id: str
    question_text: str
    told_at: dt.datetime
    seen_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """`language`: a code of the pages' languages, None where nobody knows."""

    mail: bool = True
    language: str | None = None


def unseen(database: Database, asker: str) -> list[Notice]:
    """Newest first; none of a course that the asker may not hear any more."""
    with database.read() as session:
        return _still_heard(session, asker, session.execute(_of(asker).where(NoticeRow.seen_at.is_(None))).all())


def notices_of(database: Database, asker: str, *, limit: int) -> list[Notice]:
    """Seen ones, too, newest first; none of a course that the asker may not hear any more."""
    with database.read() as session:
        return _still_heard(session, asker, session.execute(_of(asker).limit(limit)).all())


def mark_seen(database: Database, asker: str, question_id: str, *, now: dt.datetime | None = None) -> None:
    """The asker has the question before them: nothing is left to tell, by mail either. Where the database takes no
    writes it is marked the next time: the page is worth more than the mark."""
    waiting = (NoticeRow.question_id == question_id, NoticeRow.asker == asker, NoticeRow.seen_at.is_(None))
    with database.read() as session:
        if session.scalar(select(NoticeRow.id).where(*waiting)) is None:
            return
    with contextlib.suppress(DatabaseBusy), database.write() as session:
        session.execute(update(NoticeRow).where(*waiting).values(seen_at=now or utc_now()))
        not_sent = (NoticeRow.question_id == question_id, NoticeRow.mail == MailState.DUE)
        session.execute(update(NoticeRow).where(*not_sent).values(mail=MailState.NONE, mail_due_at=None))


def export_of(database: Database, asker: str) -> list[dict[str, Any]]:
    """What is kept of one asker's notices, oldest first: for that person alone; none of a course that they may not
    hear any more."""
    with database.read() as session:
        heard = _heard_by(session, asker)
        rows = session.scalars(select(NoticeRow).where(NoticeRow.asker == asker).order_by(NoticeRow.id)).all()
        return [
            {
                "question_id": row.question_id,
                "told_at": row.told_at.isoformat(),
                "seen_at": None if row.seen_at is None else row.seen_at.isoformat(),
                "mail": row.mail.value,
            }
            for row in rows
            if heard is None or row.course_id in heard
        ]


def choice_of(session: Session, person_id: str) -> Choice:
    row = session.get(NoticeChoiceRow, person_id)
    return Choice() if row is None else Choice(row.mail, row.language)


def choose_mail(session: Session, person_id: str, *, mail: bool) -> None:
    """The person is there."""
    _choose(session, person_id, mail=mail)


def note_language(database: Database, person_id: str, language: str) -> None:
    """In which language the person reads the pages now, so that a mail comes in it. Left for the next time where the
    database takes no writes."""
    with database.read() as session:
        if choice_of(session, person_id).language == language or people.person(session, person_id) is None:
            return
    with contextlib.suppress(DatabaseBusy), database.write() as session:
        if people.person(session, person_id) is not None:
            _choose(session, person_id, language=language)


def _choose(session: Session, person_id: str, **chosen: object) -> None:
    insert_unless_there(session, NoticeChoiceRow, [{"person_id": person_id, "mail": True, "language": None}])
    session.execute(update(NoticeChoiceRow).where(NoticeChoiceRow.person_id == person_id).values(**chosen))


def _of(asker: str) -> Select[NoticeRow, str]:
    query = select(NoticeRow, QuestionRow.text).join(QuestionRow, QuestionRow.id == NoticeRow.question_id)
    return query.where(NoticeRow.asker == asker).order_by(NoticeRow.id.desc())


def _still_heard(session: Session, asker: str, found: Sequence[Row[NoticeRow, str]]) -> list[Notice]:
    if not found:
        return []
    heard = _heard_by(session, asker)
    return [
        Notice(row.id, row.question_id, text, row.told_at, row.seen_at)
        for row, text in found
        if heard is None or row.course_id in heard
    ]


def _heard_by(session: Session, asker: str) -> frozenset[str] | None:
    """None for a browser in which nobody signed in: its page is open to whoever sits at this machine."""
    person = people.person(session, asker)
    return None if person is None else course_rights.permitted(session, caller_of(person), Action.HEAR)
