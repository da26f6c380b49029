"""What one may not see takes as long as what does not exist."""

import random
import statistics
import time

import httpx
import pytest

from assistant.access.role import Role
from assistant.jobs import store as jobs
from knowledge.database import new_id
from tests.web.house import WebHouse
from tests.web.people import add_person, close_course, signed_in, with_sign_in
from tests.web.serving import serving
from web.visitors import SESSION_COOKIE

pytestmark = pytest.mark.slow

PAIRS = 250
"""Of each kind: 2,000 requests."""


@pytest.mark.timeout(560)
def test_two_thousand_requests_do_not_tell_what_is_closed_from_what_is_not_there(house: WebHouse) -> None:
    company = with_sign_in(house)
    theo, otto = add_person(company, "Theo", Role.TRAINER), add_person(company, "Otto")
    recording = company.add_recording(course="Pricing")
    course = close_course(company, "Pricing")
    with company.database.read() as session:
        job = jobs.latest_of(session, recording)
    assert job is not None
    question = company.asking.text("near miss", courses=frozenset(), asker=otto.id).id
    kinds = {
        "recording": ("/recordings/{}", recording),
        "course": ("/recordings?course={}", course),
        "job": ("/api/v1/jobs/{}", job.id),
        "question": ("/questions/{}", question),
    }
    cookie = f"{SESSION_COOKIE}={signed_in(company, theo).cookies[SESSION_COOKIE]}"
    took: dict[tuple[str, bool], list[float]] = {(kind, there): [] for kind in kinds for there in (True, False)}
    chance = random.Random(1)
    with (
        serving(company) as address,
        httpx.Client(base_url=address, headers={"cookie": cookie}, trust_env=False) as client,
    ):
        for _ in range(PAIRS):
            calls = list(took)
            chance.shuffle(calls)
            for kind, there in calls:
                path, thing = kinds[kind]
                began = time.perf_counter()
                reply = client.get(path.format(thing if there else new_id()))
                took[kind, there].append(time.perf_counter() - began)
                assert reply.status_code == 404
    for kind in kinds:
        closed, absent = (statistics.median(took[kind, there]) * 1000 for there in (True, False))
        assert abs(closed - absent) < 2, f"{kind}: {closed:.2f} ms where it is closed, {absent:.2f} ms where not there"
