"""Requests that are not the person's: planted cookies, tokens where they do not belong, forms of other pages, addresses
that lead elsewhere, paths and headers with a trick in them."""

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from assistant.access import course_rights, people
from assistant.access.caller import Scope
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.jobs import store as jobs
from knowledge.database import new_id
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow
from tests.web.company import answered_item, open_item
from tests.web.house import WebHouse
from tests.web.people import PASSWORD, add_person, close_course, form_token_of, program_of, signed_in, stranger
from tests.web.people import with_sign_in as signing_in
from web.app import ROUTERS
from web.guard import SAFE_METHODS
from web.pages.sign_in import BACKCHANNEL_PATH
from web.rules import declared_routes
from web.visitors import BROWSER_COOKIE, SESSION_COOKIE, is_program_path


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    return signing_in(house)


@pytest.fixture
def anna(company: WebHouse) -> Person:
    return add_person(company, "Anna", Role.ADMIN)


def sign_in(browser: TestClient, **more: str) -> httpx.Response:
    token = form_token_of(browser, "/sign-in")
    return browser.post("/sign-in", data={"name": "Anna", "password": PASSWORD, "form_token": token, **more})


def session_of(reply: httpx.Response) -> str:
    [cookie] = [each for each in reply.headers.get_list("set-cookie") if each.startswith(SESSION_COOKIE)]
    return cookie.split("=", 1)[1].split(";")[0]


def with_session(company: WebHouse, cookie: str) -> TestClient:
    browser = stranger(company)
    browser.headers["cookie"] = cookie
    return browser


class TestFixation:
    def test_a_planted_session_is_worth_nothing_before_and_after(self, company: WebHouse, anna: Person) -> None:
        planted = "A" * 43
        browser = stranger(company)
        browser.cookies.set(SESSION_COOKIE, planted, domain="127.0.0.1")
        reply = sign_in(browser)
        assert reply.status_code == 303
        assert session_of(reply) != planted
        assert with_session(company, f"{SESSION_COOKIE}={planted}").get("/").status_code == 303

    def test_somebodys_own_session_does_not_become_the_next_persons(self, company: WebHouse, anna: Person) -> None:
        """A thief signs in as himself, plants that session, and waits for the other to sign in over it."""
        thief = signed_in(company, add_person(company, "Mallory"))
        planted = thief.cookies[SESSION_COOKIE]
        victim = with_session(company, f"{SESSION_COOKIE}={planted}")
        token = form_token_of(victim, "/")
        form = {"name": "Anna", "password": PASSWORD, "form_token": token}
        reply = victim.post("/sign-in", data=form)
        assert reply.status_code == 303
        assert session_of(reply) != planted
        assert thief.get("/").status_code == 303, "the planted session must be over"

    def test_a_planted_browser_is_worth_nothing_once_somebody_has_signed_in(
        self, company: WebHouse, anna: Person
    ) -> None:
        planted = "B" * 43
        browser = stranger(company)
        browser.cookies.set(BROWSER_COOKIE, planted, domain="127.0.0.1")
        before = form_token_of(browser, "/sign-in")
        assert sign_in(browser).status_code == 303
        asked = browser.post("/ask", data={"text": "near miss", "form_token": form_token_of(browser)})
        assert asked.status_code == 303
        knows = stranger(company)
        knows.cookies.set(BROWSER_COOKIE, planted, domain="127.0.0.1")
        assert knows.get(asked.headers["location"]).headers["location"].startswith("/sign-in")
        assert browser.post("/ask", data={"text": "near miss", "form_token": before}).status_code == 403

    def test_each_sign_in_has_its_own_session_and_form_token(self, company: WebHouse, anna: Person) -> None:
        browser = stranger(company)
        first, token = session_of(sign_in(browser)), form_token_of(browser)
        second = session_of(browser.post("/sign-in", data={"name": "Anna", "password": PASSWORD, "form_token": token}))
        assert first != second
        assert with_session(company, f"{SESSION_COOKIE}={first}").get("/").status_code == 303
        assert form_token_of(browser) != token


