"""A byte now and then holds nothing for long: the app over a real socket, with the product's own protocol."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPResponse

import httpx
import pytest

from tests.product.running import wait_until
from tests.web.house import WebHouse
from tests.web.serving import serving
from web import slow_clients
from web.limits import RateLimits
from web.slow_clients import Pace

pytestmark = pytest.mark.timed

QUICK = Pace(grace_s=0.5, least_bytes_a_s=1000.0, longest_s=1.0)


@pytest.mark.parametrize(
    ("received", "recording", "allowed_s"),
    [(0, True, 20.0), (0, False, 20.0), (10_000, False, 30.0), (10_000_000, False, 60.0), (10_000_000, True, 10_020.0)],
)
def test_a_body_has_the_time_its_bytes_earn(received: int, recording: bool, allowed_s: float) -> None:
    assert Pace().allowed_s(received, recording=recording) == allowed_s


@pytest.fixture
def address(house: WebHouse) -> Iterator[tuple[str, int]]:
    house.services = replace(house.services, limits=RateLimits(pace=QUICK))
    with serving(house) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


def connected(address: tuple[str, int], opening: bytes) -> socket.socket:
    made = socket.create_connection(address, timeout=20)
    made.sendall(opening)
    return made


def head(path: str, length: int, kind: str = "application/json", method: str = "POST") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def status_in(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def dripped(sock: socket.socket, data: bytes, pause_s: float) -> tuple[bytes, float]:
    """The reply to a body that comes a byte at a time, and the seconds until it came."""
    began = time.monotonic()
    sock.settimeout(pause_s)
    for at in range(len(data)):
        sock.sendall(data[at : at + 1])
        try:
            return sock.recv(65536), time.monotonic() - began
        except TimeoutError:
            continue
    raise AssertionError("the whole body was taken")


@pytest.mark.parametrize("path", ["/api/v1/questions", "/ask", "/recordings", "/v1/audio/transcriptions", "/language"])
def test_a_body_that_drips_is_given_up(address: tuple[str, int], house: WebHouse, path: str) -> None:
    kind = "application/json" if path == "/api/v1/questions" else "multipart/form-data; boundary=x"
    with connected(address, head(path, 10_000, kind)) as sock:
        said, after_s = dripped(sock, b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"x" * 99, 0.05)

    assert status_in(said) == 408
    assert 0.4 < after_s < 3
    uploads = house.services.home / "run" / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


def test_a_body_that_never_begins_is_given_up(address: tuple[str, int]) -> None:
    with connected(address, head("/api/v1/questions", 100)) as sock:
        assert status_in(sock.recv(65536)) == 408


def test_a_question_in_two_halves_is_answered(address: tuple[str, int]) -> None:
    body = b'{"text": "near miss"}'
    with connected(address, head("/api/v1/questions", len(body))) as sock:
        sock.sendall(body[:5])
        time.sleep(0.3)
        sock.sendall(body[5:])
        assert status_in(sock.recv(65536)) == 200


def test_headers_that_drip_are_given_up(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.5)
    with connected(address, b"GET /healthz HTTP/1.1\r\n") as sock:
        said, after_s = dripped(sock, b"X-A: " + b"a" * 99, 0.05)
    assert status_in(said) == 408
    assert 0.4 < after_s < 3


def test_headers_of_the_second_request_are_not_waited_for_longer(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.5)
    with connected(address, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as sock:
        first = HTTPResponse(sock)
        first.begin()
        assert (first.status, first.read()[:1]) == (200, b"{")
        said, _ = dripped(sock, b"GET /healthz HTTP/1.1\r\nX-A: " + b"a" * 99, 0.05)
    assert status_in(said) == 408


def test_a_connection_that_says_nothing_is_closed(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.3)
    with connected(address, b"") as sock:
        assert sock.recv(1) == b""


def test_an_answer_that_takes_long_is_waited_for(
    address: tuple[str, int], house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "HEADERS_WITHIN_S", 0.3)
    real = house.asking.text

    def slowly(*given: object, **more: object) -> object:
        time.sleep(1.5)
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(house.asking, "text", slowly)
    host, port = address
    assert httpx.post(f"http://{host}:{port}/api/v1/questions", json={"text": "near miss"}).status_code == 200


def test_one_address_cannot_take_every_connection(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS_OF_ONE", 5)
    held = [connected(address, b"GET / HT") for _ in range(5)]
    try:
        with connected(address, b"") as sock:
            assert sock.recv(1) == b""
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=elsewhere) as other:
            assert other.get(f"http://{address[0]}:{address[1]}/healthz").status_code == 200
    finally:
        for sock in held:
            sock.close()

    def taken_again() -> bool:
        try:
            return httpx.get(f"http://{address[0]}:{address[1]}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(taken_again, timeout_s=5, what="connections given back")


@pytest.mark.parametrize(
    "opening", [b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100_000, b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 20_000]
)
def test_headers_without_end_are_refused(address: tuple[str, int], opening: bytes) -> None:
    with connected(address, b"") as sock:
        try:
            sock.sendall(opening)
            assert status_in(sock.recv(65536)) == 431
        except ConnectionError:
            pass  # closed while more was sent, before the reply was read
    host, port = address
    assert httpx.get(f"http://{host}:{port}/healthz").status_code == 200


def test_what_is_no_http_is_a_bad_request(address: tuple[str, int]) -> None:
    with connected(address, b"HELO earmark\r\n\r\n") as sock:
        assert status_in(sock.recv(65536)) == 400


def test_a_packed_body_is_refused(address: tuple[str, int]) -> None:
    host, port = address
    for path, kind in (
        ("/api/v1/questions", "application/json"),
        ("/api/v1/recordings", "multipart/form-data; boundary=x"),
    ):
        reply = httpx.post(
            f"http://{host}:{port}{path}",
            content=b"\x1f\x8b",
            headers={"content-encoding": "gzip", "content-type": kind},
        )
        assert reply.status_code == 415
        assert reply.json()["type"] == "urn:earmark:problem:body-encoded"
