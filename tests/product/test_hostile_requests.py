"""Requests made to exhaust the server: each is refused early, the others' go on, and its memory stays as it was."""

import gzip
import select
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.product.running import Server, processes_of, wait_until

MB = 1_000_000
MOST_GROWTH_BYTES = 100 * MB
EARLY_BYTES = 32 * MB
"""Of a refused gigabyte, what may be on its way before the reply: buffers on both sides of a fast connection."""
LEAST_ASKED = 10
TIMES = 10
"""Each attack is made so often, so that memory which is not given back is seen."""
BOUNDARY = "xxx"
A_FIELD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="text"\r\n\r\n'.encode()


@dataclass
class Others:
    """Honest people meanwhile: what they asked, and the most memory that the pages took."""

    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    grown_bytes: int = 0


def web_process(server: Server) -> psutil.Process:
    [pid] = [pid for pid, line in processes_of(server.home) if " web --host" in line]
    return psutil.Process(pid)


@contextmanager
def others_asking(server: Server) -> Iterator[Others]:
    """Somebody elsewhere opens a page and asks, again and again; nothing of that may fail."""
    others, over = Others(), threading.Event()
    process = web_process(server)
    before = process.memory_info().rss

    def ask() -> None:
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(base_url=server.address, transport=transport, timeout=30) as http:
            while not over.is_set():
                for act in (
                    lambda: http.get("/recordings"),
                    lambda: http.post("/api/v1/questions", json={"text": "What do I do when the alarm rings?"}),
                ):
                    began = time.monotonic()
                    others.statuses.append(act().status_code)
                    others.seconds.append(time.monotonic() - began)
                others.grown_bytes = max(others.grown_bytes, process.memory_info().rss - before)
                over.wait(0.2)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield others
    finally:
        wait_until(lambda: len(others.statuses) > LEAST_ASKED or not thread.is_alive(), timeout_s=60, what="others")
        over.set()
        thread.join()


def assert_unharmed(others: Others) -> None:
    assert set(others.statuses) == {200}
    assert statistics.median(others.seconds) < 2
    assert max(others.seconds) < 10
    assert others.grown_bytes < MOST_GROWTH_BYTES


def connected(server: Server, source: str = "127.0.0.3") -> socket.socket:
    at = urlsplit(server.address)
    return socket.create_connection((at.hostname, at.port), timeout=30, source_address=(source, 0))


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def program(path: str, kind: str, *headers: str) -> bytes:
    return head(path, f"Content-Type: {kind}", *headers)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def refused_after(server: Server, opening: bytes, body: Iterator[bytes]) -> tuple[int | None, int]:
    """The status that came while a body was still sent, and the bytes sent until then. None: the connection was
    closed on what was still on its way, before the reply could be read."""
    sent = 0
    with connected(server) as sock:
        try:
            sock.sendall(opening)
            for block in body:
                if select.select([sock], [], [], 0)[0]:
                    break
                sock.sendall(block)
                sent += len(block)
            said = sock.recv(65536)
        except ConnectionError:
            return None, sent
    return (int(said.split(b" ", 2)[1]) if said else None), sent


FORM = f"multipart/form-data; boundary={BOUNDARY}"
A_GIGABYTE = 10**9
CHUNKED = "Transfer-Encoding: chunked"
X_BLOCK = b"x" * 64_000
PARTS = b"".join(A_FIELD + b"x\r\n" for _ in range(1000))

