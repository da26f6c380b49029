"""Who a course is for, changed on its page: what follows is said first, and counts from the next request on."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from assistant.access import people
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.event import AuditAction
from assistant.audit.reading import AuditFilter, Entry
from assistant.audit.reading import read as read_audit
from knowledge.database import new_id
from knowledge.recordings.tables import CourseRow
from tests.web.house import WebHouse
from tests.web.people import add_person, close_course, signed_in, with_sign_in


@dataclass
class Company:
    """A course of Tina's, and people who hear it or do not."""

    house: WebHouse
    tina: Person
    emil: Person
    course_id: str
    trainer: TestClient

    def change(self, turn: str, subject: str = "", *, by: TestClient | None = None, **fields: str) -> Response:
        form = {"turn": turn, "subject": subject, **fields}
        return (by or self.trainer).post(f"/courses/{self.course_id}/rights", data=form)

    def agree(self, turn: str, subject: str = "") -> Response:
        """Read what follows, then say yes to it."""
        page = self.change(turn, subject)
        agreed = re.search(r'name="agreed" value="([^"]+)"', page.text)
        assert agreed, page.text
        return self.change(turn, subject, agreed=agreed[1])

    def sees(self, person: Person) -> bool:
        return signed_in(self.house, person).get(f"/courses/{self.course_id}").status_code == 200

    def group(self, name: str) -> str:
        with self.house.database.write() as session:
            return people.group_of_name(session, name).id

    def noted(self, action: AuditAction) -> list[Entry]:
        with self.house.database.read() as session:
            return list(read_audit(session, AuditFilter(action=action.value)).entries)


@pytest.fixture
def company(house: WebHouse) -> Company:
    house = with_sign_in(house)
    tina, emil = add_person(house, "Tina", Role.TRAINER), add_person(house, "Emil Employee")
    trainer = signed_in(house, tina)
    made = trainer.post("/courses", data={"name": "Pricing", "open": "yes"})
    assert made.status_code == 303
    course_id = made.headers["location"].removeprefix("/courses/").split("?")[0]
    house.add_recording(course="Pricing")
    return Company(house, tina, emil, course_id, trainer)


def test_a_course_is_closed_once_somebody_agreed_to_what_follows(company: Company) -> None:
    asked = company.change("close")
    assert asked.status_code == 200
    assert "1 person will not hear it any more." in asked.text
    assert company.sees(company.emil)

    done = company.agree("close")
    assert done.status_code == 303
    assert not company.sees(company.emil)
    assert company.sees(company.tina)
    assert "1 of 2 people here may hear it" in company.trainer.get(done.headers["location"]).text


def test_what_follows_is_said_anew_where_it_became_more(company: Company) -> None:
    agreed = re.search(r'name="agreed" value="([^"]+)"', company.change("close").text)
    assert agreed
    add_person(company.house, "Erna")
    asked = company.change("close", agreed=agreed[1])
    assert "2 people will not hear it any more." in asked.text
    assert company.sees(company.emil)


def test_groups_and_people_hear_a_closed_course_together(company: Company) -> None:
    gerd, nora = add_person(company.house, "Gerd", groups=["Sales"]), add_person(company.house, "Nora")
    company.change("add-group", company.group("Sales"))
    company.change("add-person", company.emil.id)
    company.agree("close")
    assert [company.sees(one) for one in (gerd, company.emil, nora)] == [True, True, False]

    company.agree("drop-person", company.emil.id)
    company.agree("drop-group", company.group("Sales"))
    assert [company.sees(one) for one in (gerd, company.emil)] == [False, False]
    company.change("open")
    assert company.sees(nora)


def test_the_last_trainer_is_told_that_nobody_but_admins_is_left(company: Company) -> None:
    asked = company.change("drop-trainer", company.tina.id)
    assert "It has no trainer then" in asked.text
    assert "You will not be able to change it yourself" in asked.text
    company.change("close", agreed="1-0-0")

    assert company.agree("drop-trainer", company.tina.id).headers["location"] == "/courses"
    assert not company.sees(company.tina)


