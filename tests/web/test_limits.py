"""Who asks too often is told when to go on; the others do not notice."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from starlette.testclient import TestClient
from starlette.types import Scope

from assistant.answering.answer import Answer
from tests.web.house import ScriptedAsking, WebHouse, page_headers
from tests.web.serving import run_apart
from web import limits
from web.app import create_app
from web.limits import ADDRESS_FACTOR, MOST_AT_ONCE, Asker, Cost, Counts, Limited, RateLimits, address_key, cost_of

FORM = "multipart/form-data; boundary=x"


def browser_from(app: object, host: str = "10.0.0.1") -> TestClient:
    return TestClient(
        app,  # type: ignore[arg-type]
        base_url="http://127.0.0.1",
        headers=dict(page_headers()),
        client=(host, 50000),
        follow_redirects=False,
    )


def limited(house: WebHouse, **numbers: int) -> object:
    return create_app(replace(house.services, limits=RateLimits(**numbers)))


@pytest.mark.parametrize(
    ("method", "path", "content_type", "cost"),
    [
        ("POST", "/ask", FORM, Cost.VOICE),
        ("POST", "/ask", " Multipart/Form-Data; boundary=x", Cost.VOICE),
        ("POST", "/ask", "application/x-www-form-urlencoded", Cost.QUESTION),
        ("POST", "/api/v1/questions", "application/json", Cost.QUESTION),
        ("POST", "/api/v1/questions", FORM, Cost.VOICE),
        ("POST", "/recordings", FORM, Cost.UPLOAD),
        ("POST", "/api/v1/recordings", FORM, Cost.UPLOAD),
        ("POST", "/v1/audio/transcriptions", FORM, Cost.UPLOAD),
        ("POST", "/inbox/1/recording", FORM, Cost.UPLOAD),
        ("POST", "/inbox/1/search", "", Cost.QUESTION),
        ("POST", "/inbox/1/line", "", Cost.PAGE),
        ("POST", "/sign-in", "", Cost.SIGN_IN),
        ("POST", "/sign-in/provider", "", Cost.SIGN_IN),
        ("POST", "/sign-in/backchannel", "", Cost.PAGE),
        ("GET", "/sign-in", "", Cost.PAGE),
        ("GET", "/ask", "", Cost.PAGE),
        ("POST", "/recordings/1/find", "", Cost.PAGE),
        ("DELETE", "/api/v1/recordings/1", "", Cost.PAGE),
        ("GET", "/metrics", "", Cost.PAGE),
        ("GET", "/media/1", "", Cost.PART),
        ("GET", "/static/app.js", "", Cost.PART),
        ("GET", "/healthz", "", None),
        ("GET", "/readyz", "", None),
    ],
)
def test_a_request_costs_what_its_kind_costs(method: str, path: str, content_type: str, cost: Cost | None) -> None:
    assert cost_of(method, path, content_type) is cost


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_an_address_is_one_house(host: str | None, key: str) -> None:
    assert address_key(host) == key


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the wall clock that windows are counted by."""
    now = [1000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def to(seconds: float) -> None:
        now[0] = seconds

    return to


def taken(counts: Counts, asker: Asker, cost: Cost = Cost.QUESTION) -> bool:
    refused = counts.take(asker, cost)
    if refused is None:
        counts.give_back(asker, cost)
    return refused is None


def test_what_is_refused_is_taken_after_the_seconds_that_were_told(clock: Callable[[float], None]) -> None:
    counts, anna = Counts(RateLimits(questions=3)), Asker("anna", "10.0.0.1")
    for second in (1000.0, 1010.0, 1020.0):
        clock(second)
        assert taken(counts, anna)

    clock(1025.0)
    refused = counts.take(anna, Cost.QUESTION)

    assert refused is not None
    assert refused.whose == "person"
    assert refused.wait_s == pytest.approx(35.0)
    clock(1059.9)
    assert not taken(counts, anna)
    clock(1060.1)
    assert taken(counts, anna)
    assert not taken(counts, anna)


def test_a_person_over_the_limit_takes_nothing_from_the_address_and_the_other_kinds() -> None:
    counts = Counts(RateLimits(questions=2))
    anna, ben = Asker("anna", "10.0.0.1"), Asker("ben", "10.0.0.1")

    assert [taken(counts, anna) for _ in range(100)].count(True) == 2
    assert taken(counts, ben)
    assert taken(counts, anna, Cost.VOICE)
    assert taken(counts, Asker("anna", "10.0.0.2"), Cost.PAGE)


def test_many_persons_never_get_past_their_address() -> None:
    counts = Counts(RateLimits(questions=2))

    some = [taken(counts, Asker(f"person {number}", "10.0.0.1")) for number in range(100)]

    assert some.count(True) == 2 * ADDRESS_FACTOR
    assert taken(counts, Asker("somebody else", "10.0.0.2"))


def test_attempts_to_sign_in_have_no_larger_limit_for_an_address() -> None:
    counts = Counts(RateLimits(sign_ins=3))
    assert [taken(counts, Asker(None, "10.0.0.1"), Cost.SIGN_IN) for _ in range(9)].count(True) == 3


def test_no_limit_is_none() -> None:
    counts = Counts(RateLimits(questions=0))
    assert all(taken(counts, Asker("anna", "10.0.0.1")) for _ in range(5000))


def test_a_clock_that_is_set_back_shuts_nobody_out(clock: Callable[[float], None]) -> None:
    counts, anna = Counts(RateLimits(questions=1)), Asker("anna", "10.0.0.1")
    clock(9000.0)
    assert taken(counts, anna)
    clock(5000.0)
    assert taken(counts, anna)
    assert not taken(counts, anna)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 100)
    counts = Counts(RateLimits(questions=10))
    for number in range(1000):
        taken(counts, Asker(None, f"10.0.{number // 250}.{number % 250}"))

    assert len(counts._windows.storage.events) == 100
    assert not counts._under_way


