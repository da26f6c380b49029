"""Attempts to sign in, slowed down: the more of them failed for a name or from an address, the longer the next waits.

Kept in the database, so that several processes count together; names and addresses as digests alone.
"""

import datetime as dt
import hashlib
import math
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from assistant.access.tables import FailureRow
from assistant.errors import Busy
from knowledge.database import insert_unless_there
from knowledge.recordings.recording import name_key

TOO_MANY = ("too many attempts to sign in failed", "wait a while; an admin can give you a new password")
FREE_OF_NAME, FREE_OF_ADDRESS = 5, 30
"""So many mistakes cost nothing: an office has one address."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 900.0
FORGOTTEN_AFTER = dt.timedelta(hours=24)
ONE_OF_ADDRESS_FORGOTTEN_EVERY = dt.timedelta(minutes=5)
"""Somebody in an office mistypes every day: counted up for weeks, its people would shut each other out."""


def wait_s(failures: int, *, free: int) -> float:
    """How long after the last failure the next attempt is looked at: 0 while few failed, then doubled each time."""
    if failures < free:
        return 0.0
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - free, 20))


def count_attempt(session: Session, *, name: str, address: str, now: dt.datetime) -> None:
    """Counts as a failure before the password is looked at, so that many tries at once are as many; `take_back` undoes
    it. Raises Busy, the same for names that there are and names that there are not."""
    rows = {counted: _locked(session, counted, now) for counted in (_of_name(name), _of_address(address))}
    left_s = max(_left_s(row, counted, now) for counted, row in rows.items())
    if left_s > 0:
        raise Busy(*TOO_MANY, retry_after_s=math.ceil(left_s))
    for counted, row in rows.items():
        row.count = _remembered(row, counted, now) + 1
        row.last_at = now
    session.flush()


def take_back(session: Session, *, name: str, address: str, now: dt.datetime) -> None:
    """It was the right password."""
    forgive(session, name=name)
    counted = _of_address(address)
    row = _locked(session, counted, now)
    row.count = max(0, row.count - 1)
    session.flush()


def forgive(session: Session, *, name: str) -> None:
    """Somebody signed in, or has a new password."""
    session.execute(delete(FailureRow).where(FailureRow.key == _of_name(name).key))


def sweep(session: Session, *, now: dt.datetime) -> None:
    session.execute(delete(FailureRow).where(FailureRow.last_at < now - FORGOTTEN_AFTER))


def _locked(session: Session, counted: "_Counted", now: dt.datetime) -> FailureRow:
    insert_unless_there(session, FailureRow, [{"key": counted.key, "count": 0, "last_at": now}])
    return session.get_one(FailureRow, counted.key, with_for_update=True)


def _left_s(row: FailureRow, counted: "_Counted", now: dt.datetime) -> float:
    return wait_s(_remembered(row, counted, now), free=counted.free) - (now - row.last_at).total_seconds()


def _remembered(row: FailureRow, counted: "_Counted", now: dt.datetime) -> int:
    since = now - row.last_at
    return 0 if since > FORGOTTEN_AFTER else max(0, row.count - since // counted.one_forgotten_every)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What failures are counted for."""

    key: str
    free: int
    one_forgotten_every: dt.timedelta


def _of_name(name: str) -> _Counted:
    return _Counted(hashlib.sha256(f"name {name_key(name)}".encode()).hexdigest(), FREE_OF_NAME, FORGOTTEN_AFTER)


def _of_address(address: str) -> _Counted:
    key = hashlib.sha256(f"address {address}".encode()).hexdigest()
    return _Counted(key, FREE_OF_ADDRESS, ONE_OF_ADDRESS_FORGOTTEN_EVERY)