class TestCookies:
    def test_of_two_cookies_of_one_name_the_first_counts(self, company: WebHouse, anna: Person) -> None:
        """Browsers put the more specific one first; one planted for a wider domain comes behind."""
        own = signed_in(company, anna).cookies[SESSION_COOKIE]
        thiefs = signed_in(company, add_person(company, "Mallory")).cookies[SESSION_COOKIE]
        page = with_session(company, f"{SESSION_COOKIE}={own}; {SESSION_COOKIE}={thiefs}").get("/").text
        assert "Anna" in page
        assert "Mallory" not in page

    @pytest.mark.parametrize(
        "cookie",
        [
            "{name}=",
            "{name}={secret}x",
            '{name}="{secret}',
            "{name} ={secret}!",
            "earmark_session={secret}",
            "__host-earmark_session={secret}",
            "x={name}={secret}",
            "{name}={secret}%00",
            "{name}=null",
            "\x00; {name}",
            ";" * 5000,
            "{name}=" + "A" * 5000,
        ],
    )
    def test_a_cookie_that_is_not_quite_a_session_is_none(self, company: WebHouse, anna: Person, cookie: str) -> None:
        secret = signed_in(company, anna).cookies[SESSION_COOKIE]
        reply = with_session(company, cookie.format(name=SESSION_COOKIE, secret=secret)).get("/")
        assert reply.status_code == 303

    def test_a_cookie_beside_it_that_nobody_can_read_shuts_nobody_out(self, company: WebHouse, anna: Person) -> None:
        secret = signed_in(company, anna).cookies[SESSION_COOKIE]
        assert with_session(company, f"[bad]=x; ;;=; {SESSION_COOKIE}={secret}").get("/").status_code == 200


class TestTokens:
    @pytest.mark.parametrize("name", ["token", "access_token", "bearer", "authorization", "api_key", "key"])
    def test_a_token_in_an_address_or_a_form_opens_nothing(self, company: WebHouse, anna: Person, name: str) -> None:
        secret = program_of(company, anna, *Scope).headers["authorization"].split()[1]
        program = stranger(company)
        assert program.get("/api/v1/recordings", params={name: secret}).status_code == 401
        assert program.get("/recordings", params={name: secret}).status_code == 303
        asked = program.post("/api/v1/questions", params={name: secret}, json={"text": "near miss"})
        assert asked.status_code == 401
        sent = program.post("/v1/audio/transcriptions", data={name: secret}, files={"file": ("a.wav", b"RIFF")})
        assert sent.status_code == 401
        program.cookies.set(SESSION_COOKIE, secret, domain="127.0.0.1")
        assert program.get("/api/v1/recordings").status_code == 401

    def test_a_token_opens_no_page(self, company: WebHouse, anna: Person) -> None:
        program = program_of(company, anna, *Scope)
        for path in ("/", "/recordings", "/me", "/jobs", "/api/docs", "/courses"):
            assert program.get(path).status_code == 303, path

    def test_beside_a_token_a_session_does_not_count_and_the_other_way_round_on_pages(
        self, company: WebHouse, anna: Person
    ) -> None:
        browser = signed_in(company, anna)
        emil = program_of(company, add_person(company, "Emil"), Scope.READ).headers["authorization"]
        assert browser.get("/api/v1/jobs", headers={"authorization": emil}).status_code == 404
        assert "Anna" in browser.get("/", headers={"authorization": emil}).text
        for broken in ("Bearer wrong", "Bearer", "Basic QW5uYTp4", "", "Bearer  a b", f"{emil}, {emil}"):
            assert browser.get("/api/v1/recordings", headers={"authorization": broken}).status_code == 401, broken

    def test_a_session_secret_is_no_token(self, company: WebHouse, anna: Person) -> None:
        secret = signed_in(company, anna).cookies[SESSION_COOKIE]
        reply = stranger(company).get("/api/v1/recordings", headers={"authorization": f"Bearer {secret}"})
        assert reply.status_code == 401


UNSAFE = sorted(
    (method, route.path)
    for route, _ in declared_routes(ROUTERS)
    for method in route.methods
    if method not in SAFE_METHODS and route.path != BACKCHANNEL_PATH
)
"""All but what a provider sends: that is signed, and belongs to no session."""