def test_what_is_over_is_forgotten(clock: Callable[[float], None]) -> None:
    counts = Counts(RateLimits(questions=100))
    for number in range(1000):
        taken(counts, Asker(None, f"10.0.{number // 250}.{number % 250}"))
    for second in range(1001, 1200):
        clock(float(second))
        assert taken(counts, Asker("anna", "10.1.0.1"))

    [own, of_address] = counts._windows.storage.events.values()
    assert len(own) == len(of_address) == 61


@pytest.mark.parametrize("asker", [Asker("anna", "10.0.0.1"), Asker(None, "10.0.0.1")])
def test_no_one_asker_has_more_under_way_than_half_the_threads(asker: Asker) -> None:
    counts = Counts(RateLimits(0, 0, 0, 0, 0))
    for cost, most in MOST_AT_ONCE.items():
        assert [counts.take(asker, cost) is None for _ in range(100)].count(True) == most
    assert sum(most for cost, most in MOST_AT_ONCE.items() if cost is not Cost.PART) <= 20

    for cost in Cost:
        counts.give_back(asker, cost)
        assert taken(counts, asker, cost)


def test_a_page_says_in_its_language_when_it_goes_on(house: WebHouse) -> None:
    browser = browser_from(limited(house, requests=1))
    assert [browser.get("/courses").status_code for _ in range(ADDRESS_FACTOR)] == [200] * ADDRESS_FACTOR

    page = browser.get("/courses")
    chinese = browser.get("/courses", headers={"accept-language": "zh"})

    assert page.status_code == 429
    assert 58 <= int(page.headers["retry-after"]) <= 60
    assert "more is asked from your network address" in page.text
    assert "It goes on in" in page.text
    assert "Back to asking" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "一分钟内来自您网络地址的请求超过了上限" in chinese.text
    assert "后可以继续" in chinese.text


def test_htmx_gets_the_message_alone(house: WebHouse) -> None:
    browser = browser_from(limited(house, voice=1))
    for _ in range(ADDRESS_FACTOR):
        browser.post("/ask", files={"sound": ("q.wav", b"x")})

    part = browser.post("/ask", files={"sound": ("q.wav", b"x")}, headers={"hx-request": "true"})

    assert part.status_code == 429
    assert "<html" not in part.text
    assert 'data-error="too-often"' in part.text
    assert browser.post("/ask", data={"text": "near miss"}).status_code == 303


