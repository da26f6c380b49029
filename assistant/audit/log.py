"""Writing the audit log: one row an event, in the caller's own transaction, so that act and row stand or fall
together."""

import dataclasses
import datetime as dt

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from assistant.audit.chain import Head, following
from assistant.audit.event import AuditEvent
from assistant.audit.tables import AuditRow
from assistant.jobs.store import database_now
from knowledge.database import lock_until_commit

_LOCK = 0x65617261


def append(session: Session, event: AuditEvent, *, now: dt.datetime | None = None) -> int:
    """Add a row and return its number. It is kept with the caller's commit, and gone with the caller's rollback:
    a refusal that ends in an exception needs a transaction of its own.

    `session` must be one of `database.write()`. Writers queue here until the commit: append last, after every other
    lock of the transaction, else two may wait for each other. `now`: the database's clock, one for all hosts.
    """
    lock_until_commit(session, _LOCK)
    row = following(head(session), event, now or database_now(session))
    session.execute(insert(AuditRow).values(dataclasses.asdict(row)))
    return row.seq


def head(session: Session) -> Head:
    """Where the log stands now."""
    newest = session.execute(select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)).first()
    return Head() if newest is None else Head(newest.seq, newest.hash)
