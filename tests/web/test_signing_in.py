"""Signing in with an account kept here: who gets in, what a session is worth, and when it is over."""

import pytest
from starlette.testclient import TestClient

from assistant.access import people
from assistant.access.role import Role
from tests.web.house import WebHouse
from tests.web.people import PASSWORD, add_person, close_course, form_token_of, signed_in, stranger, with_sign_in
from web.visitors import SESSION_COOKIE


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    return with_sign_in(house)


def try_to_sign_in(browser: TestClient, name: str, password: str) -> int:
    token = form_token_of(browser, "/sign-in")
    return browser.post("/sign-in", data={"name": name, "password": password, "form_token": token}).status_code


def test_a_stranger_is_led_to_the_page_of_signing_in_and_from_there_back(company: WebHouse) -> None:
    reply = stranger(company).get("/recordings?page=2")
    assert reply.status_code == 303
    assert reply.headers["location"] == "/sign-in?back=%2Frecordings%3Fpage%3D2"


def test_a_program_without_a_token_is_told_so(company: WebHouse) -> None:
    reply = stranger(company).get("/api/v1/recordings")
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert reply.json()["type"] == "urn:earmark:problem:sign-in"


def test_who_knows_the_password_is_in(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    page = browser.get("/")
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert "nobody signs in" not in page.text


def test_the_cookie_of_a_session_is_the_hosts_alone(company: WebHouse) -> None:
    add_person(company, "Anna")
    browser = stranger(company)
    token = form_token_of(browser, "/sign-in")
    reply = browser.post("/sign-in", data={"name": "Anna", "password": PASSWORD, "form_token": token})
    [cookie] = [each for each in reply.headers.get_list("set-cookie") if each.startswith(SESSION_COOKIE)]
    assert cookie.startswith("__Host-")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/"}


@pytest.mark.parametrize(("name", "password"), [("Anna", "wrong wrong wrong"), ("Nobody", PASSWORD), ("Anna", "")])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(company: WebHouse, name: str, password: str) -> None:
    add_person(company, "Anna")
    browser = stranger(company)
    token = form_token_of(browser, "/sign-in")
    reply = browser.post("/sign-in", data={"name": name, "password": password, "form_token": token})
    assert reply.status_code == 401
    assert "Name and password do not belong together" in reply.text or "do not belong together" in reply.text
    assert SESSION_COOKIE not in browser.cookies


def test_a_form_that_is_not_of_this_browser_signs_nobody_in(company: WebHouse) -> None:
    add_person(company, "Anna")
    elsewhere = form_token_of(stranger(company), "/sign-in")
    browser = stranger(company)
    form_token_of(browser, "/sign-in")
    form = {"name": "Anna", "password": PASSWORD, "form_token": elsewhere}
    assert browser.post("/sign-in", data=form).status_code == 403
    assert browser.post("/sign-in", data=form | {"form_token": ""}).status_code == 403


def test_signing_out_ends_the_session_on_the_server(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    kept = browser.cookies[SESSION_COOKIE]
    assert browser.post("/sign-out").status_code == 303
    again = stranger(company)
    again.cookies.set(SESSION_COOKIE, kept)
    assert again.get("/").status_code == 303


def test_a_suspended_person_is_out_with_the_next_request_and_stays_out(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    with company.database.write() as session:
        people.suspend(session, anna.id)
    assert browser.get("/").status_code == 303
    assert try_to_sign_in(stranger(company), "Anna", PASSWORD) == 401


def test_after_some_mistakes_even_the_right_password_has_to_wait(company: WebHouse) -> None:
    add_person(company, "Anna")
    browser = stranger(company)
    statuses = [try_to_sign_in(browser, "Anna", "wrong wrong wrong") for _ in range(6)]
    assert statuses[:5] == [401] * 5
    assert try_to_sign_in(browser, "Anna", PASSWORD) == 429


def test_what_is_closed_to_somebody_is_not_there(company: WebHouse) -> None:
    anna, bert = add_person(company, "Anna", groups=["Sales"]), add_person(company, "Bert")
    recording = company.add_recording(course="Pricing")
    close_course(company, "Pricing", groups=["Sales"])
    inside, outside = signed_in(company, anna), signed_in(company, bert)
    for path in (f"/recordings/{recording}", f"/media/{recording}", f"/api/v1/recordings/{recording}"):
        assert inside.get(path).status_code == 200
        assert outside.get(path).status_code == 404
    assert "Pricing" in inside.get("/courses").text
    assert "Pricing" not in outside.get("/courses").text
    assert "Pricing" not in outside.get("/").text


def test_roles_reach_what_is_theirs_alone(company: WebHouse) -> None:
    employee, trainer = add_person(company, "Emil"), add_person(company, "Tina", Role.TRAINER)
    assert signed_in(company, employee).get("/jobs").status_code == 404
    assert signed_in(company, trainer).get("/jobs").status_code == 200
