"""The rules of the chain: the bytes of a row, its hash, the row that follows another. Pure: no clock, no database.

Each row's hash covers the row and the hash before it, so that one hash stands for all that came before: the linking
of Haber and Stornetta, "How to Time-Stamp a Digital Document" (1991), as Schneier and Kelsey used it for logs in
"Secure Audit Logs to Support Computer Forensics" (1999). A chain alone shows careless changes; whoever can compute
SHA-256 can make it anew. That is what the signed checkpoints are for (`checkpoints.py`).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assistant.audit.event import AuditEvent, Detail
from knowledge.database import storable_text

GENESIS = "0" * 64
"""What stands as the hash before the first row."""
_ROW_BYTES = b"earmark audit row 1\n"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is kept, believed in nothing yet: whatever texts the database gave."""

    seq: int
    at: str
    actor: str
    action: str
    object_kind: str | None
    object_id: str | None
    outcome: str
    details: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands: the last row's number and hash."""

    seq: int = 0
    hash: str = GENESIS


def following(head: Head, event: AuditEvent, at: dt.datetime) -> Row:
    """The row that this event makes behind `head`. Raises ValueError for a time without its zone."""
    row = Row(
        seq=head.seq + 1,
        at=time_text(at),
        actor=storable_text(event.actor),
        action=event.action.value,
        object_kind=None if event.object_kind is None else storable_text(event.object_kind),
        object_id=None if event.object_id is None else storable_text(event.object_id),
        outcome=event.outcome.value,
        details=details_text(event.details),
        previous=head.hash,
        hash="",
    )
    return replace(row, hash=hash_of(row))


def hash_of(row: Row) -> str:
    """SHA-256 in hex over the row's canonical bytes, which hold the hash before it and not its own."""
    return hashlib.sha256(canonical_bytes(row)).hexdigest()


def canonical_bytes(row: Row) -> bytes:
    """One row has one form: a JSON list in a fixed order, ASCII, no spaces, behind a line that says what it is, so
    that nothing else that is ever hashed or signed can be taken for it."""
    fields = (
        row.seq,
        row.at,
        row.actor,
        row.action,
        row.object_kind,
        row.object_id,
        row.outcome,
        row.details,
        row.previous,
    )
    return _ROW_BYTES + json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def time_text(at: dt.datetime) -> str:
    """RFC 3339 in UTC, always with microseconds: sorts as it reads."""
    if at.tzinfo is None:
        raise ValueError("a time without its zone cannot be kept")
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def read_time(text: str) -> dt.datetime | None:
    """None for what `time_text` never wrote."""
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def details_text(details: Mapping[str, Detail]) -> str:
    clean = {
        storable_text(name): storable_text(detail) if isinstance(detail, str) else detail
        for name, detail in details.items()
    }
    return json.dumps(clean, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
