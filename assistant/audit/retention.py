"""The end of old rows: the oldest go, and a signed statement stays, so that what retention took is told from what
somebody took."""

import datetime as dt
from itertools import takewhile

from sqlalchemy import delete, func, select

from assistant.audit.chain import Row, time_text
from assistant.audit.checkpoints import CheckpointBook
from assistant.audit.event import EARMARK, LONGEST_DETAIL, AuditAction, AuditEvent, Outcome
from assistant.audit.log import append, head
from assistant.audit.reading import first_row, rows_from
from assistant.audit.statement import Statement, StatementKind
from assistant.audit.tables import AuditRow
from assistant.audit.verify import verify
from assistant.errors import PartDown
from knowledge.database import Database

_AT_ONCE = 2000
"""Rows of one transaction: others write in between."""


class LogMoved(PartDown):
    """Rows changed while retention was at them."""

    kind = "audit-log-moved"


def prune(database: Database, book: CheckpointBook, *, before: dt.datetime, now: dt.datetime) -> int:
    """Take away the rows older than `before`, up to the first that is not; how many went.

    They are verified first. Bent ones go too, since how long data may be kept is not for a forger to say: what was
    found stands in the row that tells of it. The last row always stays, so that numbers go on. Killed at any point,
    the log holds. Raises UnusableKey, LogMoved, Busy, OSError.
    """
    oldest, last = _old_rows(database, before)
    if last < oldest:
        return 0
    found = _findings(database, book, last)
    for end in [*range(oldest + _AT_ONCE - 1, last, _AT_ONCE), last]:
        _take(database, book, end, now)
    with database.write() as session:
        append(session, _told(last - oldest + 1, last, found), now=now)
    database.forget_deleted()
    return last - oldest + 1


def _old_rows(database: Database, before: dt.datetime) -> tuple[int, int]:
    """The numbers of the first and the last row to go. Where times run backwards, an old row behind a younger one
    waits for it: only a beginning can go."""
    with database.read() as session:
        oldest = first_row(session)
        young = session.scalar(select(func.min(AuditRow.seq)).where(AuditRow.at >= time_text(before)))
        end = head(session).seq
    return oldest, min(end if young is None else young, end) - 1


def _findings(database: Database, book: CheckpointBook, last: int) -> tuple[int, str]:
    """How many, and the first."""
    statements = [each for each in book.signed().statements if each.seq <= last]

    def goes(row: Row) -> bool:
        return row.seq <= last

    count, first = 0, ""
    with database.read() as session:
        for finding in verify(takewhile(goes, rows_from(session, 1)), statements):
            count, first = count + 1, first or str(finding)
    return count, first


def _take(database: Database, book: CheckpointBook, end: int, now: dt.datetime) -> None:
    """The statement first: killed in between, the rows are still there, which contradicts nothing."""
    at_end = select(AuditRow.hash).where(AuditRow.seq == end)
    with database.read() as session:
        known = session.scalar(at_end)
    if known is None:
        raise LogMoved(f"row {end} of the audit log went while retention was at it", "see `earmark audit verify`")
    book.add(Statement(StatementKind.PRUNED, end, known, now))
    with database.write() as session:
        if session.scalar(at_end) != known:
            raise LogMoved(f"row {end} of the audit log changed under retention", "see `earmark audit verify`")
        session.execute(delete(AuditRow).where(AuditRow.seq <= end))


def _told(rows: int, last: int, found: tuple[int, str]) -> AuditEvent:
    count, first = found
    details: dict[str, str | int | bool] = {"rows": rows, "last": last}
    if count:
        details |= {"findings": count, "first_finding": first[:LONGEST_DETAIL]}
    outcome = Outcome.FAILED if count else Outcome.DONE
    return AuditEvent(EARMARK, AuditAction.RETENTION_APPLIED, "audit", outcome=outcome, details=details)
