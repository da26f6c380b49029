"""Nobody but pages of our own, opened on this machine, gets anything done."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.web.house import WebHouse
from web.app import create_app
from web.guard import Gate, is_ambiguous
from web.origins import read_frame_ancestors, read_origin

OWN = "http://127.0.0.1"
PUBLIC = "https://earmark.example.com"
LMS = "https://lms.example.com"


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
        "127.0.0.1.",
        "localhost.",
        "127.0.0.999",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "user@127.0.0.1",
        "user:secret@localhost",
        "127.0.0.1 ",
        "local host",
        "127.0.0.1, evil.example",
        "localhost:0",
        "localhost:65536",
        "localhost:",
        "localhost/",
        "[::1]x",
        "[127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "earmark.example.com",
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


@pytest.fixture
def opened(house: WebHouse) -> TestClient:
    """As behind TLS under a name of its own, shown by an LMS."""
    gate = Gate(public=read_origin(PUBLIC), frame_ancestors=read_frame_ancestors(f"self {LMS}"))
    return TestClient(create_app(replace(house.services, gate=gate)), base_url=PUBLIC)


@pytest.mark.parametrize("host", ["earmark.example.com", "EARMARK.example.com:443", "127.0.0.1:8000", "localhost"])
def test_the_public_name_and_loopback_are_answered(opened: TestClient, host: str) -> None:
    assert opened.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "earmark.example.com.",
        "earmark.example.com.evil.example",
        "x.earmark.example.com",
        "earmark.example.com:443@evil.example",
        "someone@earmark.example.com",
        "earmark.example.com:99999",
        "earmark.example.com evil.example",
    ],
)
def test_no_name_beside_the_public_one_is_answered(opened: TestClient, host: str) -> None:
    assert opened.get("/", headers={"host": host}).status_code == 421


def test_a_host_said_twice_is_refused(opened: TestClient) -> None:
    twice = [("host", "earmark.example.com"), ("host", "earmark.example.com")]
    assert opened.get("/", headers=twice).status_code == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (PUBLIC, 200),
        (f"{PUBLIC}:443", 200),
        ("http://earmark.example.com", 403),
        (f"{PUBLIC}:8443", 403),
        (f"{PUBLIC}/", 403),
        (f"{PUBLIC}.evil.example", 403),
        ("https://x@earmark.example.com", 403),
        (LMS, 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_only_the_exact_origin_may_post(opened: TestClient, origin: str, status: int) -> None:
    assert opened.post("/ask", data={"text": "near miss"}, headers={"origin": origin}).status_code == status


def test_the_public_origin_may_post_where_the_proxy_spoke_http_to_us(house: WebHouse) -> None:
    services = replace(house.services, gate=Gate(public=read_origin(PUBLIC)))
    client = TestClient(create_app(services), base_url="http://earmark.example.com")
    assert client.post("/ask", data={"text": "x"}, headers={"origin": PUBLIC}).status_code == 200


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
def test_what_says_where_it_comes_from_says_it_once(bare: TestClient, name: str) -> None:
    said = {"origin": OWN, "sec-fetch-site": "same-origin"}[name]
    assert bare.post("/ask", data={"text": "x"}, headers=[(name, said), (name, said)]).status_code == 403


@pytest.mark.parametrize("path", ["/", "/recordings", "/api/v1/recordings", "/media/x"])
def test_a_foreign_script_may_not_even_read(bare: TestClient, path: str) -> None:
    """An event stream is a GET too. Opening a page from elsewhere is not asking for it by script."""
    foreign = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert bare.get(path, headers={**foreign, "sec-fetch-mode": "cors"}).status_code == 403
    assert bare.get(path, headers={**foreign, "sec-fetch-mode": "navigate"}).status_code in (200, 404)


def test_there_are_no_web_sockets(bare: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), bare.websocket_connect("/ask", headers={"origin": OWN}):
        pass


def test_only_whom_an_admin_named_may_frame_the_pages(bare: TestClient, opened: TestClient) -> None:
    framed, alone = opened.get("/").headers, bare.get("/").headers

    assert f"frame-ancestors 'self' {LMS}" in framed["content-security-policy"]
    assert "x-frame-options" not in framed
    assert "frame-ancestors 'none'" in alone["content-security-policy"]
    assert alone["x-frame-options"] == "DENY"


@pytest.mark.parametrize("said", ["*", "lms.example.com", "https://a.example; script-src *", "none self", "data:"])
def test_what_is_no_origin_gets_into_no_policy(said: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        read_frame_ancestors(said)


def test_https_is_insisted_on_only_where_it_was_there(opened: TestClient, bare: TestClient) -> None:
    assert opened.get("/").headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in opened.get("/", headers={"host": "localhost"}).headers
    assert "strict-transport-security" not in bare.get("/").headers


@pytest.mark.parametrize(
    "path",
    [
        b"//jobs",
        b"/recordings//x",
        b"/recordings/../jobs",
        b"/recordings/..",
        b"/./jobs",
        b"/%2e%2e/jobs",
        b"/recordings/%2E%2E/jobs",
        b"/static/%2e%2e%2fapp.py",
        b"/media%2fx",
        b"/media%2Fx",
        b"/media%5cx",
        b"/media\\x",
        b"/media/%00",
        b"/media/x%0d%0aset-cookie:a=b",
        b"/%252e%252e/jobs",
        b"http://127.0.0.1/jobs",
        b"*",
        b"",
        b"/jobs\xc0\xaf",
        b"/jobs\x00",
    ],
)
def test_a_path_that_may_mean_two_things_means_nothing(path: bytes) -> None:
    assert is_ambiguous(path)


@pytest.mark.parametrize(
    "path",
    [b"/", b"/recordings/0199-ab", b"/static/vendor/htmx.min.js", b"/%E4%B8%AD", b"/a..b/c.", b"/...", b"/x%20y"],
)
def test_a_plain_path_is_one(path: bytes) -> None:
    assert not is_ambiguous(path)
