"""Sending what is due: one mail after another, each taken by one worker, looked at again right before it goes, and
marked right after.

Who is killed between the server's yes and the mark sends that one mail again, under the same Message-ID, once the time
is over for which it was taken. Nothing else comes twice, and nothing is lost.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Update, func, select, update
from sqlalchemy.orm import Session

from assistant.access import course_rights, people
from assistant.access.people import Person
from assistant.notices.mail import (
    UNUSABLE_ADDRESS,
    Mailing,
    MailPutOff,
    MailRefused,
    MailServerDown,
    answered_mail,
    mail_address,
    pause_after,
    pause_while_away,
)
from assistant.notices.store import Choice, choice_of
from assistant.notices.tables import MailState, NoticeRow
from assistant.notices.telling import may_hear
from knowledge.database import Database, utc_now

TAKEN_FOR = dt.timedelta(minutes=10)
"""Longer than a server that answers at all may take for one mail."""
_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """A notice whose mail is due. `to`: None where nobody is to get it; `attempts`: with this one, of those in which
    the server was there."""

    notice_id: str
    question_id: str
    to: str | None
    language: str | None
    attempts: int
    told_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MailCounts:
    """`waiting_since`: when the oldest that waits was told of; `given_up`: how many by reason."""

    waiting: int
    waiting_since: dt.datetime | None
    given_up: dict[str, int]


def send_due(
    database: Database,
    mailing: Mailing,
    *,
    now: Callable[[], dt.datetime] = utc_now,
    is_stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Send all that is due, until none is, the server is down, or somebody wants it to stop. How many were sent."""
    sent = 0
    try:
        while not is_stopped() and (taken := _take(database, now())) is not None:
            if taken.to is None:
                continue
            try:
                _send(mailing, taken, taken.to, now())
            except MailServerDown as error:
                _wait_for_server(database, taken, error, now())
                break
            except MailPutOff as error:
                _put_off(database, taken, error, now())
            except MailRefused as error:
                _give_up(database, taken, error.reason)
            else:
                _mark_sent(database, taken)
                sent += 1
    finally:
        mailing.server.hang_up()
    if sent:
        _LOG.info("notices mailed", mails=sent)
    return sent


def count_mails(session: Session, *, since: dt.datetime) -> MailCounts:
    """`since`: of notices told from then on those whose mail was given up are counted."""
    due = NoticeRow.mail == MailState.DUE
    waiting, oldest = session.execute(select(func.count(), func.min(NoticeRow.told_at)).where(due)).one()
    given_up = (
        select(NoticeRow.mail_reason, func.count())
        .where(NoticeRow.mail == MailState.GIVEN_UP, NoticeRow.told_at >= since)
        .group_by(NoticeRow.mail_reason)
        .order_by(func.count().desc(), NoticeRow.mail_reason)
    )
    return MailCounts(waiting, oldest, {reason or "": count for reason, count in session.execute(given_up)})


def _take(database: Database, now: dt.datetime) -> Taken | None:
    """The one that has waited longest, nobody else's for a while; None where none is due."""
    due = select(NoticeRow).where(NoticeRow.mail == MailState.DUE, NoticeRow.mail_due_at <= now)
    first = due.order_by(NoticeRow.mail_due_at, NoticeRow.id).limit(1)
    with database.read() as session:  # most rounds find nothing, and need no writer's turn for it
        if session.scalars(first).one_or_none() is None:
            return None
    with database.write() as session:
        row = session.scalars(first.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        row.mail_attempts += 1
        row.mail_due_at = now + TAKEN_FOR
        person = people.person(session, row.asker)
        choice = choice_of(session, row.asker)
        to = _reached_by(session, row, person, choice)
        return Taken(row.id, row.question_id, to, choice.language, row.mail_attempts, row.told_at)


def _reached_by(session: Session, row: NoticeRow, person: Person | None, choice: Choice) -> str | None:
    """Where the mail goes now; else the row says why nowhere."""
    rights = course_rights.rights_of(session, row.course_id)
    wanted = person is not None and person.email and choice.mail and rights is not None and may_hear(person, rights)
    if person is None or not person.email or not wanted:
        row.mail, row.mail_due_at = MailState.NONE, None
        return None
    try:
        return mail_address(person.email)
    except ValueError:
        row.mail, row.mail_due_at, row.mail_reason = MailState.GIVEN_UP, None, UNUSABLE_ADDRESS
        _LOG.warning("notice not mailed", notice=row.id, reason=UNUSABLE_ADDRESS)
        return None


def _send(mailing: Mailing, taken: Taken, to: str, now: dt.datetime) -> None:
    mailing.server.send(
        answered_mail(
            mailing,
            to=to,
            notice_id=taken.notice_id,
            question_id=taken.question_id,
            language=taken.language,
            now=now,
        )
    )


def _mark_sent(database: Database, taken: Taken) -> None:
    """Also where it was seen or taken back in that moment: it did go out."""
    with database.write() as session:
        values = {"mail": MailState.SENT, "mail_due_at": None}
        session.execute(update(NoticeRow).where(NoticeRow.id == taken.notice_id).values(**values))


def _wait_for_server(database: Database, taken: Taken, error: MailServerDown, now: dt.datetime) -> None:
    """However long it is away: no mail has a part in that, and none is lost by it."""
    _LOG.warning("the mail server is away", notice=taken.notice_id, reason=error.reason)
    due_at = now + pause_while_away(now - taken.told_at)
    with database.write() as session:
        session.execute(_still_due(taken).values(mail_due_at=due_at, mail_attempts=taken.attempts - 1))


def _put_off(database: Database, taken: Taken, error: MailPutOff, now: dt.datetime) -> None:
    pause = pause_after(taken.attempts)
    if pause is None:
        _give_up(database, taken, error.reason)
        return
    _LOG.warning("notice not mailed yet", notice=taken.notice_id, attempt=taken.attempts, reason=error.reason)
    with database.write() as session:
        session.execute(_still_due(taken).values(mail_due_at=now + pause))


def _give_up(database: Database, taken: Taken, reason: str) -> None:
    _LOG.warning("notice not mailed", notice=taken.notice_id, attempt=taken.attempts, reason=reason)
    with database.write() as session:
        session.execute(_still_due(taken).values(mail=MailState.GIVEN_UP, mail_due_at=None, mail_reason=reason))


def _still_due(taken: Taken) -> Update:
    """Unless it was seen meanwhile, and nobody needs it any more."""
    return update(NoticeRow).where(NoticeRow.id == taken.notice_id, NoticeRow.mail == MailState.DUE)
