"""Which workers live: each says so while it does. Knows nothing of what they work on."""

import datetime as dt
import os
import socket

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.jobs.store import database_now
from assistant.jobs.tables import WorkerRow
from knowledge.database import new_id

SEEN_EVERY_S = 5.0
UNSEEN_IS_DEAD_S = 20.0


def new_owner() -> str:
    """A name for a worker that no other one ever has."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id()}"


def say_alive(session: Session, owner: str, *, now: dt.datetime | None = None) -> None:
    moment = now or database_now(session)
    session.merge(WorkerRow(owner=owner, host=socket.gethostname(), pid=os.getpid(), seen_at=moment))
    long_gone = moment - dt.timedelta(seconds=10 * UNSEEN_IS_DEAD_S)
    session.execute(delete(WorkerRow).where(WorkerRow.seen_at < long_gone))


def say_gone(session: Session, owner: str) -> None:
    session.execute(delete(WorkerRow).where(WorkerRow.owner == owner))


def workers_alive(session: Session, *, now: dt.datetime | None = None) -> list[str]:
    """Owners that were seen lately; a dead process of this host is known at once."""
    since = (now or database_now(session)) - dt.timedelta(seconds=UNSEEN_IS_DEAD_S)
    rows = session.scalars(select(WorkerRow).where(WorkerRow.seen_at >= since).order_by(WorkerRow.owner))
    return [row.owner for row in rows if row.host != socket.gethostname() or _process_lives(row.pid)]


def _process_lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
