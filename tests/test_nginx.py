"""What ships for nginx, run by a real one before the real pages: TLS, whom it speaks for, and that it opens nothing."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
import uvicorn

from earmark.certificates import LocalFiles, certify, reached_by
from earmark.cli.serving import free_port
from earmark.listening import AsgiApplication, listening
from earmark.settings import Settings
from tests.earmark.test_listening import whoever
from tests.product.running import wait_until
from tests.web.house import WebHouse, open_web_house
from web.app import create_app
from web.guard import Gate
from web.origins import read_origin

DEPLOY = Path(__file__).parent.parent / "deploy"
NAME = "training.example"
pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing: apt-get install nginx-light")


@dataclass(frozen=True, slots=True)
class Site:
    files: LocalFiles
    http_port: int
    https_port: int

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.files.authority)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """By its name, as a browser that has the authority."""
        told = {"host": NAME, **headers}
        url = f"https://127.0.0.1:{self.https_port}{path}"
        return httpx.get(url, headers=told, verify=self.trust)

    def raw(self, target: str) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", self.https_port), timeout=10) as plain,
            self.trust.wrap_socket(plain, server_hostname=NAME) as line,
        ):
            line.sendall(f"GET {target} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := line.recv(65536):
                answer += part
            return answer


@contextmanager
def before(application: AsgiApplication) -> Iterator[Site]:
    """The TLS site as it ships, with places and ports of a test's own. A short folder, for a socket."""
    with TemporaryDirectory(prefix="earmark-nginx-") as name:
        folder = Path(name)
        files = LocalFiles(folder)
        named = reached_by([NAME], [])
        certify(files, asked=named, usual=named, days=30, force=False, now=datetime.now(UTC))
        site = Site(files, free_port("127.0.0.1"), free_port("127.0.0.1"))
        for each in ("nginx.conf", "pages.conf", "site-tls.conf"):
            (folder / each.replace("-tls", "")).write_text(_here((DEPLOY / each).read_text(encoding="utf-8"), site))
        with _pages(application, folder / "web.sock"), _nginx(folder):
            wait_until(lambda: _listens(site.https_port), timeout_s=10, what="nginx")
            yield site


def _here(text: str, site: Site) -> str:
    text = re.sub(r"(?<= )/tmp/", f"{site.files.home}/", text)
    text = text.replace("/run/earmark/", f"{site.files.home}/").replace("/etc/earmark-tls/", f"{site.files.folder}/")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{site.http_port}")
    return text.replace("listen 8443", f"listen 127.0.0.1:{site.https_port}")


@contextmanager
def _pages(application: AsgiApplication, path: Path) -> Iterator[None]:
    config = listening(application, Settings(home=path.parent), unix_socket=path)
    config.log_level = "critical"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_s=30, what="the pages")
    yield
    server.should_exit = True
    thread.join(10)


@contextmanager
def _nginx(folder: Path) -> Iterator[None]:
    also = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", also])
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[WebHouse]:
    opened = open_web_house(tmp_path)
    yield opened
    opened.database.close()


@pytest.fixture
def site(house: WebHouse) -> Iterator[Site]:
    services = replace(house.services, gate=Gate(public=read_origin(f"https://{NAME}")))
    with before(create_app(services)) as opened:
        yield opened


def test_the_pages_come_by_https_and_http_leads_there(site: Site) -> None:
    reply = site.get("/healthz")
    assert reply.status_code == 200
    assert reply.headers["strict-transport-security"]
    led = httpx.get(f"http://127.0.0.1:{site.http_port}/jobs?x=1", headers={"host": NAME})
    assert (led.status_code, led.headers["location"]) == (308, f"https://{NAME}/jobs?x=1")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "other.example"])
def test_no_other_name_is_answered_to_those_outside(site: Site, host: str) -> None:
    assert site.get("/", host=host).status_code == 421


def test_only_nginx_says_who_calls() -> None:
    forged = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http", "forwarded": "for=203.0.113.9"}
    with before(whoever) as opened:
        assert opened.get("/", **forged).json() == {"scheme": "https", "client": "127.0.0.1"}


def test_a_player_gets_its_parts(site: Site, house: WebHouse) -> None:
    recording_id = house.add_recording(duration_s=120)
    part = site.get(f"/media/{recording_id}", range="bytes=0-")
    assert part.status_code == 206
    size = int(part.headers["content-range"].partition("/")[2])
    assert len(part.content) <= size / 4


@pytest.mark.parametrize(
    "trick", ["//media/{id}", "/x/../media/{id}", "/%2e%2e/media/{id}", "/media%2f{id}", "/media\\{id}", "/Media/{id}"]
)
def test_no_trick_with_a_path_gets_through(site: Site, house: WebHouse, trick: str) -> None:
    answer = site.raw(trick.format(id=house.add_recording()))
    assert answer.split(b" ")[1] in (b"400", b"404")
