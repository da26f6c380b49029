"""What leaves a row in the audit log, whichever way it was done; and that no kind of row is there for nothing."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assistant.access.caller import Scope
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.event import NOBODY, AuditAction
from assistant.audit.reading import AuditFilter, Entry
from assistant.audit.reading import read as read_audit
from tests.web.house import WebHouse, write_tone
from tests.web.people import add_person, program_of, signed_in, with_sign_in

ROOT = Path(__file__).parents[2]
NAMED_ONLY = {"assistant/audit/event.py", "web/views/words.py"}


@dataclass
class School:
    house: WebHouse
    ada: Person
    tina: Person
    page: TestClient
    program: TestClient

    def send(self, way: str, *, course: str) -> str:
        """A recording by the way of pages or of programs. Its id, as the log has it."""
        sound = write_tone(self.house.folder / f"{way}.wav", duration_s=1.0).read_bytes()
        if way == "page":
            files = {"files": ("talk.wav", sound, "audio/wav")}
            assert self.page.post("/recordings", data={"course": course}, files=files).status_code == 303
        else:
            files = {"file": ("talk.wav", sound, "audio/wav")}
            reply = self.program.post("/api/v1/recordings", data={"course": course}, files=files)
            assert reply.status_code == 202, reply.text
        return self.noted(AuditAction.RECORDING_ADDED)[0].object_id or ""

    def noted(self, action: AuditAction) -> list[Entry]:
        """Newest first."""
        return noted(self.house, action)


def noted(house: WebHouse, action: AuditAction) -> list[Entry]:
    with house.database.read() as session:
        return list(read_audit(session, AuditFilter(action=action.value)).entries)


@pytest.fixture
def school(house: WebHouse) -> School:
    house = with_sign_in(house)
    ada, tina = add_person(house, "Ada", Role.ADMIN), add_person(house, "Tina", Role.TRAINER)
    program = program_of(house, tina, Scope.READ, Scope.WRITE)
    return School(house, ada, tina, signed_in(house, tina), program)


def test_every_kind_of_row_is_written_somewhere() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for package in ("assistant", "earmark", "indexer", "web")
        for path in (ROOT / package).rglob("*.py")
        if str(path.relative_to(ROOT)) not in NAMED_ONLY
    ]
    written = set(re.findall(r"AuditAction\.([A-Z_]+)", "".join(sources)))
    assert {action.name for action in AuditAction} - written == set()


@pytest.mark.parametrize("way", ["page", "program"])
def test_who_brings_a_recording_and_makes_a_course_by_it_is_noted(school: School, way: str) -> None:
    recording_id = school.send(way, course="First aid")
    [added] = school.noted(AuditAction.RECORDING_ADDED)
    [made] = school.noted(AuditAction.COURSE_MADE)
    assert {added.actor, made.actor} == {school.tina.audit_id}
    assert (added.object_kind, added.object_id) == ("recording", recording_id)
    assert added.details == {"course": made.object_id}
    assert made.details["trainers"] == 1


def test_what_is_there_already_is_not_added_again(school: School) -> None:
    school.send("page", course="First aid")
    school.send("page", course="First aid")
    assert len(school.noted(AuditAction.RECORDING_ADDED)) == 1
    assert len(school.noted(AuditAction.COURSE_MADE)) == 1


@pytest.mark.parametrize("way", ["page", "program"])
def test_who_removes_a_recording_is_noted(school: School, way: str) -> None:
    recording_id = school.send(way, course="First aid")
    if way == "page":
        assert school.page.post(f"/recordings/{recording_id}/remove").status_code == 303
    else:
        assert school.program.delete(f"/api/v1/recordings/{recording_id}").status_code == 204
    [removed] = school.noted(AuditAction.RECORDING_REMOVED)
    assert (removed.actor, removed.object_id) == (school.tina.audit_id, recording_id)


@pytest.mark.parametrize("kind", ["srt", "vtt", "txt", "json"])
def test_who_takes_a_transcript_away_is_noted(school: School, kind: str) -> None:
    recording_id = school.house.add_recording()
    if kind == "json":
        reply = school.program.get(f"/api/v1/recordings/{recording_id}/transcript")
    else:
        reply = school.page.get(f"/recordings/{recording_id}/transcript.{kind}")
    assert reply.status_code == 200
    [exported] = school.noted(AuditAction.EXPORTED)
    assert (exported.actor, exported.object_id) == (school.tina.audit_id, recording_id)
    assert exported.details == {"kind": kind}


def test_who_looks_at_anothers_account_is_noted_and_who_looks_at_their_own_is_not(school: School) -> None:
    admin = signed_in(school.house, school.ada)
    assert admin.get(f"/people/{school.ada.id}").status_code == 200
    assert school.noted(AuditAction.VIEWED_OTHERS_DATA) == []
    assert admin.get(f"/people/{school.tina.id}").status_code == 200
    [viewed] = school.noted(AuditAction.VIEWED_OTHERS_DATA)
    assert (viewed.actor, viewed.object_id) == (school.ada.audit_id, school.tina.audit_id)


def test_where_nobody_signs_in_it_is_noted_as_nobodys(house: WebHouse, browser: TestClient) -> None:
    recording_id = house.add_recording()
    assert browser.get(f"/recordings/{recording_id}/transcript.srt").status_code == 200
    assert [entry.actor for entry in noted(house, AuditAction.EXPORTED)] == [NOBODY]
