"""The end of old rows: what went is told from what somebody took; over both databases."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from assistant.audit import retention
from assistant.audit.checkpoints import CheckpointBook, check_all, check_newest, make_checkpoint
from assistant.audit.event import EARMARK, AuditAction, AuditEvent, Outcome
from assistant.audit.keeping import AuditKeeper
from assistant.audit.log import append
from assistant.audit.reading import AuditFilter, Page, first_row, read
from assistant.audit.retention import prune
from assistant.audit.verify import Fault
from knowledge.database import Database
from tests.assistant.audit.chains import NOON

DAY = dt.timedelta(days=1)
NOW = NOON + 20 * DAY


@pytest.fixture
def book(tmp_path: Path) -> CheckpointBook:
    return CheckpointBook(tmp_path, tmp_path / "checkpoints.jsonl")


@pytest.fixture
def log(databases: Database, book: CheckpointBook) -> Database:
    """Twenty rows, one a day, a checkpoint every fourth."""
    for day in range(20):
        with databases.write() as session:
            append(session, AuditEvent("p-1", AuditAction.EXPORTED), now=NOON + day * DAY)
        if day % 4 == 3:
            make_checkpoint(databases, book, now=NOON + day * DAY)
    return databases


def newest(database: Database) -> Page:
    with database.read() as session:
        return read(session, AuditFilter())


def faults(database: Database, book: CheckpointBook) -> list[Fault]:
    return [each.fault for each in check_all(database, book)]


def test_old_rows_go_and_the_log_still_holds(log: Database, book: CheckpointBook) -> None:
    assert prune(log, book, before=NOON + 9 * DAY, now=NOW) == 9
    rows = newest(log).entries
    assert [each.seq for each in rows] == list(range(21, 9, -1))
    assert (rows[0].actor, rows[0].action, dict(rows[0].details)) == (
        EARMARK, "retention-applied", {"rows": 9, "last": 9},
    )  # fmt: skip
    assert faults(log, book) == []
    assert check_newest(log, book) == []
    assert prune(log, book, before=NOON + 9 * DAY, now=NOW) == 0


def test_what_somebody_took_of_what_is_left_is_still_found(log: Database, book: CheckpointBook) -> None:
    prune(log, book, before=NOON + 9 * DAY, now=NOW)
    with log.write() as session:
        session.execute(text("delete from audit where seq < 12"))
    assert faults(log, book) == [Fault.MISSING]


def test_the_last_row_stays_so_that_numbers_go_on(log: Database, book: CheckpointBook) -> None:
    assert prune(log, book, before=NOW + 9 * DAY, now=NOW) == 19
    assert [each.seq for each in newest(log).entries] == [21, 20]
    assert faults(log, book) == check_newest(log, book) == []


def test_bent_rows_go_too_and_what_was_found_is_told(log: Database, book: CheckpointBook) -> None:
    with log.write() as session:
        session.execute(text("update audit set actor = 'p-9' where seq in (3, 5)"))
    assert prune(log, book, before=NOON + 9 * DAY, now=NOW) == 9
    told = newest(log).entries[0]
    assert told.outcome == Outcome.FAILED
    assert told.details["findings"] == 2
    assert str(told.details["first_finding"]).startswith("row 3: edited")


def test_an_empty_log_has_nothing_old(databases: Database, book: CheckpointBook) -> None:
    assert prune(databases, book, before=NOW, now=NOW) == 0
    assert newest(databases).entries == ()


def test_much_goes_in_pieces_each_signed(log: Database, book: CheckpointBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 4)
    assert prune(log, book, before=NOON + 10 * DAY, now=NOW) == 10
    assert [each.seq for each in book.signed().statements if each.kind == "pruned"] == [4, 8, 10]
    assert faults(log, book) == []


PRUNE_AND_WAIT = """
import datetime as dt, sys, time
from pathlib import Path
from sqlalchemy import event
from assistant.audit import retention
from assistant.audit.checkpoints import CheckpointBook
from knowledge.database import Database
retention._AT_ONCE = 4
database = Database(sys.argv[1])
home = Path(sys.argv[2])
left = [int(sys.argv[3])]
@event.listens_for(database.engine, "before_cursor_execute")
def stop(connection, cursor, statement, parameters, context, many):
    if statement.startswith("DELETE"):
        left[0] -= 1
        if left[0] < 0:
            print("about to delete", flush=True)
            time.sleep(60)
retention.prune(database, CheckpointBook(home, home / "checkpoints.jsonl"),
                before=dt.datetime(2026, 3, 11, 12, tzinfo=dt.UTC), now=dt.datetime(2026, 3, 21, 12, tzinfo=dt.UTC))
"""


@pytest.mark.faults
@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_killed_at_any_piece_the_log_holds_and_the_next_time_goes_on(
    log: Database, book: CheckpointBook, pieces: int
) -> None:
    argv = [sys.executable, "-c", PRUNE_AND_WAIT, log.url, book.home, str(pieces)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"about to delete\n"
        child.kill()
    with log.read() as session:
        assert first_row(session) == 1 + 4 * pieces
    assert faults(log, book) == []
    prune(log, book, before=NOON + 10 * DAY, now=NOW)
    assert newest(log).entries[-1].seq == 11
    assert faults(log, book) == []


def test_a_keeper_signs_what_is_new_and_ends_what_is_old(log: Database, book: CheckpointBook) -> None:
    keeper = AuditKeeper(log, book, keep_days=15)
    keeper.apply_retention(now=NOW)
    keeper.sign(now=NOW)
    keeper.sign(now=NOW)
    assert [each.seq for each in newest(log).entries][-1] == 6
    assert [(each.kind, each.seq) for each in book.signed().statements][-2:] == [("pruned", 5), ("checkpoint", 21)]
    assert faults(log, book) == []


def test_without_a_limit_nothing_ends(log: Database, book: CheckpointBook) -> None:
    AuditKeeper(log, book, keep_days=0).apply_retention(now=NOW + 10_000 * DAY)
    assert len(newest(log).entries) == 20
