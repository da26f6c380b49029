"""The audit log on its page: who may read it, what is found in it, what leaves it as a file, and that each look is
written down, too."""

import asyncio
import csv
import datetime as dt
import io
import json
import re
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient
from starlette.types import Message

from assistant.access import people
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.event import COMMAND_LINE, AuditAction, AuditEvent, Outcome
from assistant.audit.log import append
from assistant.audit.looking import look
from assistant.audit.reading import AuditFilter
from assistant.audit.tables import AuditRow
from knowledge.database import utc_now
from tests.web.house import WebHouse
from tests.web.people import add_person, signed_in, with_sign_in
from tests.web.serving import run_apart
from web.app import create_app


@dataclass
class Watch:
    house: WebHouse
    cora: Person
    emil: Person
    browser: TestClient

    def note(self, *events: AuditEvent, at: dt.datetime | None = None) -> None:
        with self.house.database.write() as session:
            for event in events:
                append(session, event, now=at)

    def rows(self, action: AuditAction) -> list[AuditRow]:
        with self.house.database.read() as session:
            return list(session.scalars(select(AuditRow).where(AuditRow.action == action.value)))


@pytest.fixture
def watch(house: WebHouse) -> Watch:
    house = with_sign_in(house)
    cora, emil = add_person(house, "Cora", Role.COMPLIANCE), add_person(house, "Emil")
    return Watch(house, cora, emil, signed_in(house, cora))


def numbers(page: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'<td class="numbers">(\d+)</td><td', page)]


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.TRAINER, Role.HR])
def test_to_others_there_is_no_audit_log(watch: Watch, role: Role) -> None:
    browser = signed_in(watch.house, add_person(watch.house, "Olaf", role))
    for path in ("/audit", "/audit/export.csv", "/audit/export.jsonl"):
        assert browser.get(path).status_code == 404
    assert browser.post("/audit/people", data={"wanted": "em"}).status_code == 404
    assert watch.rows(AuditAction.AUDIT_EXPORTED) == []


def test_names_are_looked_up_and_gone_with_the_person(watch: Watch) -> None:
    signed_in(watch.house, watch.emil)
    page = watch.browser.get("/audit").text
    assert "<bdi>Emil</bdi></a></td><td>signed in" in page
    with watch.house.database.write() as session:
        people.delete_person(session, watch.emil.id)
    page = watch.browser.get("/audit").text
    assert "Emil" not in page
    assert "somebody forgotten" in page


def test_rows_are_filtered_by_each_of_their_sides(watch: Watch) -> None:
    long_ago = dt.datetime(2020, 5, 4, 12, tzinfo=dt.UTC)
    watch.note(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE), at=long_ago)
    watch.note(
        AuditEvent(watch.emil.audit_id, AuditAction.ACCESS_REFUSED, "route", "/jobs", Outcome.REFUSED),
        AuditEvent(COMMAND_LINE, AuditAction.PERSON_SUSPENDED, "person", watch.emil.audit_id),
    )

    def shown(query: str) -> int:
        return len(numbers(watch.browser.get(f"/audit?{query}").text))

    assert shown("until=2020-05-04T12:00") == 0
    assert shown("since=2020-05-04T12:00&until=2020-05-04T12:01") == 1
    assert shown("action=backup-made") == 1
    assert shown(f"actor={watch.emil.audit_id}") == 1
    assert shown("outcome=refused") == 1
    assert shown("object_kind=route&object_id=/jobs") == 1
    assert shown(f"object_kind=person&object_id={watch.emil.audit_id}") == 1
    assert shown("action=person-suspended&outcome=refused") == 0
    assert watch.browser.get("/audit?since=yesterday").status_code == 400
    found = watch.browser.post("/audit/people", data={"wanted": "emi"}).text
    assert f'href="/audit?actor={watch.emil.audit_id}"' in found


def test_pages_follow_each_other_without_a_gap_while_rows_come(watch: Watch) -> None:
    watch.note(*(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE) for _ in range(120)))
    page = watch.browser.get("/audit?action=backup-made").text
    seen = numbers(page)
    while older := re.search(r'href="(/audit\?[^"]*after=\d+)"', page):
        watch.note(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE))
        page = watch.browser.get(older[1].replace("&amp;", "&")).text
        seen += numbers(page)
    assert len(seen) == 120
    assert seen == sorted(seen, reverse=True)