ENDLESS: dict[str, tuple[bytes, Callable[[], Iterator[bytes]], set[int]]] = {
    "a field of 1 GB, declared": (
        program("/api/v1/questions", FORM, f"Content-Length: {A_GIGABYTE}"),
        lambda: chain([A_FIELD], repeat(X_BLOCK, 15_625)),
        {413},
    ),
    "a field of 1 GB in an upload, declared": (
        program("/api/v1/recordings", FORM, f"Content-Length: {A_GIGABYTE}"),
        lambda: chain([A_FIELD], repeat(X_BLOCK, 15_625)),
        {400},
    ),
    "a field of 1 GB, not declared": (
        program("/api/v1/recordings", FORM, CHUNKED),
        lambda: chain([chunk(A_FIELD)], repeat(chunk(X_BLOCK), 15_625)),
        {400},
    ),
    "a field's name of 1 GB": (
        program("/api/v1/recordings", FORM, CHUNKED),
        lambda: chain([chunk(A_FIELD[:-8])], repeat(chunk(X_BLOCK), 15_625)),
        {400},
    ),
    "a JSON document of 1 GB, declared": (
        program("/api/v1/questions", "application/json", f"Content-Length: {A_GIGABYTE}"),
        lambda: chain([b'{"text": "'], repeat(X_BLOCK, 15_625)),
        {413},
    ),
    "a JSON document of 1 GB, not declared": (
        program("/api/v1/questions", "application/json", CHUNKED),
        lambda: chain([chunk(b'{"text": "')], repeat(chunk(X_BLOCK), 15_625)),
        {400},
    ),
    "a million parts": (
        program("/api/v1/recordings", FORM, CHUNKED),
        lambda: repeat(chunk(PARTS), 1000),
        {400},
    ),
    "a voice of 1 GB, not declared": (
        program("/api/v1/questions", FORM, CHUNKED),
        lambda: chain(
            [chunk(A_FIELD.replace(b'"text"', b'"audio"; filename="a.wav"'))], repeat(chunk(X_BLOCK), 15_625)
        ),
        {413},
    ),
    "headers of 1 MB": (head("/", method="GET")[:-2] + b"X-A: ", lambda: repeat(b"a" * 10_000, 100), {431}),
    "a million headers": (head("/", method="GET")[:-2], lambda: repeat(b"X: a\r\n" * 1000, 1000), {431}),
    "an address of 1 MB": (b"GET /", lambda: repeat(b"a" * 10_000, 100), {431}),
    "a chunk of 1 TB that never says how long it is": (
        program("/api/v1/questions", "application/json", CHUNKED),
        lambda: repeat(b"0" * 10_000, 10_000),
        {400},
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_has_no_end_is_refused_before_it_comes(server: Server, name: str) -> None:
    opening, body, expected = ENDLESS[name]
    with others_asking(server) as others:
        results = [refused_after(server, opening, body()) for _ in range(TIMES)]

    assert {status for status, _ in results} <= {*expected, None}
    assert expected & {status for status, _ in results}
    assert max(sent for _, sent in results) < EARLY_BYTES
    assert_unharmed(others)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * 60_000,
        b'{"text":' * 7_000,
        b'{"text": ' + b"[" * 60_000,
        b'{"text": "' + b"\\u0000" * 10_000 + b'"}',
    ],
    ids=["100,000 deep", "60,000 deep", "objects", "in a field", "escapes"],
)
def test_a_document_is_no_labyrinth(server: Server, body: bytes) -> None:
    with others_asking(server) as others:
        replies = [
            httpx.post(f"{server.address}/api/v1/questions", content=body, headers={"content-type": "application/json"})
            for _ in range(TIMES)
        ]

    assert {reply.status_code for reply in replies} == {400}
    assert_unharmed(others)


def test_a_packed_gigabyte_is_never_unpacked(server: Server) -> None:
    packed = gzip.compress(b'{"text": "' + b"x" * 100 * MB)
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    with others_asking(server) as others:
        replies = [
            httpx.post(f"{server.address}/api/v1/questions", content=packed, headers=headers) for _ in range(TIMES)
        ]

    assert {reply.status_code for reply in replies} == {415}
    assert_unharmed(others)


@pytest.mark.parametrize(("ranges", "statuses"), [(10_000, {200, 431}), (2_000, {200})])
def test_several_ranges_are_the_whole_or_nothing(server: Server, ranges: int, statuses: set[int]) -> None:
    """A long header that comes in one piece is read; in pieces it is too long."""
    recording = server.http.get("/api/v1/recordings").json()["items"][0]["id"]
    wanted = "bytes=" + ",".join("0-1" for _ in range(ranges))
    said = set()
    with others_asking(server) as others:
        for _ in range(20):
            with connected(server) as sock:
                sock.sendall(head(f"/media/{recording}", f"Range: {wanted}", method="GET"))
                try:
                    said.add(int(sock.recv(65536).split(b" ", 2)[1]))
                except ConnectionError:
                    assert 431 in statuses  # closed on the rest of the header, before the reply could be read

    assert said <= statuses
    assert_unharmed(others)


@pytest.mark.slow
def test_hundreds_who_send_a_byte_at_a_time_are_given_up(server: Server) -> None:
    """Headers that never end, bodies that never come: 408 or closed within their time, everybody else served."""
    openings = [
        head("/", method="GET")[:-2] + b"X-A: ",
        program("/api/v1/questions", "application/json", "Content-Length: 60000"),
        program("/api/v1/questions", FORM, "Content-Length: 20000000"),
        program("/api/v1/recordings", FORM, "Content-Length: 20000000"),
        program("/v1/audio/transcriptions", FORM, "Content-Length: 20000000"),
    ]
    with others_asking(server) as others:
        held = [connected(server, f"127.0.1.{number % 5}") for number in range(300)]
        for number, sock in enumerate(held):
            sock.sendall(openings[number % len(openings)])
        began = time.monotonic()
        while held and time.monotonic() - began < 60:
            held = [sock for sock in held if still_held(sock)]
            time.sleep(0.5)

    assert not held
    assert_unharmed(others)


def still_held(sock: socket.socket) -> bool:
    """One byte more, where the other side still wants it."""
    try:
        if select.select([sock], [], [], 0)[0] and not sock.recv(65536):
            sock.close()
            return False
        sock.sendall(b"x")
    except ConnectionError:
        sock.close()
        return False
    return True


def test_nobody_comes_from_elsewhere_by_saying_so(server: Server) -> None:
    transport = httpx.HTTPTransport(local_address="127.0.0.7")
    with httpx.Client(base_url=server.address, transport=transport, headers={"origin": server.address}) as http:
        statuses = [
            http.post("/sign-in", headers={"x-forwarded-for": f"10.0.0.{number}"}).status_code for number in range(40)
        ]

    assert statuses[-1] == 429
    assert statuses.count(429) == 10