def test_only_trainers_become_trainers_of_a_course(company: Company) -> None:
    assert company.change("add-trainer", company.emil.id).status_code == 400
    tom = add_person(company.house, "Tom", Role.TRAINER)
    company.change("add-trainer", tom.id)
    assert "Who may hear it" in signed_in(company.house, tom).get(f"/courses/{company.course_id}").text
    assert company.change("drop-trainer", company.tina.id, agreed="0-0-1").status_code == 303


@pytest.mark.parametrize("turn", ["close", "add-person", "drop-trainer", "open"])
def test_nobody_else_changes_who_hears_it(company: Company, turn: str) -> None:
    """Another trainer hears it and may not change it; to an employee the way there is none."""
    other = signed_in(company.house, add_person(company.house, "Tom", Role.TRAINER))
    assert company.change(turn, company.tina.id, by=other).status_code == 403
    assert "Who may hear it" not in other.get(f"/courses/{company.course_id}").text
    assert company.change(turn, company.tina.id, by=signed_in(company.house, company.emil)).status_code == 404
    close_course(company.house, "Pricing", trainers=[company.tina.id])
    assert company.change(turn, company.tina.id, by=other).status_code == 404
    assert company.noted(AuditAction.COURSE_RIGHTS_CHANGED) == []


@pytest.mark.parametrize(("turn", "subject"), [("give-away", ""), ("", ""), ("add-group", "x"), ("add-person", "x")])
def test_what_is_no_change_changes_nothing(company: Company, turn: str, subject: str) -> None:
    assert company.change(turn, subject).status_code in (400, 404)
    assert company.noted(AuditAction.COURSE_RIGHTS_CHANGED) == []


def test_people_are_found_by_name_and_only_those_who_were_looked_for(company: Company) -> None:
    add_person(company.house, "Erna")
    with company.house.database.write() as session:
        gone = people.add_local(session, "Emilia Gone", role=Role.EMPLOYEE, password_hash="x")
        people.suspend(session, gone.id)
    where = f"/courses/{company.course_id}/people"
    part = company.trainer.post(where, data={"wanted": "EMIL"}, headers={"hx-request": "true"}).text
    assert "Emil Employee" in part
    assert "<h1>" not in part
    assert "Erna" not in part
    assert "Emilia" not in part
    whole = company.trainer.post(where, data={"wanted": "emil"}).text
    assert "Emil Employee" in whole
    assert "<h1>" in whole
    assert "Emil" not in company.trainer.get(f"/courses/{company.course_id}").text
    assert "Nobody of this name." in company.trainer.post(where, data={"wanted": "%%"}).text
    assert company.trainer.post(where, data={"wanted": "e"}).status_code == 400
    assert company.trainer.get(where).headers["location"] == f"/courses/{company.course_id}"


def test_a_closed_course_is_closed_before_the_first_recording_is_in_it(company: Company) -> None:
    made = company.trainer.post("/courses", data={"name": "Mergers"})
    path = made.headers["location"].split("?")[0]
    assert "The course is made." in company.trainer.get(made.headers["location"]).text
    employee = signed_in(company.house, company.emil)
    assert employee.get(path).status_code == 404
    assert "Mergers" not in employee.get("/courses").text
    assert employee.post("/courses", data={"name": "Mine"}).status_code == 404


def test_the_name_of_a_closed_course_keeps_nobody_from_using_it(company: Company) -> None:
    assert company.trainer.post("/courses", data={"name": "Mergers"}).status_code == 303
    other = signed_in(company.house, add_person(company.house, "Tom", Role.TRAINER))
    assert other.post("/courses", data={"name": "mergers", "open": "yes"}).status_code == 303
    assert other.post("/courses", data={"name": "MERGERS", "open": "yes"}).status_code == 400
    with company.house.database.read() as session:
        assert len(session.scalars(select(CourseRow).where(CourseRow.name.ilike("mergers"))).all()) == 2


