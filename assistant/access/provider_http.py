"""Speaks HTTP to a provider, warily: no redirect is followed, and neither size nor patience is without end."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from assistant.access.errors import ProviderDown

CONNECT_S = 3.0
READ_S = 5.0
TOTAL_S = 10.0
LARGEST_BYTES = 1_000_000


class ProviderHttp:
    """Safe to call from several threads. Raises ProviderDown for whatever the network does."""

    def __init__(self, *, read_s: float = READ_S, total_s: float = TOTAL_S) -> None:
        self._total_s = total_s
        # A company's own authority is known to its system's store (or SSL_CERT_FILE), not to the bundled one.
        trusted = httpx.create_ssl_context(trust_env=False)
        trusted.load_default_certs()
        self._http = httpx.Client(
            # A packed answer could grow without end while it is unpacked.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(read_s, connect=CONNECT_S),
            verify=trusted,
            follow_redirects=False,
            trust_env=False,  # a secret and tokens go through no proxy, and no .netrc adds to them
        )

    def close(self) -> None:
        self._http.close()

    def get_object(self, url: str, *, bearer: str | None = None) -> dict[str, Any]:
        """The JSON object there."""
        response = self._send("GET", url, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        if not response.is_success:
            raise ProviderDown(f"{without_query(url)}: answers {response.status_code}")
        return object_in(url, response.content)

    def post_form(self, url: str, *, form: str, headers: Mapping[str, str]) -> httpx.Response:
        """The answer, read whole, whatever its status. `form`: URL-encoded."""
        return self._send("POST", url, headers=headers, content=form)

    def _send(self, method: str, url: str, *, headers: Mapping[str, str], content: str | None = None) -> httpx.Response:
        shown = without_query(url)
        ends = time.monotonic() + self._total_s
        try:
            with self._http.stream(method, url, headers=dict(headers), content=content) as response:
                if response.is_redirect:
                    raise ProviderDown(f"{shown}: sends us elsewhere instead of answering")
                body = self._body(shown, response, ends)
        except httpx.TimeoutException as error:
            raise ProviderDown(f"{shown}: does not answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderDown(f"{shown}: cannot be reached: {error}") from error
        return httpx.Response(response.status_code, content=body, request=response.request)

    def _body(self, shown: str, response: httpx.Response, ends: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise ProviderDown(f"{shown}: answers with over {LARGEST_BYTES} bytes")
            if time.monotonic() > ends:
                raise ProviderDown(f"{shown}: does not come to an end of its answer")
        return bytes(body)


def object_in(url: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProviderDown(f"{without_query(url)}: answers no JSON") from error
    if not isinstance(document, dict):
        raise ProviderDown(f"{without_query(url)}: answers no JSON object")
    return document


def without_query(url: str) -> str:
    """For logs: what is asked may hold a secret, the address does not."""
    return url.partition("?")[0]
