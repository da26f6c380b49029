"""Signed-in people for the tests of pages: a house where people sign in, and their browsers."""

import re
from collections.abc import Collection
from dataclasses import replace

from starlette.testclient import TestClient

from assistant.access import course_rights, people, tokens
from assistant.access.caller import Scope, SignIn
from assistant.access.passwords import hash_password
from assistant.access.people import Person
from assistant.access.role import Role
from knowledge.database import utc_now
from knowledge.recordings import store as recordings
from tests.web.house import WebHouse, page_headers
from web.app import create_app
from web.limits import RateLimits

PASSWORD = "correct horse battery staple"
_HASHED = hash_password(PASSWORD, name="")


def with_sign_in(house: WebHouse) -> WebHouse:
    """The same house, where people sign in with accounts of its own, as often as tests do."""
    unlimited = RateLimits(questions=0, voice=0, uploads=0, requests=0, sign_ins=0)
    return replace(house, services=replace(house.services, sign_in=SignIn.LOCAL, limits=unlimited))


def add_person(house: WebHouse, name: str, role: Role = Role.EMPLOYEE, *, groups: Collection[str] = ()) -> Person:
    """`groups`: names."""
    with house.database.write() as session:
        person = people.add_local(session, name, role=role, password_hash=_HASHED)
        people.set_groups(session, person.id, [people.group_of_name(session, each).id for each in groups])
        return people.known_person(session, person.id)


def stranger(house: WebHouse) -> TestClient:
    """A browser in which nobody has signed in; over TLS, for browsers keep a session's cookie there."""
    return TestClient(
        create_app(house.services),
        base_url="https://127.0.0.1",
        headers={**page_headers(), "origin": "https://127.0.0.1"},
        follow_redirects=False,
    )


def form_token_of(browser: TestClient, path: str = "/") -> str:
    """What forms on a page bring back."""
    found = re.search(r'data-form-token="([^"]+)"', browser.get(path, follow_redirects=True).text)
    assert found
    return found[1]


def signed_in(house: WebHouse, person: Person) -> TestClient:
    """The person's browser. Its forms bring their token along, as those of pages do."""
    browser = stranger(house)
    token = form_token_of(browser, "/sign-in")
    reply = browser.post("/sign-in", data={"name": person.name, "password": PASSWORD, "form_token": token})
    assert reply.status_code == 303, reply.text
    browser.headers["x-csrf-token"] = form_token_of(browser, "/")
    return browser


def program_of(house: WebHouse, person: Person, *scopes: Scope, days: int = 30) -> TestClient:
    """A program with a token of the person's."""
    with house.database.write() as session:
        _, secret = tokens.make(session, person.id, name="a program", scopes=scopes, days=days, now=utc_now())
    return TestClient(
        create_app(house.services),
        base_url="https://127.0.0.1",
        headers={"authorization": f"Bearer {secret}"},
        follow_redirects=False,
    )


def close_course(
    house: WebHouse,
    name: str,
    *,
    groups: Collection[str] = (),
    people_ids: Collection[str] = (),
    trainers: Collection[str] = (),
) -> str:
    """Only for these from now on; groups by name. The course's id."""
    with house.database.write() as session:
        course = recordings.course_by_name(session, name, create=True)
        course_rights.set_rights(
            session,
            course.id,
            open_to_all=False,
            groups=[people.group_of_name(session, each).id for each in groups],
            people=people_ids,
        )
        course_rights.set_trainers(session, course.id, trainers)
        return course.id
