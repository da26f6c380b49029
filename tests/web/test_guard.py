"""Nobody but pages of our own, opened on this machine, gets anything done."""

import pytest
from starlette.testclient import TestClient

from tests.web.house import WebHouse
from web.app import create_app

OWN = "http://127.0.0.1"


@pytest.fixture
def bare(house: WebHouse) -> TestClient:
    """A client that sends no header of its own."""
    return TestClient(create_app(house.services), base_url=OWN)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:65535", "[::1]", "[::1]:8000", "127.1.2.3"]
)
def test_loopback_is_let_in(bare: TestClient, host: str) -> None:
    assert bare.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:8000",
        "10.0.0.1",
        "127.0.0.1:8000@evil.example",
        "",
        "localhost:port",
        "[::1",
        "0.0.0.0",
    ],
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/recordings", "/static/earmark.css", "/nothing"])
def test_a_name_rebound_to_this_machine_is_refused(bare: TestClient, host: str, path: str) -> None:
    assert bare.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://[broken"},
        {"origin": "https://127.0.0.1"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": OWN, "sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/ask", "/recordings", "/courses/any", "/language", "/api/v1/questions", "/v1/audio/transcriptions"]
)
def test_another_sites_page_cannot_post(bare: TestClient, house: WebHouse, path: str, headers: dict[str, str]) -> None:
    reply = bare.post(path, data={"text": "near miss"}, headers=headers)

    assert reply.status_code == 403
    assert house.asking.asked_courses == []


def test_a_page_needs_to_say_where_it_comes_from(bare: TestClient) -> None:
    assert bare.post("/ask", data={"text": "near miss"}).status_code == 403


def test_a_program_sends_neither_header_and_is_let_in(bare: TestClient) -> None:
    assert bare.post("/api/v1/questions", json={"text": "near miss"}).status_code == 200


@pytest.mark.parametrize("headers", [{"origin": OWN}, {"sec-fetch-site": "same-origin"}])
def test_our_own_page_may_post(bare: TestClient, headers: dict[str, str]) -> None:
    assert bare.post("/ask", data={"text": "near miss"}, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_other_unsafe_methods_are_guarded_too(bare: TestClient, method: str) -> None:
    reply = bare.request(method, "/api/v1/recordings/x", headers={"origin": "http://evil.example"})

    assert reply.status_code == 403


def test_nobody_is_invited_from_elsewhere(bare: TestClient) -> None:
    reply = bare.options(
        "/api/v1/questions", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
    )

    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v1/jobs", "/static/app.js", "/api/docs"])
def test_every_reply_binds_the_browser(bare: TestClient, path: str) -> None:
    headers = bare.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_page_that_fails_inside_binds_the_browser_too(house: WebHouse) -> None:
    house.asking.failure = RuntimeError("a bug")
    client = TestClient(create_app(house.services), base_url=OWN, raise_server_exceptions=False)

    reply = client.post("/ask", files={"sound": ("q.wav", b"x")}, headers={"origin": OWN})

    assert reply.status_code == 500
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert "a bug" not in reply.text
    assert "earmark doctor" in reply.text


@pytest.mark.parametrize("path", ["/", "/recordings", "/courses", "/jobs", "/api/docs", "/nothing"])
def test_no_page_has_anything_inline(bare: TestClient, house: WebHouse, path: str) -> None:
    house.add_recording()

    text = bare.get(path).text

    assert " style=" not in text
    assert "<style" not in text
    assert "<script>" not in text
    assert " onclick=" not in text
    assert "http://" not in text.replace("http://127.0.0.1:8000/", "")
