"""Values that no page of ours sends: none of them breaks anything, whatever the database."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from assistant.access.role import Role
from knowledge.database import Database
from tests.web.house import WebHouse
from tests.web.people import add_person, signed_in, with_sign_in


@pytest.fixture
def admin(house: WebHouse, databases: Database) -> TestClient:
    house = with_sign_in(replace(house, services=replace(house.services, database=databases)))
    return signed_in(house, add_person(house, "Ada", Role.ADMIN))


@pytest.mark.parametrize(
    "path",
    [
        "/audit?after=99999999999999999999999",
        "/audit?after=-1",
        "/audit?since=0001-01-01T00:00:00%2B14:00",
        "/audit?until=9999-12-31T23:59:59-10:00",
        "/audit?actor=%00",
        "/audit?object_id=%ED%A0%80",
        "/audit/export.csv?since=0001-01-01T00:00:00%2B14:00",
        "/audit/export.jsonl?actor=%00",
        "/groups/nowhere?page=99999999999999999999",
        "/recordings?page=99999999999999999999999",
        "/recordings?course=%00",
        "/api/v1/jobs?after=%00",
        "/api/v1/recordings?after=%00",
        "/api/v1/recordings?course=%00",
        "/me?after=%00",
        "/?course=%00",
        "/jobs?skipped=%00",
    ],
)
def test_an_odd_address_breaks_nothing(admin: TestClient, path: str) -> None:
    assert admin.get(path).status_code < 500


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/people/find", {"wanted": "\x00", "role": "\x00"}),
        ("/people/find", {"wanted": "a", "page": "99999"}),
        ("/people/find", {"wanted": "a", "page": "²"}),
        ("/people", {"name": "a\x00b", "role": "hr"}),
        ("/audit/people", {"wanted": "\x00"}),
        ("/me/tokens", {"name": "x", "scope-read": "yes", "days": "²"}),
        ("/me/tokens", {"name": "x\x00", "scope-read": "yes", "days": "٣"}),
        ("/me/password", {"old": "x\x00", "new": "\x00"}),
        ("/groups", {"name": "\x00"}),
        ("/courses", {"name": "a\x00"}),
        ("/ask", {"text": "where", "course": "\x00"}),
        ("/sign-in", {"name": "\x00", "password": "\x00"}),
        ("/language", {"back": '/é"x', "language": "\x00"}),
    ],
)
def test_an_odd_form_breaks_nothing(admin: TestClient, path: str, form: Mapping[str, str]) -> None:
    assert admin.post(path, data=form).status_code < 500