class TestForms:
    @pytest.fixture
    def ids(self, company: WebHouse, anna: Person) -> dict[str, str]:
        recording = company.add_recording()
        with company.database.read() as session:
            row = session.get_one(RecordingRow, recording)
            job = jobs.latest_of(session, recording)
        assert job is not None
        ids = {"recording_id": recording, "course_id": row.course_id, "job_id": job.id, "person_id": anna.id}
        ids["group_id"] = made_group(company)
        ids |= {"item_id": open_item(company, row.course_id), "answer_id": answered_item(company, row.course_id)}
        return ids | {name: new_id() for name in ("question_id", "token_id", "mark_id", "card_id", "topic_id")}

    @pytest.mark.parametrize("token", ["none", "empty", "another session's", "a browser's without a session", "cut"])
    def test_no_unsafe_route_takes_what_is_not_of_this_session(
        self, company: WebHouse, anna: Person, ids: dict[str, str], token: str
    ) -> None:
        browser = signed_in(company, anna)
        own = browser.headers.pop("x-csrf-token")
        data = {"text": "near miss", "language": "zh", "name": "Anna", "password": PASSWORD}
        given = {
            "none": None,
            "empty": "",
            "another session's": form_token_of(signed_in(company, anna)),
            "a browser's without a session": form_token_of(stranger(company), "/sign-in"),
            "cut": own[:-1],
        }[token]
        if given is not None:
            data["form_token"] = browser.headers["x-csrf-token"] = given
        before = state_of(company)
        for method, path in UNSAFE:
            files = (
                {"file": ("a.wav", b"RIFF")} if path.endswith(("recordings", "/recording", "transcriptions")) else None
            )
            if path == "/api/v1/questions":
                reply = browser.post(path, json={"text": "near miss"})
            else:
                reply = browser.request(method, path.format(**ids), data=data, files=files)
            assert reply.status_code == 403, (method, path, reply.status_code, reply.text[:300])
            assert "earmark_language" not in reply.headers.get("set-cookie", "")
        assert state_of(company) == before
        assert browser.get("/").status_code == 200, "the session is still there"

    def test_a_program_path_with_a_session_wants_the_header_even_where_the_form_has_the_token(
        self, company: WebHouse, anna: Person, ids: dict[str, str]
    ) -> None:
        """A header is what no other site's form can send."""
        browser = signed_in(company, anna)
        own = browser.headers.pop("x-csrf-token")
        for method, path in UNSAFE:
            if is_program_path(path):
                reply = browser.request(method, path.format(**ids), data={"form_token": own, "text": "near miss"})
                assert reply.status_code == 403, (method, path)


def made_group(company: WebHouse) -> str:
    with company.database.write() as session:
        return people.group_of_name(session, "Sales").id


def state_of(company: WebHouse) -> object:
    with company.database.read() as session:
        known = [(one.id, one.state) for one in recordings.list_recordings(session, removed=True)]
        courses = recordings.list_courses(session)
        kept = people.list_people(session), people.list_groups(session), course_rights.all_rights(session)
    return known, courses, kept, len(company.asking.asked_courses), list(company.engine.heard_files)


ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    "\x01//evil.example",
    " //evil.example",
    "/%09/evil.example/",
    "/%5cevil.example",
    "/%2f/evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "evil.example",
    "@evil.example",
    "/\r\nset-cookie: x=1",
    "/\u2028//evil.example",
    "",
]


