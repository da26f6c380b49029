"""Looking into the audit log is itself an act that it holds: reading once an hour a session, exporting always."""

import datetime as dt
from collections.abc import Callable, Iterator

from sqlalchemy import select

from assistant.audit.chain import time_text
from assistant.audit.event import AuditAction, AuditEvent, Detail
from assistant.audit.log import append
from assistant.audit.reading import AuditFilter, Entry, Page, read
from assistant.audit.tables import AuditRow
from assistant.errors import SignInNeeded
from knowledge.database import Database

NOTED_EVERY = dt.timedelta(hours=1)
_ROWS_AT_ONCE = 1000


def look(
    database: Database, wanted: AuditFilter, *, actor: str, session_id: str, after: int | None, now: dt.datetime
) -> Page:
    """A page, newest first. Noted, so that the log does not fill itself, at most once an hour a session."""
    with database.read() as session:
        noted = select(AuditRow.seq).where(
            AuditRow.action == AuditAction.AUDIT_READ.value,
            AuditRow.actor == actor,
            AuditRow.object_id == session_id,
            AuditRow.at > time_text(now - NOTED_EVERY),
        )
        is_noted = session.scalar(noted.limit(1)) is not None
    if not is_noted:
        with database.write() as session:
            append(session, AuditEvent(actor, AuditAction.AUDIT_READ, "session", session_id))
    with database.read() as session:
        return read(session, wanted, after=after)


def export(
    database: Database, wanted: AuditFilter, *, actor: str, kind: str, allowed: Callable[[], bool]
) -> Iterator[Entry]:
    """All that fit, newest first, a few in memory at a time and the database free between them: who takes them may
    be slow. Noted before the first of them leaves, by which filters and not by whose.

    Raises SignInNeeded in the middle where `allowed`, asked again and again, says no: half a log must not look whole.
    """
    details: dict[str, Detail] = {"kind": kind}
    for name in ("since", "until", "actor", "action", "object_kind", "object_id", "outcome"):
        if getattr(wanted, name) is not None:
            details[f"by_{name}"] = True
    with database.write() as session:
        append(session, AuditEvent(actor, AuditAction.AUDIT_EXPORTED, details=details))
    return _all(database, wanted, allowed)


def _all(database: Database, wanted: AuditFilter, allowed: Callable[[], bool]) -> Iterator[Entry]:
    after: int | None = None
    while True:
        with database.read() as session:
            page = read(session, wanted, after=after, limit=_ROWS_AT_ONCE)
        yield from page.entries
        if page.next is None:
            return
        if not allowed():
            raise SignInNeeded("the right to read the audit log was taken away meanwhile")
        after = page.next
