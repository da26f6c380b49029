"""A real OpenID provider in a process of its own, and a browser whose person signs in there."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx

CALLBACK = "https://earmark.example/sign-in/callback"
PEOPLE = [
    {
        "sub": "ana",
        "name": "Ana Lima",
        "email": "ana@example.org",
        "realm_access": {"roles": ["earmark-admins", "staff"]},
        "groups": ["/nurses", "/ward 3"],
    },
    {"sub": "guest", "name": "A Guest"},
]


@contextmanager
def running_provider() -> Iterator[str]:
    """Its issuer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    people = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "-n", *people]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            httpx.get(f"{address}/jwks", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the provider does not start")


def brought_back(url: str, subject: str, **form: str) -> dict[str, str]:
    """A browser whose person signs in there."""
    answer = httpx.post(url, data={"sub": subject, **form}, trust_env=False)
    sent_to = urlsplit(answer.headers["Location"])
    assert f"{sent_to.scheme}://{sent_to.netloc}{sent_to.path}" == CALLBACK
    return dict(parse_qsl(sent_to.query))
