"""How the pages listen, by raw sockets on the real server: whom they believe, what they refuse, whom they let go."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse

from assistant.access.caller import SignIn
from assistant.errors import BadInput
from earmark.cli.serving import refuse_public_address
from earmark.listening import behind_proxies, listening
from earmark.settings import Settings, SettingsError, read_settings
from tests.product.running import wait_until
from tests.web.house import WebHouse, open_web_house
from web.app import create_app

pytestmark = pytest.mark.timed

PUBLIC = "https://earmark.example.com"


@contextmanager
def running(config: uvicorn.Config) -> Iterator[uvicorn.Server]:
    config.log_level = "critical"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_s=30, what="the server")
    yield server
    server.should_exit = True
    thread.join(10)


def port_of(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@pytest.fixture
def house(tmp_path: Path) -> Iterator[WebHouse]:
    opened = open_web_house(tmp_path)
    yield opened
    opened.database.close()


@pytest.fixture
def port(house: WebHouse) -> Iterator[int]:
    """The real pages as `earmark web` serves them."""
    with running(listening(create_app(house.services), Settings(home=house.folder, port=0))) as server:
        yield port_of(server)


def raw(port: int, request: bytes, *, wait_s: float = 10) -> bytes:
    """What comes back for exactly these bytes until the server closes, or hangs up on who still speaks."""
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=wait_s) as connection,
        suppress(ConnectionResetError, BrokenPipeError),
    ):
        connection.sendall(request)
        while part := connection.recv(65536):
            answer += part
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def get(port: int, target: bytes, *more: bytes) -> bytes:
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", *more]
    return raw(port, b"\r\n".join(lines) + b"\r\n\r\n")


@pytest.mark.parametrize(
    "trick",
    [
        "//media/{id}",
        "/media//{id}",
        "/x/../media/{id}",
        "/./media/{id}",
        "/%2e%2e/media/{id}",
        "/x/%2E%2e/media/{id}",
        "/media%2f{id}",
        "/media%2F{id}",
        "/media\\{id}",
        "/media%5c{id}",
        "/media/{id}%00",
        "/media/{id}/..",
        "/media/%2e/{id}",
        "/%6dedia%2f{id}",
        "/Media/{id}",
        "/MEDIA/{id}",
        "/media/{upper}",
        "/media/{id}%0a",
        "/media/{id}/",
        "/media/{id};x",
        "media/{id}",
        "http://127.0.0.1/media/{id}",
    ],
)
def test_no_trick_with_a_path_reaches_a_recording(house: WebHouse, port: int, trick: str) -> None:
    recording_id = house.add_recording()
    assert status_of(get(port, f"/media/{recording_id}".encode())) == 200

    answer = get(port, trick.format(id=recording_id, upper=recording_id.upper()).encode())

    assert status_of(answer) in (307, 400, 404)
    assert b"audio/mp4" not in answer


@pytest.mark.parametrize(
    "header", [b"Host: evil.example", b"Host: 127.0.0.1", b"X-Forwarded-Host: evil.example", b"Forwarded: host=evil"]
)
def test_a_host_is_said_once_and_by_its_own_header(port: int, header: bytes) -> None:
    answer = get(port, b"/jobs/", header)
    assert status_of(answer) == (307 if b"orwarded" in header else 400)
    assert b"evil" not in answer


@pytest.mark.parametrize("target", [b"/\x80", b"/ x", b"", b"/\xff%80", b"*"])
def test_no_broken_target_breaks_the_server(port: int, target: bytes) -> None:
    assert status_of(get(port, target)) in (400, 404)
    assert status_of(get(port, b"/healthz")) == 200


def test_an_upgrade_to_a_web_socket_is_not_made(port: int) -> None:
    asked = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    assert status_of(get(port, b"/ask", *asked, b"Sec-WebSocket-Version: 13")) != 101


@pytest.mark.parametrize("ranges", [7_000, 10_000, 100_000])
def test_ten_thousand_ranges_are_cheap(house: WebHouse, port: int, ranges: int) -> None:
    """They get the whole, once, or are longer than headers may be."""
    path = f"/media/{house.add_recording()}".encode()
    whole = get(port, path)
    many = b"Range: bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(0, 2 * ranges, 2))
    started = time.monotonic()

    answer = get(port, path, many)

    assert answer == b"" or status_of(answer) in (400, 431) or (status_of(answer), len(answer)) == (200, len(whole))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
def test_whose_headers_do_not_come_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr("web.slow_clients.HEADERS_WITHIN_S", 0.3)
    answer = raw(port, first, wait_s=5)
    assert answer == b"" or status_of(answer) == 408


def test_a_second_request_on_the_line_has_no_more_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.slow_clients.HEADERS_WITHIN_S", 0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"GET /healthz HT")
        started = time.monotonic()
        while connection.recv(65536):
            pass
    assert time.monotonic() - started < 3  # before a kept connection would be closed


async def whoever(scope: Any, receive: Any, send: Any) -> None:
    """Says as whom it was called."""
    request = Request(scope)
    client = request.client
    await JSONResponse({"scheme": request.url.scheme, "client": client.host if client else None})(scope, receive, send)


TOLD = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}


def called(settings: Settings, headers: dict[str, str] = TOLD) -> dict[str, str]:
    with running(listening(whoever, settings)) as server:
        found: dict[str, str] = httpx.get(f"http://127.0.0.1:{port_of(server)}/", headers=headers).json()
        return found


def test_nobody_is_believed_who_was_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert called(Settings(home=tmp_path, port=0)) == {"scheme": "http", "client": "127.0.0.1"}
    other = Settings(home=tmp_path, port=0, trusted_proxies="10.0.0.0/8")
    assert called(other) == {"scheme": "http", "client": "127.0.0.1"}


def test_a_named_proxy_is_believed_and_not_what_it_was_told(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=0, trusted_proxies="127.0.0.1, 10.0.0.0/8")
    assert called(settings) == {"scheme": "https", "client": "203.0.113.9"}
    forged = {"x-forwarded-for": "127.0.0.1, 198.51.100.7, 10.1.2.3", "x-forwarded-proto": "gopher"}
    assert called(settings, forged) == {"scheme": "http", "client": "198.51.100.7"}


def test_who_speaks_on_our_socket_is_a_proxy_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with running(listening(whoever, Settings(home=tmp_path), unix_socket=path)):
        transport = httpx.HTTPTransport(uds=str(path))
        with httpx.Client(transport=transport, base_url="http://localhost") as client:
            assert client.get("/", headers=TOLD).json() == {"scheme": "https", "client": "203.0.113.9"}
            forged = {**TOLD, "x-forwarded-for": "127.0.0.1, 198.51.100.7"}
            assert client.get("/", headers=forged).json()["client"] == "198.51.100.7"


def test_without_proxies_nothing_stands_between() -> None:
    assert behind_proxies(whoever, [], on_socket=False) is whoever


def settings(**values: Any) -> Settings:
    return Settings(home=Path("/nowhere"), **values)


TLS = {"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"host": "0.0.0.0"}, "nobody signs in"),
        ({"host": "0.0.0.0", "public_url": PUBLIC, **TLS}, "nobody signs in"),
        ({"public_url": PUBLIC, "trusted_proxies": "127.0.0.1"}, "nobody signs in"),
        ({"host": "0.0.0.0", "public_url": PUBLIC, "sign_in": SignIn.LOCAL}, "nothing encrypts"),
        ({"public_url": PUBLIC, "sign_in": SignIn.OIDC}, "nothing encrypts"),
        ({"host": "192.168.1.2", "sign_in": SignIn.LOCAL, **TLS}, "EARMARK_PUBLIC_URL"),
        ({"public_url": "http://earmark.example.com", "sign_in": SignIn.LOCAL, **TLS}, "in the clear"),
        ({"tls_key": Path("k.pem")}, "without a certificate"),
    ],
)
def test_an_unsafe_address_is_refused_at_the_start(values: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_public_address(settings(**values))
    assert said in f"{refused.value.detail} {refused.value.way_out}"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"host": "::1"},
        TLS,
        {"public_url": "http://localhost:8000"},
        {"sign_in": SignIn.LOCAL},
        {"sign_in": SignIn.LOCAL, "host": "0.0.0.0", "public_url": PUBLIC, **TLS},
        {"sign_in": SignIn.OIDC, "public_url": PUBLIC, "trusted_proxies": "127.0.0.1"},
    ],
)
def test_a_safe_address_is_not(values: dict[str, Any]) -> None:
    refuse_public_address(settings(**values))


def test_behind_a_socket_the_proxy_encrypts() -> None:
    refuse_public_address(settings(sign_in=SignIn.LOCAL, public_url=PUBLIC), on_socket=True)
    with pytest.raises(BadInput, match="nobody signs in"):
        refuse_public_address(settings(public_url=PUBLIC), on_socket=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "earmark.example.com"),
        ("public_url", "https://earmark.example.com/earmark"),
        ("public_url", "ftp://earmark.example.com"),
        ("trusted_proxies", "*"),
        ("trusted_proxies", "nginx"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("frame_ancestors", "https://a.example; script-src *"),
    ],
)
def test_a_setting_that_would_open_more_than_it_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"EARMARK_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"setting {name}"):
        read_settings({"home": tmp_path})