def test_changes_are_noted_by_their_numbers_and_without_names(company: Company) -> None:
    company.change("add-person", company.emil.id)
    company.change("close")
    closing, naming = company.noted(AuditAction.COURSE_RIGHTS_CHANGED)
    assert (closing.actor, closing.object_kind, closing.object_id) == (
        company.tina.audit_id,
        "course",
        company.course_id,
    )
    counts = {"open": False, "groups": 0, "people": 1, "trainers": 1}
    assert closing.details == {"change": "close", "losing": 0, **counts}
    assert naming.details["change"] == "add-person"
    [made] = company.noted(AuditAction.COURSE_MADE)
    assert made.details == {"open": True, "groups": 0, "people": 0, "trainers": 1}


def seen_as(company: Company, person: Person, *, by: TestClient | None = None) -> Response:
    return (by or company.trainer).get(f"/courses/{company.course_id}/as/{person.id}")


def test_a_trainer_sees_the_course_as_somebody_else_does(company: Company) -> None:
    page = seen_as(company, company.emil).text
    assert "This is what Emil Employee sees." in page
    assert "safety induction" in page
    assert 'href="/recordings/' not in page
    assert "/rights" not in page
    company.change("close", agreed="1-0-0")
    page = seen_as(company, company.emil).text
    assert "The course Pricing is not there for Emil Employee" in page
    assert "safety induction" not in page
    views = company.noted(AuditAction.VIEWED_AS_PERSON)
    assert [(one.actor, one.object_id) for one in views] == [(company.tina.audit_id, company.emil.audit_id)] * 2


def test_a_suspended_person_sees_nothing(company: Company) -> None:
    company.change("add-person", company.emil.id)
    with company.house.database.write() as session:
        people.suspend(session, company.emil.id)
    assert "is not there for Emil Employee" in seen_as(company, company.emil).text


def test_to_a_trainer_somebody_suspended_whom_the_course_does_not_name_looks_like_nobody(company: Company) -> None:
    """A search would not find them, and an id that was seen somewhere gives no name away; an admin knows everybody."""
    with company.house.database.write() as session:
        people.suspend(session, company.emil.id)
    nobody = new_id()
    seen, looked = seen_as(company, company.emil), company.trainer.get(f"/courses/{company.course_id}/as/{nobody}")
    assert seen.status_code == 404
    assert seen.text.replace(company.emil.id, "ID") == looked.text.replace(nobody, "ID")
    assert company.noted(AuditAction.VIEWED_AS_PERSON) == []
    for turn in ("add-person", "add-trainer"):
        assert company.change(turn, company.emil.id).text == company.change(turn, nobody).text
    assert "Emil" not in company.trainer.get(f"/courses/{company.course_id}").text
    admin = signed_in(company.house, add_person(company.house, "Ada", Role.ADMIN))
    assert "is not there for Emil Employee" in seen_as(company, company.emil, by=admin).text


def test_only_who_governs_a_course_sees_it_as_others_do(company: Company) -> None:
    other = signed_in(company.house, add_person(company.house, "Tom", Role.TRAINER))
    assert seen_as(company, company.emil, by=other).status_code == 403
    close_course(company.house, "Pricing", trainers=[company.tina.id])
    assert seen_as(company, company.emil, by=other).status_code == 404
    assert seen_as(company, company.tina, by=signed_in(company.house, company.emil)).status_code == 404
    assert company.trainer.get(f"/courses/{company.course_id}/as/nobody").status_code == 404
    assert company.noted(AuditAction.VIEWED_AS_PERSON) == []


@pytest.mark.parametrize("values", [{"turn": "close"}, {"turn": "add-person"}])
def test_a_form_without_its_token_changes_nothing(company: Company, values: dict[str, Any]) -> None:
    del company.trainer.headers["x-csrf-token"]
    assert company.trainer.post(f"/courses/{company.course_id}/rights", data=values).status_code == 403
    assert company.trainer.post(f"/courses/{company.course_id}/name", data={"name": "Mine"}).status_code == 403
    assert company.noted(AuditAction.COURSE_RIGHTS_CHANGED) == []
