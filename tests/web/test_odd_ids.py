"""Ids that no database holds are ids of nothing, over SQLite and PostgreSQL."""

from dataclasses import replace

import pytest

from assistant.access.role import Role
from knowledge.database import Database
from tests.web.house import WebHouse
from tests.web.people import add_person, signed_in, with_sign_in

ODD = ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "'%22--", "%25s", "9" * 3000]


@pytest.mark.parametrize("odd", ODD, ids=[str(number) for number in range(len(ODD))])
def test_an_id_that_cannot_be_one_is_not_found(house: WebHouse, databases: Database, odd: str) -> None:
    house.asking.database = databases
    company = with_sign_in(replace(house, services=replace(house.services, database=databases)))
    browser = signed_in(company, add_person(company, "Ada", Role.ADMIN))
    paths = (
        *("/recordings/{}", "/recordings/{}/lines", "/recordings/{}/transcript.vtt", "/media/{}", "/questions/{}"),
        *("/topics/{}", "/topics/{}/merge", "/topics?course={}", "/topics/chart.svg?topic={}"),
        *("/recordings?course={}", "/api/v1/recordings/{}", "/api/v1/recordings?course={}", "/api/v1/jobs/{}"),
    )
    for path in paths:
        reply = browser.get(path.format(odd))
        assert reply.status_code == 404, (path, reply.status_code, reply.text[:300])
    for path in ("/courses/{}", "/recordings/{}/remove", "/recordings/{}/find", "/jobs/{}/cancel"):
        reply = browser.post(path.format(odd), data={"wanted": "x"})
        assert reply.status_code == 404, (path, reply.status_code)
    assert browser.get(f"/jobs?skipped={odd}").status_code in (200, 404)
    assert browser.get(f"/api/v1/jobs?after={odd}").status_code in (200, 404)
    assert browser.get(f"/api/v1/recordings?after={odd}").status_code == 200
    asked = browser.post("/api/v1/questions", json={"text": "near miss", "course": "a\x00b"})
    assert asked.status_code == 404
    assert browser.delete(f"/api/v1/recordings/{odd}").status_code == 404
