"""Reading the audit log: for people newest first, a page at a time; for exports and checks whole, oldest first."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from assistant.audit.chain import Row, read_time, time_text
from assistant.audit.event import Detail
from assistant.audit.tables import AuditRow

_ROWS_AT_ONCE = 2000
UNREADABLE = "unreadable"
"""Stands for each field of a row whose bytes are no text."""
_COLUMNS = (
    AuditRow.seq,
    AuditRow.at,
    AuditRow.actor,
    AuditRow.action,
    AuditRow.object_kind,
    AuditRow.object_id,
    AuditRow.outcome,
    AuditRow.details,
    AuditRow.previous,
    AuditRow.hash,
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows: all that are given must fit. `since` is in, `until` is not."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    actor: str | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row for people. `at` is None and `details` hold `unreadable` where somebody bent the row; `verify` says so."""

    seq: int
    at: dt.datetime | None
    actor: str
    action: str
    object_kind: str | None
    object_id: str | None
    outcome: str
    details: Mapping[str, Detail]
    previous: str
    hash: str

    def as_document(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "at": None if self.at is None else time_text(self.at),
            "actor": self.actor,
            "action": self.action,
            "object_kind": self.object_kind,
            "object_id": self.object_id,
            "outcome": self.outcome,
            "details": dict(self.details),
            "previous": self.previous,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: what to give as `after` for the page behind this one; None where this is the last."""

    entries: tuple[Entry, ...]
    next: int | None


def read(session: Session, wanted: AuditFilter, *, after: int | None = None, limit: int = 50) -> Page:
    """Rows that fit, newest first, behind row `after`: a cursor, so that rows that come meanwhile move nothing."""
    query = _fitting(wanted).order_by(AuditRow.seq.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(AuditRow.seq < after)
    found = [_entry(row) for row in _rows(session, query)]
    return Page(tuple(found[:limit]), found[limit - 1].seq if len(found) > limit else None)


def entries(session: Session, wanted: AuditFilter) -> Iterator[Entry]:
    """All that fit, oldest first, a few in memory at a time."""
    return map(_entry, _oldest_first(session, _fitting(wanted), first=1))


def rows_from(session: Session, first: int) -> Iterator[Row]:
    """Rows as they are kept, from number `first` on, oldest first, a few in memory at a time."""
    return _oldest_first(session, select(*_COLUMNS), first=first)


def first_row(session: Session) -> int:
    """The number of the oldest row that is there; 1 for an empty log."""
    return session.scalar(select(func.min(AuditRow.seq))) or 1


def _oldest_first(session: Session, query: Select[*tuple[Any, ...]], *, first: int) -> Iterator[Row]:
    query = query.order_by(AuditRow.seq).limit(_ROWS_AT_ONCE)
    while rows := _rows(session, query.where(AuditRow.seq >= first)):
        yield from rows
        first = rows[-1].seq + 1


def _rows(session: Session, query: Select[*tuple[Any, ...]]) -> list[Row]:
    """SQLite keeps anything in any column, bytes that are no text among it, on which its driver gives up: then each
    row is read alone, so that a single one that somebody bent hides no other."""
    try:
        return [_row(kept) for kept in session.execute(query)]
    except OperationalError:
        seqs = session.scalars(query.with_only_columns(AuditRow.seq)).all()
        return [_row_alone(session, seq) for seq in seqs]


def _row_alone(session: Session, seq: int) -> Row:
    try:
        return _row(session.execute(select(*_COLUMNS).where(AuditRow.seq == seq)).one())
    except OperationalError:
        return Row(seq, UNREADABLE, UNREADABLE, UNREADABLE, None, None, UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE)


def _row(kept: Sequence[Any]) -> Row:
    seq, at, actor, action, object_kind, object_id, outcome, details, previous, hash_ = kept
    return Row(
        seq,
        _text(at),
        _text(actor),
        _text(action),
        None if object_kind is None else _text(object_kind),
        None if object_id is None else _text(object_id),
        _text(outcome),
        _text(details),
        _text(previous),
        _text(hash_),
    )


def _text(kept: Any) -> str:
    return kept if isinstance(kept, str) else repr(kept)


def _fitting(wanted: AuditFilter) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(*_COLUMNS)
    if wanted.since is not None:
        query = query.where(AuditRow.at >= time_text(wanted.since))
    if wanted.until is not None:
        query = query.where(AuditRow.at < time_text(wanted.until))
    for column, value in (
        (AuditRow.actor, wanted.actor),
        (AuditRow.action, wanted.action),
        (AuditRow.object_kind, wanted.object_kind),
        (AuditRow.object_id, wanted.object_id),
        (AuditRow.outcome, wanted.outcome),
    ):
        if value is not None:
            query = query.where(column == value)
    return query


def _entry(row: Row) -> Entry:
    return Entry(
        row.seq,
        read_time(row.at),
        row.actor,
        row.action,
        row.object_kind,
        row.object_id,
        row.outcome,
        _details(row.details),
        row.previous,
        row.hash,
    )


def _details(text: str) -> Mapping[str, Detail]:
    try:
        details = json.loads(text)
    except ValueError:
        return {UNREADABLE: text}
    return details if isinstance(details, dict) else {"unreadable": text}