class TestWaysBack:
    @pytest.mark.parametrize("back", ELSEWHERE)
    def test_nothing_leads_to_another_server(self, company: WebHouse, anna: Person, back: str) -> None:
        browser = stranger(company)
        replies = [sign_in(browser, back=back)]
        replies.append(browser.get("/sign-in", params={"back": back}))
        form = {"back": back, "language": "zh", "form_token": form_token_of(browser)}
        replies.append(browser.post("/language", data=form))
        for reply in replies:
            assert reply.status_code == 303
            leads = urlsplit(urljoin("https://127.0.0.1/sign-in", reply.headers["location"].replace("\\", "/")))
            assert (leads.scheme, leads.netloc) == ("https", "127.0.0.1"), reply.headers["location"]
            assert "x=1" not in reply.headers.get("set-cookie", "")

    @pytest.mark.parametrize("path", ["//evil.example/recordings", "//evil.example", "/recordings?x=//evil.example"])
    def test_an_address_that_looks_like_another_server_does_not_become_a_way_back(
        self, company: WebHouse, path: str
    ) -> None:
        reply = stranger(company).get(f"https://127.0.0.1{path}")
        if reply.status_code == 303:
            leads = urlsplit(urljoin("https://127.0.0.1/", reply.headers["location"]))
            assert leads.netloc == "127.0.0.1"
        else:
            assert reply.status_code == 404


class TestPathsAndHeaders:
    @pytest.fixture
    def closed(self, company: WebHouse) -> Iterator[str]:
        recording = company.add_recording(course="Pricing")
        close_course(company, "Pricing")
        return recording

    @pytest.mark.parametrize(
        "path",
        [
            "//recordings/{id}",
            "/recordings//{id}",
            "/recordings/./{id}",
            "/recordings/x/../{id}",
            "/recordings/%2e%2e/recordings/{id}",
            "/recordings%2f{id}",
            "/static/../recordings/{id}",
            "/static/%2e%2e/recordings/{id}",
            "/static/..%2frecordings/{id}",
            "/RECORDINGS/{id}",
            "/recordings/{ID}",
            "/recordings/{id}/",
            "/recordings/{id}%00",
            "/recordings/{id}%20",
            "/recordings/{id};a=b",
            "/recordings/{id}.vtt",
            "/media/{id}/playable.mp4",
            "/media/..%2f{id}",
            "/media/{id}%2f..%2f{id}",
            "/api/v1/../v1/recordings/{id}",
            "/api//v1/recordings/{id}",
            "/files/{id}/original",
            "/healthz/../recordings/{id}",
            "/sign-in/..%2frecordings/{id}",
        ],
    )
    def test_no_path_goes_around_a_rule(self, company: WebHouse, closed: str, path: str) -> None:
        for client in (stranger(company), signed_in(company, add_person(company, "Emil"))):
            address = path.format(id=closed, ID=closed.upper())
            reply = client.get(type(client.base_url)("https://127.0.0.1").copy_with(raw_path=address.encode()))
            assert reply.status_code in (303, 307, 400, 401, 404), reply.text[:200]
            assert "near miss" not in reply.text
            if reply.status_code == 307:  # the address without its last slash, asked like any other
                assert client.get(reply.headers["location"]).status_code in (303, 404)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("x-original-url", "/recordings/{id}"),
            ("x-rewrite-url", "/recordings/{id}"),
            ("x-http-method-override", "DELETE"),
            ("x-forwarded-user", "Anna"),
            ("remote-user", "Anna"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
            ("x-earmark-person", "Anna"),
            ("x-forwarded-prefix", "/static"),
        ],
    )
    def test_no_header_says_who_asks_or_for_what(self, company: WebHouse, closed: str, name: str, value: str) -> None:
        headers = {name: value.format(id=closed)}
        assert stranger(company).get("/", headers=headers).status_code == 303
        assert stranger(company).get(f"/api/v1/recordings/{closed}", headers=headers).status_code == 401
        emil = signed_in(company, add_person(company, "Emil"))
        assert emil.get(f"/recordings/{closed}", headers=headers).status_code == 404
        assert emil.post(f"/api/v1/recordings/{closed}", headers=headers).status_code in (404, 405)

    @pytest.mark.parametrize("header", ["x-forwarded-host", "forwarded"])
    def test_no_header_gives_the_server_another_name(self, company: WebHouse, header: str) -> None:
        value = "evil.example" if header != "forwarded" else "host=evil.example"
        browser = stranger(company)
        for path in ("/", "/sign-in", "/recordings/", "/api/docs/", "/nothing"):
            reply = browser.get(path, headers={header: value})
            assert "evil.example" not in reply.text + reply.headers.get("location", "")
