"""Writing the audit log: one chain without a gap, whoever writes, however they end; over SQLite and PostgreSQL."""

import datetime as dt
import json
import statistics
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select

from assistant.audit.chain import GENESIS, hash_of
from assistant.audit.event import COMMAND_LINE, NOBODY, AuditAction, AuditEvent, Outcome
from assistant.audit.log import append, head
from assistant.audit.tables import AuditRow
from knowledge.database import Database

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SIGN_IN = AuditEvent("p-1", AuditAction.SIGNED_IN)


def rows_of(database: Database) -> list[AuditRow]:
    with database.read() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.seq)))


def write(database: Database, event: AuditEvent = SIGN_IN) -> int:
    with database.write() as session:
        return append(session, event)


def is_one_chain(rows: list[AuditRow]) -> bool:
    numbered = [row.seq for row in rows] == list(range(1, len(rows) + 1))
    linked = [row.previous for row in rows] == [GENESIS, *(row.hash for row in rows)][: len(rows)]
    return numbered and linked and all(hash_of(row) == row.hash for row in rows)  # type: ignore[arg-type]


def test_an_event_becomes_a_row_with_all_it_says(databases: Database) -> None:
    event = AuditEvent(
        COMMAND_LINE,
        AuditAction.ROLE_CHANGED,
        "person",
        "p-7",
        Outcome.REFUSED,
        {"role": "trainer", "days": 3, "first": True, "course": "安全\x00"},
    )
    with databases.write() as session:
        assert append(session, event, now=NOON) == 1
        assert head(session).seq == 1
    [row] = rows_of(databases)
    assert (row.at, row.actor, row.action) == ("2026-03-01T12:00:00.000000Z", "command-line", "role-changed")
    assert (row.object_kind, row.object_id, row.outcome) == ("person", "p-7", "refused")
    assert json.loads(row.details) == {"role": "trainer", "days": 3, "first": True, "course": "安全"}
    assert is_one_chain([row])


def test_a_row_is_kept_and_lost_with_what_it_tells_of(databases: Database) -> None:
    write(databases)
    with databases.write() as session:
        append(session, SIGN_IN)
        session.rollback()
    with databases.write() as session:
        assert [append(session, SIGN_IN), append(session, SIGN_IN)] == [2, 3]
    assert is_one_chain(rows_of(databases))


def test_many_threads_write_one_chain_without_a_gap(databases: Database) -> None:
    threads = [threading.Thread(target=lambda: [write(databases) for _ in range(10)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rows_of(databases)
    assert len(rows) == 60
    assert is_one_chain(rows)


WRITE_MANY = """
import sys
from assistant.audit.event import *
from assistant.audit.log import append
from knowledge.database import Database
database = Database(sys.argv[1])
for _ in range(25):
    with database.write() as session:
        append(session, AuditEvent(sys.argv[2], AuditAction.SIGNED_IN))
"""


def test_many_processes_write_one_chain_without_a_gap(databases: Database) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE_MANY, databases.url, f"p-{n}"]) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    rows = rows_of(databases)
    assert {row.actor for row in rows} == {"p-0", "p-1", "p-2", "p-3"}
    assert len(rows) == 100
    assert is_one_chain(rows)


APPEND_AND_WAIT = """
import sys, time
from assistant.audit.event import *
from assistant.audit.log import append
from knowledge.database import Database
with Database(sys.argv[1]).write() as session:
    append(session, AuditEvent("killed", AuditAction.SIGNED_IN))
    print("written", flush=True)
    time.sleep(60)
"""


@pytest.mark.faults
def test_a_writer_killed_before_its_commit_leaves_neither_row_nor_gap(databases: Database) -> None:
    write(databases)
    with subprocess.Popen([sys.executable, "-c", APPEND_AND_WAIT, databases.url], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.kill()
    write(databases)
    rows = rows_of(databases)
    assert [row.actor for row in rows] == ["p-1", "p-1"]
    assert is_one_chain(rows)


@pytest.mark.timed
def test_a_row_costs_well_under_five_milliseconds(databases: Database) -> None:
    """What it adds to a transaction that there is anyway."""
    taken = []
    with databases.write() as session:
        for _ in range(200):
            started = time.perf_counter()
            append(session, SIGN_IN)
            taken.append(time.perf_counter() - started)
    assert statistics.median(taken) < 0.005


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"actor": ""}, "needs an actor"),
        ({"object_id": "p-7"}, "without saying what it is"),
        ({"details": {"share": 0.5}}, "share is neither"),
        ({"details": {"text": "x" * 501}}, "501 characters"),
        ({"details": {str(n): n for n in range(21)}}, "at most 20"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused_where_it_is_made(wrong: dict[str, object], why: str) -> None:
    given = {"actor": NOBODY, "action": AuditAction.SIGN_IN_REFUSED, **wrong}
    with pytest.raises(ValueError, match=why):
        AuditEvent(**given)  # type: ignore[arg-type]


def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    with database.write() as session, pytest.raises(ValueError, match="zone"):
        append(session, SIGN_IN, now=dt.datetime(2026, 3, 1))
