"""People and groups on their pages: an admin's alone, each act counting from the next request on and noted."""

import re
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from assistant.access import people
from assistant.access.claims import SignedInAs
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.reading import AuditFilter, Entry
from assistant.audit.reading import read as read_audit
from tests.web.house import WebHouse
from tests.web.people import PASSWORD, add_person, close_course, form_token_of, signed_in, stranger, with_sign_in


@dataclass
class Office:
    """An admin's browser, and somebody to be kept."""

    house: WebHouse
    ada: Person
    emil: Person
    admin: TestClient

    def now(self, person: Person) -> Person:
        with self.house.database.read() as session:
            return people.known_person(session, person.id)

    def press(self, act: str, **fields: str) -> int:
        return self.admin.post(f"/people/{self.emil.id}/{act}", data=fields).status_code

    def group(self, name: str) -> str:
        with self.house.database.write() as session:
            return people.group_of_name(session, name).id

    def noted(self, action: str) -> list[Entry]:
        with self.house.database.read() as session:
            return list(read_audit(session, AuditFilter(action=action)).entries)


@pytest.fixture
def office(house: WebHouse) -> Office:
    house = with_sign_in(house)
    ada, emil = add_person(house, "Ada", Role.ADMIN), add_person(house, "Emil")
    return Office(house, ada, emil, signed_in(house, ada))


def lets_in(house: WebHouse, name: str, password: str) -> bool:
    browser = stranger(house)
    form = {"name": name, "password": password, "form_token": form_token_of(browser, "/sign-in")}
    return browser.post("/sign-in", data=form).status_code == 303


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_to_everybody_else_there_are_no_such_pages(office: Office, role: Role) -> None:
    other = signed_in(office.house, add_person(office.house, "Olga", role))
    group = office.group("Sales")
    paths = ("/people", f"/people/{office.emil.id}", f"/people/{office.emil.id}/as", "/groups", f"/groups/{group}")
    assert [other.get(path).status_code for path in paths] == [404] * 5
    page = other.get("/").text
    assert 'href="/people"' not in page
    assert ('href="/audit"' in page) == (role is Role.COMPLIANCE)
    for act in ("role", "suspend", "password", "groups", "sessions"):
        assert other.post(f"/people/{office.emil.id}/{act}", data={"role": "admin"}).status_code == 404
    assert office.now(office.emil) == office.emil


def test_where_nobody_signs_in_there_are_no_people(browser: TestClient) -> None:
    assert [browser.get(path).status_code for path in ("/people", "/groups", "/audit")] == [404] * 3
    assert 'href="/people"' not in browser.get("/").text


def test_people_are_found_by_name_role_and_state_a_hundred_a_page(office: Office) -> None:
    with office.house.database.write() as session:
        for number in range(105):
            people.add_local(session, f"Worker {number:03}", role=Role.HR, password_hash="x")
        people.suspend(session, people.named(session, "Worker 104").id)
    first = office.admin.get("/people").text
    assert "107 people" in first
    assert ("Worker 097" in first, "Worker 098" in first) == (True, False)
    second = office.admin.post("/people/find", data={"page": "2"}).text
    assert ("Worker 097" in second, "Worker 098" in second) == (False, True)
    found = office.admin.post("/people/find", data={"wanted": "WORKER 10", "role": "hr", "state": "suspended"}).text
    assert re.findall(r"<bdi>(Worker \d+)</bdi>", found) == ["Worker 104"]
    assert "Nobody of this kind." in office.admin.post("/people/find", data={"wanted": "%"}).text
    assert office.admin.get("/people/find").headers["location"] == "/people"


def test_an_account_is_made_with_a_password_that_is_shown_once(office: Office) -> None:
    made = office.admin.post("/people", data={"name": "Nora", "role": "trainer"})
    password = re.search(r'id="password">([^<]+)<', made.text)
    assert password
    assert made.headers["cache-control"] == "no-store"
    assert lets_in(office.house, "Nora", password[1])
    assert office.admin.post("/people", data={"name": "nora", "role": "trainer"}).status_code == 400
    assert office.admin.post("/people", data={"name": "Nils", "role": "king"}).status_code == 400
    [row] = office.noted("person-added")
    assert (row.actor, row.details) == (office.ada.audit_id, {"role": "trainer", "groups": 0})


def test_a_mail_address_is_given_changed_and_taken_away(office: Office) -> None:
    office.admin.post("/people", data={"name": "Nora", "role": "trainer", "email": " nora@example.com "})
    assert "nora@example.com" in office.admin.post("/people/find", data={"wanted": "nora@ex"}).text
    assert office.press("email", email="emil@example.com") == 303
    assert office.now(office.emil).email == "emil@example.com"
    assert 'value="emil@example.com"' in office.admin.get(f"/people/{office.emil.id}").text
    for wrong in (
        "emil",
        "a@b@c.example",
        "emil@example.com, ada@example.com",
        "e@example.com\nBcc: x@example.com",
        "@",
    ):
        assert office.press("email", email=wrong) == 400
        assert office.admin.post("/people", data={"name": "Nils", "role": "hr", "email": wrong}).status_code == 400
    assert office.now(office.emil).email == "emil@example.com"
    assert office.press("email", email="") == 303
    assert office.now(office.emil).email is None
    noted = office.noted("mail-address-changed")
    assert [(row.actor, row.details) for row in noted] == [(office.ada.audit_id, {})] * 2, "never the address"


def test_a_role_counts_from_the_next_request_on(office: Office) -> None:
    browser = signed_in(office.house, office.emil)
    assert browser.get("/jobs").status_code == 404
    assert office.press("role", role="trainer") == 303
    assert browser.get("/jobs").status_code == 200
    assert office.noted("role-changed")[0].details == {"before": "employee", "after": "trainer"}


