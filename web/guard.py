"""The gate before every page: who may call, how much they may send, what the browser may do with the reply.

Without sign-in only pages of our own may reach Earmark: Host must be loopback (a name that was rebound to 127.0.0.1
is refused), unsafe methods must come from the same origin. Pure rules above, one ASGI middleware below. Knows no page.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROGRAM_PATHS = ("/api/", "/v1/")
"""Programs send neither Origin nor Sec-Fetch-Site; every browser sends one of them with an unsafe method."""
_LOOPBACK_HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\Z", re.IGNORECASE)

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    # With no-referrer a browser would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest bodies, in bytes: uploads of recordings, spoken questions, and everything else."""

    recording_bytes: int
    sound_bytes: int = 25_000_000
    other_bytes: int = 256_000

    def of(self, path: str) -> int:
        if path in ("/recordings", "/api/v1/recordings", "/v1/audio/transcriptions"):
            return self.recording_bytes
        if path in ("/ask", "/api/v1/questions"):
            return self.sound_bytes
        return self.other_bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    status: HTTPStatus
    detail: str
    way_out: str


class BodyTooLargeError(Exception):
    """Raised inside a request whose body went over its limit, declared or not."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"over {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


Refuse = Callable[[Scope, Refusal], ASGIApp]


def host_is_loopback(host: str | None) -> bool:
    return host is not None and _LOOPBACK_HOST.fullmatch(host) is not None


def is_same_origin(*, scheme: str, host: str, origin: str | None, fetch_site: str | None) -> bool | None:
    """Whether the headers say that one of our own pages sent this; None where they say nothing."""
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    if origin is not None:
        return origin.lower() == f"{scheme}://{host}".lower()
    return True if fetch_site is not None else None


def refusal_of(method: str, path: str, scheme: str, headers: Headers) -> Refusal | None:
    """Why this request is not let in, or None."""
    host = headers.get("host")
    if not host_is_loopback(host) or len(headers.getlist("host")) != 1:
        return Refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            "this server answers only on this machine's own address",
            "open it as http://127.0.0.1 or http://localhost",
        )
    if method in SAFE_METHODS:
        return None
    same = is_same_origin(
        scheme=scheme,
        host=host or "",
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
    )
    if same or (same is None and path.startswith(PROGRAM_PATHS)):
        return None
    return Refusal(
        HTTPStatus.FORBIDDEN,
        "the request does not come from one of Earmark's own pages",
        "open Earmark itself and try again there",
    )


class Guard:
    """ASGI middleware. `refuse` renders a refusal for people or programs."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits, refuse: Refuse) -> None:
        self._app = app
        self._limits = limits
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no web sockets here: closing unanswered refuses them
        headers = Headers(scope=scope)
        guarded = _with_security_headers(send, cache="no-cache" if scope["path"].startswith("/static/") else "no-store")
        refusal = refusal_of(scope["method"], scope["path"], scope["scheme"], headers)
        limit = self._limits.of(scope["path"])
        if refusal is None and _declared_length(headers) > limit:
            refusal = _too_large(limit)
        if refusal is not None:
            await self._refuse(scope, refusal)(scope, receive, guarded)
            return
        await self._app(scope, _counted(receive, limit), guarded)


def _too_large(limit: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"larger than the {limit / 1e6:,.1f} MB that are taken here",
        "send a shorter or more compressed file; an administrator can raise the limit for recordings",
    )


def _declared_length(headers: Headers) -> int:
    declared = headers.get("content-length", "0")
    return int(declared) if declared.isdecimal() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """The same body, stopped where it grows over the limit, whatever length was declared."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise BodyTooLargeError(limit)
        return message

    return counted


def _with_security_headers(send: Send, *, cache: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", cache)
        await send(message)

    return guarded
