"""Logs to bend: chains of rows made by the product's own rules, and what somebody may do to them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from assistant.audit.chain import Head, Row, following, hash_of, time_text
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.statement import Statement, StatementKind

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def chain_of(count: int, *, step: dt.timedelta = 10 * MINUTE) -> list[Row]:
    """Rows a step apart, the first at noon."""
    rows: list[Row] = []
    standing = Head()
    for number in range(count):
        event = AuditEvent(f"p-{number % 3}", AuditAction.EXPORTED, "course", f"c-{number}", details={"rows": number})
        rows.append(following(standing, event, NOON + number * step))
        standing = Head(rows[-1].seq, rows[-1].hash)
    return rows


def linked_anew(rows: Sequence[Row]) -> list[Row]:
    """What whoever has the database makes of rows he changed: numbers, links and hashes right again."""
    standing = Head(rows[0].seq - 1, rows[0].previous) if rows else Head()
    again: list[Row] = []
    for row in rows:
        moved = replace(row, seq=standing.seq + 1, previous=standing.hash)
        again.append(replace(moved, hash=hash_of(moved)))
        standing = Head(again[-1].seq, again[-1].hash)
    return again


def checkpoint(row: Row, *, after: dt.timedelta = MINUTE) -> Statement:
    """Signed a while after the row was written."""
    at = dt.datetime.fromisoformat(row.at) + after
    return Statement(StatementKind.CHECKPOINT, row.seq, row.hash, at)


def moved(row: Row, by: dt.timedelta) -> Row:
    """Stamped with another time, its hash left alone."""
    return replace(row, at=time_text(dt.datetime.fromisoformat(row.at) + by))