def test_reading_is_noted_once_an_hour_a_session(watch: Watch) -> None:
    for _ in range(3):
        watch.browser.get("/audit")
    [row] = watch.rows(AuditAction.AUDIT_READ)
    assert row.actor == watch.cora.audit_id
    signed_in(watch.house, watch.cora).get("/audit")
    assert len(watch.rows(AuditAction.AUDIT_READ)) == 2
    for minutes, noted in ((59, 2), (61, 3)):
        now = utc_now() + dt.timedelta(minutes=minutes)
        look(
            watch.house.database,
            AuditFilter(),
            actor=watch.cora.audit_id,
            session_id=row.object_id or "",
            after=None,
            now=now,
        )
        assert len(watch.rows(AuditAction.AUDIT_READ)) == noted


def test_a_file_holds_what_the_filter_finds_and_each_is_noted(watch: Watch) -> None:
    watch.note(*(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE, details={"mb": 7}) for _ in range(2500)))
    lines = watch.browser.get("/audit/export.jsonl?action=backup-made")
    documents = [json.loads(line) for line in lines.text.splitlines()]
    assert len(documents) == 2500
    assert documents[0]["details"] == {"mb": 7}
    assert [one["seq"] for one in documents] == sorted((one["seq"] for one in documents), reverse=True)
    sheet = watch.browser.get("/audit/export.csv?action=backup-made")
    assert sheet.headers["content-disposition"] == "attachment; filename=audit.csv"
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [int(row["seq"]) for row in rows] == [one["seq"] for one in documents]
    noted = [json.loads(row.details) for row in watch.rows(AuditAction.AUDIT_EXPORTED)]
    assert noted == [{"by_action": True, "kind": "jsonl"}, {"by_action": True, "kind": "csv"}]


def test_a_file_breaks_off_where_the_right_to_read_is_taken_away_meanwhile(watch: Watch) -> None:
    """Broken off and not ended: half a log must not look whole."""
    watch.note(*(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE) for _ in range(2500)))
    came: list[Message] = []

    async def receive() -> Message:
        return await asyncio.Future()

    async def send(message: Message) -> None:
        if message.get("body") and not any(each.get("body") for each in came):
            with watch.house.database.write() as session:
                people.suspend(session, watch.cora.id)
        came.append(message)

    cookies = "; ".join(f"{name}={value}" for name, value in watch.browser.cookies.items())
    scope = {
        **{"type": "http", "method": "GET", "scheme": "https", "http_version": "1.1"},
        **{"path": "/audit/export.jsonl", "raw_path": b"/audit/export.jsonl", "query_string": b"action=backup-made"},
        **{"client": ("127.0.0.1", 9), "server": ("127.0.0.1", 443), "root_path": ""},
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookies.encode())],
    }
    with pytest.raises(Exception, match="response already started"):
        run_apart(create_app(watch.house.services)(scope, receive, send))

    assert came[0]["status"] == 200
    assert b"".join(each.get("body", b"") for each in came).count(b"\n") == 1000
    assert all(each.get("more_body") for each in came[1:])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"])
def test_no_cell_is_a_formula(watch: Watch, text: str) -> None:
    watch.note(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE, "file", text))
    [row] = csv.DictReader(io.StringIO(watch.browser.get("/audit/export.csv?action=backup-made").text, newline=""))
    assert row["object_id"] == f"'{text}"


def test_a_row_that_somebody_bent_is_shown_as_text(watch: Watch) -> None:
    """Neither as a page's own words, nor as a format."""
    bent = "<script>alert(1)</script> %(name)s %s"
    watch.note(AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE, "file", "x"))
    with watch.house.database.write() as session:
        values = {"action": bent, "actor": bent, "outcome": bent, "object_id": bent, "details": bent, "at": bent}
        session.execute(update(AuditRow).where(AuditRow.object_id == "x").values(values))
    page = watch.browser.get("/audit")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)") >= 4
    assert watch.browser.get("/audit/export.csv").status_code == 200
