"""The log read by people and exported for programs; over both databases."""

import csv
import datetime as dt
import io
import json

import pytest

from assistant.audit.event import AuditAction, AuditEvent, Outcome
from assistant.audit.exporting import FIELDS, write_csv, write_jsonl
from assistant.audit.log import append
from assistant.audit.reading import AuditFilter, entries, read
from knowledge.database import Database
from tests.assistant.audit.chains import MINUTE, NOON

EVENTS = [
    AuditEvent("p-1", AuditAction.SIGNED_IN),
    AuditEvent("p-2", AuditAction.SIGN_IN_REFUSED, outcome=Outcome.REFUSED),
    AuditEvent("p-1", AuditAction.EXPORTED, "course", "c-1", details={"rows": 3}),
    AuditEvent("p-1", AuditAction.EXPORTED, "course", "c-2"),
    AuditEvent("p-2", AuditAction.ROLE_CHANGED, "person", "p-1", details={"role": "HR 人事"}),
]


@pytest.fixture
def log(databases: Database) -> Database:
    with databases.write() as session:
        for number, event in enumerate(EVENTS):
            append(session, event, now=NOON + number * MINUTE)
    return databases


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (AuditFilter(), [5, 4, 3, 2, 1]),
        (AuditFilter(actor="p-2"), [5, 2]),
        (AuditFilter(action="exported"), [4, 3]),
        (AuditFilter(object_kind="course", object_id="c-1"), [3]),
        (AuditFilter(object_id="p-1"), [5]),
        (AuditFilter(outcome="refused"), [2]),
        (AuditFilter(since=NOON + 3 * MINUTE), [5, 4]),
        (AuditFilter(until=NOON + 3 * MINUTE), [3, 2, 1]),
        (AuditFilter(since=(NOON + MINUTE).astimezone(dt.timezone(dt.timedelta(hours=8))), actor="p-1"), [4, 3]),
        (AuditFilter(actor="' or 1=1 --"), []),
    ],
)
def test_rows_are_filtered_newest_first(log: Database, wanted: AuditFilter, rows: list[int]) -> None:
    with log.read() as session:
        assert [each.seq for each in read(session, wanted).entries] == rows
        assert [each.seq for each in entries(session, wanted)] == rows[::-1]


def test_pages_follow_each_other_though_rows_come_meanwhile(log: Database) -> None:
    with log.read() as session:
        first = read(session, AuditFilter(), limit=2)
    with log.write() as session:
        append(session, EVENTS[0])
    with log.read() as session:
        second = read(session, AuditFilter(), after=first.next, limit=2)
        third = read(session, AuditFilter(), after=second.next, limit=2)
    assert [[each.seq for each in page.entries] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert (first.next, second.next, third.next) == (4, 2, None)


def test_an_entry_says_what_the_event_said(log: Database) -> None:
    with log.read() as session:
        entry = read(session, AuditFilter(), limit=1).entries[0]
    assert (entry.at, entry.actor, entry.action) == (NOON + 4 * MINUTE, "p-2", AuditAction.ROLE_CHANGED)
    assert (entry.object_kind, entry.object_id, entry.outcome) == ("person", "p-1", Outcome.DONE)
    assert entry.details == {"role": "HR 人事"}


def test_an_export_says_the_same_in_both_forms(log: Database) -> None:
    lines, table = io.StringIO(), io.StringIO(newline="")
    with log.read() as session:
        assert write_jsonl(entries(session, AuditFilter()), lines) == 5
        assert write_csv(entries(session, AuditFilter()), table) == 5
    documents = [json.loads(line) for line in lines.getvalue().splitlines()]
    heading, *rows = csv.reader(io.StringIO(table.getvalue(), newline=""))
    assert tuple(heading) == FIELDS
    for document, row in zip(documents, rows, strict=True):
        told = dict(zip(heading, row, strict=True))
        assert json.loads(told.pop("details")) == document.pop("details")
        assert told == {name: "" if value is None else str(value) for name, value in document.items()}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_of_an_export_is_a_formula(database: Database, start: str) -> None:
    hostile = f'{start}HYPERLINK("http://evil","x")'
    with database.write() as session:
        append(session, AuditEvent(hostile, AuditAction.EXPORTED, hostile, hostile))
    table = io.StringIO(newline="")
    with database.read() as session:
        write_csv(entries(session, AuditFilter()), table)
    _, row = csv.reader(io.StringIO(table.getvalue(), newline=""))
    assert row.count(f"'{hostile}") == 3
    assert not any(cell.startswith(start) for cell in row)
