"""Over TLS for real: who has the building's authority believes the server, and Chromium gives it a microphone."""

import asyncio
import base64
import hashlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Playwright

from earmark.certificates import LocalFiles, certify, reached_by
from earmark.listening import listening
from earmark.settings import Settings
from tests.browser.conftest import chromium
from tests.product.running import wait_until
from tests.web.house import WebHouse, open_web_house
from web.app import create_app
from web.guard import Gate
from web.origins import read_origin

pytestmark = pytest.mark.browser
NAME = "training.office.example"
ASKS = """async () => {
  if (!navigator.mediaDevices) return "no microphone for this page";
  return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0].readyState;
}"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[WebHouse]:
    opened = open_web_house(tmp_path)
    yield opened
    opened.database.close()


@pytest.fixture
def port(house: WebHouse) -> Iterator[int]:
    files = LocalFiles(house.folder)
    named = reached_by([NAME], [])
    certify(files, asked=named, usual=named, days=30, force=False, now=datetime.now(UTC))
    settings = Settings(home=house.folder, port=0, tls_cert=files.certificate, tls_key=files.key)
    services = replace(house.services, gate=Gate(public=read_origin(f"https://{NAME}")))
    server = uvicorn.Server(listening(create_app(services), settings))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_s=30, what="the server")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def test_who_has_the_authority_is_served(house: WebHouse, port: int) -> None:
    context = ssl.create_default_context(cafile=LocalFiles(house.folder).authority)
    reply = httpx.get(f"https://localhost:{port}/healthz", verify=context)
    assert reply.status_code == 200
    assert "strict-transport-security" not in reply.headers
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://localhost:{port}/healthz")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://localhost:{port}/healthz")


def test_chromium_gives_it_a_microphone(house: WebHouse, port: int, playwright: Playwright) -> None:
    certificate = x509.load_pem_x509_certificate(LocalFiles(house.folder).certificate.read_bytes())
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    arguments = [
        "--no-sandbox",
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
        # Believed for its key, as if the authority were installed: Chromium's own store is the machine's.
        f"--ignore-certificate-errors-spki-list={pin}",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
    try:
        page = browser.new_page()
        reply = page.goto(f"https://{NAME}:{port}/")
        assert reply is not None
        assert reply.headers["strict-transport-security"]
        assert page.evaluate("window.isSecureContext")
        assert page.evaluate(ASKS) == "live"
    finally:
        browser.close()