def test_who_is_suspended_is_out_and_let_in_again_is_in(office: Office) -> None:
    browser = signed_in(office.house, office.emil)
    assert office.press("suspend") == 303
    assert browser.get("/").status_code == 303
    assert not lets_in(office.house, "Emil", PASSWORD)
    assert "suspended" in office.admin.get(f"/people/{office.emil.id}").text
    office.press("let-in")
    assert lets_in(office.house, "Emil", PASSWORD)
    assert [len(office.noted(f"person-{act}")) for act in ("suspended", "restored")] == [1, 1]


def test_a_new_password_ends_what_the_old_one_began(office: Office) -> None:
    browser = signed_in(office.house, office.emil)
    page = office.admin.post(f"/people/{office.emil.id}/password").text
    password = re.search(r'id="password">([^<]+)<', page)
    assert password
    assert browser.get("/").status_code == 303
    assert lets_in(office.house, "Emil", password[1])
    assert not lets_in(office.house, "Emil", PASSWORD)
    assert office.admin.get(f"/people/{office.emil.id}/password").status_code == 303


def test_sessions_are_ended_and_the_person_may_sign_in_anew(office: Office) -> None:
    browser = signed_in(office.house, office.emil)
    assert "Signed in at 1 place now." in office.admin.get(f"/people/{office.emil.id}").text
    office.press("sessions")
    assert browser.get("/").status_code == 303
    assert lets_in(office.house, "Emil", PASSWORD)
    assert office.noted("sessions-ended")[0].details == {"sessions": 1}


@pytest.mark.parametrize(("act", "fields"), [("role", {"role": "employee"}), ("suspend", {})])
def test_the_last_admin_cannot_be_lost(office: Office, act: str, fields: dict[str, str]) -> None:
    reply = office.admin.post(f"/people/{office.ada.id}/{act}", data=fields)
    assert reply.status_code == 400
    assert "only admin" in reply.text
    assert office.now(office.ada).role is Role.ADMIN
    assert office.admin.get("/people").status_code == 200


def test_a_group_has_members_and_a_name_and_opens_courses(office: Office) -> None:
    group = office.admin.post("/groups", data={"name": "Sales"}).headers["location"]
    group_id = group.removeprefix("/groups/")
    course = close_course(office.house, "Pricing", groups=["Sales"])
    assert "Emil" in office.admin.post(f"{group}/people", data={"wanted": "emi"}).text
    office.press("groups", group=group_id, back="group")
    assert "Emil" in office.admin.get(group).text
    browser = signed_in(office.house, office.emil)
    assert browser.get(f"/courses/{course}").status_code == 200

    office.admin.post(f"{group}/name", data={"name": "Selling"})
    assert "Selling" in office.admin.get("/groups").text
    assert office.admin.post("/groups", data={"name": "SELLING"}).status_code == 400
    office.press("groups", group=group_id, out="yes")
    assert browser.get(f"/courses/{course}").status_code == 404
    assert office.admin.get("/groups/none").status_code == 404


def test_removing_a_group_says_how_many_courses_lose_it_and_which_where_somebody_asks(office: Office) -> None:
    group = office.group("Sales")
    close_course(office.house, "Pricing", groups=["Sales"])
    close_course(office.house, "Mergers", groups=["Sales", "Board"])
    asked = office.admin.get(f"/groups/{group}/remove").text
    assert "2 courses lose this group." in asked
    assert "1 of them is then heard by its trainers and admins alone." in asked
    assert "Pricing" not in asked
    assert "Pricing" in office.admin.get(f"/groups/{group}/remove?names=yes").text
    assert office.admin.post(f"/groups/{group}/remove").headers["location"] == "/groups"
    assert "Sales" not in office.admin.get("/groups").text
    assert office.noted("group-removed")[0].details == {"members": 0, "courses": 2}


def test_who_is_in_a_group_by_the_provider_is_taken_out_there(office: Office) -> None:
    with office.house.database.write() as session:
        claimed = SignedInAs("https://id.example", "7", "Clara", "clara@example.com", None, frozenset({"Sales"}))
        clara = people.enter_claimed(session, claimed)
    group = office.group("Sales")
    page = office.admin.get(f"/people/{clara.id}").text
    assert "by the provider" in page
    assert "Give a new password" not in page
    assert 'name="email"' not in page
    assert office.admin.post(f"/people/{clara.id}/email", data={"email": "x@example.com"}).status_code == 400
    assert office.now(clara).email == "clara@example.com"
    refused = office.admin.post(f"/people/{clara.id}/groups", data={"group": group, "out": "yes"})
    assert refused.status_code == 400
    assert office.now(clara).groups == {group}
    assert "clara@example.com" in office.admin.post("/people/find", data={"wanted": "CLARA@EX"}).text


def test_an_admin_sees_the_lists_as_somebody_else_does(office: Office) -> None:
    office.house.add_recording(course="Pricing", name="prices.wav")
    office.house.add_recording(course="Open to all", name="welcome.wav")
    close_course(office.house, "Pricing")
    page = office.admin.get(f"/people/{office.emil.id}/as").text
    assert "This is what Emil sees." in page
    assert "welcome" in page
    assert "Open to all" in page
    assert "prices" not in page
    assert "Pricing" not in page
    office.press("suspend")
    assert "welcome" not in office.admin.get(f"/people/{office.emil.id}/as").text
    assert {row.object_id for row in office.noted("viewed-as-person")} == {office.emil.audit_id}
