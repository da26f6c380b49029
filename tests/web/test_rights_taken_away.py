"""What was allowed a moment ago: sessions, tokens, pages that poll, players and streams that are under way when the
right behind them goes. The next request of each fails; a stream ends within five seconds."""

import json
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.testclient import TestClient

from assistant.access import course_rights, people, sessions, tokens
from assistant.access.caller import Scope
from assistant.access.people import Person
from assistant.access.role import Role
from tests.web.house import WebHouse
from tests.web.people import add_person, close_course, program_of, signed_in, with_sign_in
from tests.web.serving import serving
from web.visitors import SESSION_COOKIE

pytestmark = pytest.mark.timed

Change = Callable[[WebHouse, Person], None]


def suspend(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        people.suspend(session, person.id)


def forget(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        people.delete_person(session, person.id)


def demote(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        people.set_role(session, person.id, Role.EMPLOYEE)


def end_sessions(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        for each in sessions.sessions_of(session, person.id):
            sessions.end(session, each.id)


def revoke_tokens(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        for each in tokens.tokens_of(session, person.id):
            tokens.revoke(session, each.id, person_id=person.id)


def leave_groups(house: WebHouse, person: Person) -> None:
    with house.database.write() as session:
        people.set_groups(session, person.id, [])


def close_to_all(house: WebHouse, _person: Person) -> None:
    with house.database.write() as session:
        [course_id] = {rights.course_id for rights in course_rights.all_rights(session)}
        course_rights.set_rights(session, course_id, open_to_all=False, groups=[], people=[])


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    return with_sign_in(house)


@pytest.fixture
def anna(company: WebHouse) -> Person:
    return add_person(company, "Anna", Role.TRAINER, groups=["Sales"])


@pytest.fixture
def recording(company: WebHouse) -> str:
    made = company.add_recording(course="Pricing")
    close_course(company, "Pricing", groups=["Sales"])
    company.answer_with("near miss", made)
    return made


@pytest.mark.parametrize("change", [leave_groups, close_to_all], ids=["group left", "course closed"])
@pytest.mark.parametrize("by", ["session", "token"])
def test_an_open_player_a_transcript_and_an_answer_end_with_the_right_to_hear(
    company: WebHouse, anna: Person, recording: str, change: Change, by: str
) -> None:
    is_session = by == "session"
    client = signed_in(company, anna) if is_session else program_of(company, anna, Scope.READ, Scope.ASK)
    paths = [f"/api/v1/recordings/{recording}", f"/api/v1/recordings/{recording}/transcript"]
    if is_session:
        asked = client.post("/ask", data={"text": "near miss"}).headers["location"]
        page = client.get(asked)
        assert recording in page.text
        paths += [f"/recordings/{recording}", f"/recordings/{recording}/transcript.vtt", f"/media/{recording}"]
        media = client.get(f"/media/{recording}", headers={"range": "bytes=0-9"})
        assert media.status_code == 206
    assert {client.get(path).status_code for path in paths} == {200}

    change(company, anna)

    assert {client.get(path).status_code for path in paths} == {404}
    if is_session:
        more = {"range": "bytes=10-19", "if-range": media.headers["etag"]}
        assert client.get(f"/media/{recording}", headers=more).status_code == 404
        again = {"if-none-match": media.headers["etag"]}
        assert client.get(f"/media/{recording}", headers=again).status_code == 404, "a cached copy was confirmed"
        assert recording not in client.get(asked).text
    assert client.get("/api/v1/recordings").json()["items"] == []


@pytest.mark.parametrize("change", [suspend, forget, end_sessions])
def test_pages_of_a_session_that_is_over_lead_to_signing_in(company: WebHouse, anna: Person, change: Change) -> None:
    browser = signed_in(company, anna)
    assert browser.get("/jobs").status_code == 200
    change(company, anna)
    assert browser.get("/jobs").headers["location"] == "/sign-in?back=%2Fjobs"
    polled = browser.get("/jobs/list", headers={"hx-request": "true"})
    assert (polled.status_code, polled.headers["hx-redirect"], polled.text) == (401, "/sign-in", "")
    sent = browser.post("/ask", data={"text": "near miss"})
    assert sent.status_code in (303, 403)
    assert sent.headers.get("location", "/sign-in").startswith("/sign-in")
    assert company.asking.asked_courses == []


@pytest.mark.parametrize("change", [suspend, forget, revoke_tokens])
def test_a_token_that_is_over_is_told_to_sign_in(company: WebHouse, anna: Person, change: Change) -> None:
    program = program_of(company, anna, Scope.READ)
    assert program.get("/api/v1/recordings").status_code == 200
    change(company, anna)
    assert program.get("/api/v1/recordings").status_code == 401


def test_a_role_that_is_gone_takes_its_pages_along(company: WebHouse, anna: Person) -> None:
    browser, program = signed_in(company, anna), program_of(company, anna, Scope.WRITE)
    assert (browser.get("/jobs").status_code, program.get("/api/v1/jobs").status_code) == (200, 200)
    demote(company, anna)
    assert (browser.get("/jobs").status_code, program.get("/api/v1/jobs").status_code) == (404, 404)


PAGES = ["/", "/recordings", "/courses", "/jobs", "/jobs/list", "/api/docs", "/api/openapi.json", "/api/v1/recordings"]


@pytest.mark.parametrize(
    "path", [*PAGES, "/recordings/{recording}", "/recordings/{recording}/transcript.txt", "/nothing"]
)
def test_nothing_behind_the_sign_in_is_kept_by_a_browser_or_a_proxy(
    company: WebHouse, anna: Person, recording: str, path: str
) -> None:
    reply = signed_in(company, anna).get(path.format(recording=recording))
    assert reply.headers["cache-control"] == "no-store"
    assert {"cookie", "authorization"} & {each.strip().lower() for each in reply.headers["vary"].split(",")}


def test_sound_is_kept_only_to_be_asked_for_again(company: WebHouse, anna: Person, recording: str) -> None:
    reply = signed_in(company, anna).get(f"/media/{recording}")
    assert set(reply.headers["cache-control"].split(", ")) & {"no-store", "no-cache"}
    assert "public" not in reply.headers["cache-control"]
    assert "max-age" not in reply.headers["cache-control"]


@pytest.fixture
def address(company: WebHouse) -> Iterator[str]:
    company.engine.hears_on = threading.Event()
    with serving(company) as address:
        yield address
        company.engine.hears_on = None


@pytest.mark.parametrize("change", [suspend, forget, revoke_tokens, demote])
@pytest.mark.parametrize("stream", ["true", "false"])
def test_what_is_being_written_down_ends_within_five_seconds(
    company: WebHouse, anna: Person, address: str, change: Change, stream: str
) -> None:
    program = program_of(company, anna, Scope.TRANSCRIBE)
    _assert_ends(company, anna, address, change, stream, {"authorization": program.headers["authorization"]})


@pytest.mark.parametrize("change", [end_sessions, demote])
def test_a_stream_of_a_session_ends_with_it(company: WebHouse, anna: Person, address: str, change: Change) -> None:
    browser = signed_in(company, anna)
    headers = {
        "cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}",
        "x-csrf-token": browser.headers["x-csrf-token"],
    }
    _assert_ends(company, anna, address, change, "true", headers)


def _assert_ends(
    company: WebHouse, anna: Person, address: str, change: Change, stream: str, headers: dict[str, str]
) -> None:
    let_go = company.engine.hears_on
    assert let_go is not None
    changed: list[float] = []

    def change_soon() -> None:
        while not company.engine.heard_files:
            time.sleep(0.02)
        time.sleep(0.5)
        change(company, anna)
        changed.append(time.monotonic())

    threading.Thread(target=change_soon).start()
    reply = httpx.post(
        f"{address}/v1/audio/transcriptions", files={"file": ("a.mp3", b"sound")}, data={"stream": stream},
        headers=headers, timeout=20, trust_env=False,
    )  # fmt: skip
    assert time.monotonic() - changed[0] < 5
    assert let_go.wait(5), "the engine goes on for somebody who may not hear it"
    if reply.headers["content-type"].startswith("text/event-stream"):
        last = json.loads(reply.text.strip().split("data: ")[-1])
        assert (last["type"], last["status"]) == ("error", 401)
    else:
        assert reply.status_code == 401


def test_a_stream_goes_on_as_long_as_it_may(company: WebHouse, anna: Person, address: str) -> None:
    program = program_of(company, anna, Scope.TRANSCRIBE)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{address}/v1/audio/transcriptions", files={"file": ("a.mp3", b"sound")}, data={"stream": "true"},
            headers={"authorization": program.headers["authorization"]}, timeout=6, trust_env=False,
        )  # fmt: skip


def test_what_somebody_saw_is_gone_after_signing_out(company: WebHouse, anna: Person) -> None:
    browser: TestClient = signed_in(company, anna)
    reply = browser.post("/sign-out")
    assert reply.headers["clear-site-data"] == '"cache", "storage"'
    assert browser.get("/api/v1/recordings").status_code == 401