def test_a_program_gets_a_problem_and_the_operator_a_count(house: WebHouse) -> None:
    app = limited(house, questions=1)
    browser = browser_from(app)
    for _ in range(ADDRESS_FACTOR):
        assert browser.post("/api/v1/questions", json={"text": "near miss"}).status_code == 200

    reply = browser.post("/api/v1/questions", json={"text": "near miss"})

    assert reply.status_code == 429
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == "urn:earmark:problem:too-often"
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert 'earmark_limited_total{cost="question",whose="address"} 1.0' in browser.get("/metrics").text
    assert browser_from(app, "10.0.0.2").post("/api/v1/questions", json={"text": "near miss"}).status_code == 200


def test_a_fresh_cookie_for_each_question_helps_nobody(house: WebHouse) -> None:
    app = limited(house, questions=1)

    replies = [
        browser_from(app)
        .post("/ask", data={"text": "near miss"}, headers={"cookie": f"earmark_asker={number:043}"})
        .status_code
        for number in range(2 * ADDRESS_FACTOR)
    ]

    assert replies.count(303) == ADDRESS_FACTOR
    assert replies.count(429) == ADDRESS_FACTOR


def test_whether_it_lives_is_always_told(house: WebHouse) -> None:
    browser = browser_from(limited(house, requests=1))
    assert {browser.get("/healthz").status_code for _ in range(5 * ADDRESS_FACTOR)} == {200}


class PatientAsking(ScriptedAsking):
    """Keeps questions until it is let go."""

    def __init__(self, asking: ScriptedAsking) -> None:
        super().__init__(asking.database)
        self.go = Event()

    def text(self, text: str, **options: object) -> Answer:
        self.go.wait(30)
        return super().text(text, **options)  # type: ignore[arg-type]


def test_a_person_who_floods_leaves_threads_to_the_others(house: WebHouse) -> None:
    asking = PatientAsking(house.asking)
    services = replace(house.services, asking=asking, limits=RateLimits(questions=0))
    with browser_from(create_app(services)) as flooding, ThreadPoolExecutor(60) as threads:

        def ask(_: int) -> int:
            return flooding.post("/api/v1/questions", json={"text": "near miss"}).status_code

        flood = [threads.submit(ask, number) for number in range(60)]
        while sum(one.done() for one in flood) < 60 - MOST_AT_ONCE[Cost.QUESTION]:
            time.sleep(0.02)
        page = flooding.get("/courses")
        asking.go.set()
        statuses = [one.result() for one in flood]

    assert page.status_code == 200
    assert statuses.count(200) == MOST_AT_ONCE[Cost.QUESTION]
    assert statuses.count(429) == 60 - MOST_AT_ONCE[Cost.QUESTION]


def test_a_verified_person_is_counted_wherever_he_comes_from(house: WebHouse) -> None:
    seen: list[int] = []

    async def reached(scope: Scope, receive: object, send: object) -> None:
        seen.append(1)

    async def refuse(scope: Scope, refused: limits.Refused) -> Callable[..., object]:
        async def reply(*_: object) -> None:
            seen.append(0)

        return reply

    app = Limited(
        reached,
        limits=RateLimits(requests=2),
        person_of=lambda scope: scope["state"]["person"],
        refuse=refuse,  # type: ignore[arg-type]
        on_refusal=lambda cost, whose: None,
    )

    async def ask(person: str, host: str) -> None:
        about = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": (host, 1)}
        await app({**about, "state": {"person": person}}, None, None)  # type: ignore[arg-type]

    async def all_of_them() -> None:
        for number in range(4):
            await ask("anna", f"10.0.0.{number}")
        await ask("ben", "10.0.0.1")

    run_apart(all_of_them())
    assert seen == [1, 1, 0, 0, 1]
