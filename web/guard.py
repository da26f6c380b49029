"""The gate before every page: who may call, how much they may send, what the browser may do with the reply.

Host must be loopback or the address that an admin named (a name that was rebound to this machine is refused), unsafe
methods must come from the same origin, a path means one thing only. Pure rules above, one ASGI middleware below.
Knows no page.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.origins import Origin, origin_of, read_origin

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROGRAM_PATHS = ("/api/", "/v1/", "/sign-in/backchannel")
"""Programs send neither Origin nor Sec-Fetch-Site; every browser sends one of them with an unsafe method."""
_log = structlog.get_logger()
_AMBIGUOUS_PATH = re.compile(rb"[^!-~]|\\|//|%(?:2e|2f|5c|25|0[0-9a-f]|1[0-9a-f]|7f)|/\.\.?(?:/|\Z)", re.IGNORECASE)
"""What a proxy and a router may read differently. No path of ours holds a dot segment, an encoded separator or dot, an
encoded percent sign or a control character."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
NO_FRAMES = "'none'"
HTTPS_FOR_A_YEAR = "max-age=31536000"
SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # With no-referrer a browser would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
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


class CutOffError(Exception):
    """Raised inside a reply that has begun and must not go on: the connection ends, nobody takes a part for all."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What an admin opens. `public`: the origin that people open besides loopback, only where they sign in.
    `frame_ancestors`: who may show the pages in a frame, as the content policy writes it."""

    public: Origin | None = None
    frame_ancestors: str = NO_FRAMES

    def admits(self, asked: Origin) -> bool:
        """The name alone counts: behind a proxy the port may be another than people see."""
        return asked.is_loopback or (self.public is not None and asked.host == self.public.host)

    def refusal_of(self, scope: Scope) -> Refusal | None:
        """Why this request is not let in, or None."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        asked = origin_of(scope["scheme"], hosts[0]) if len(hosts) == 1 else None
        if asked is None or not self.admits(asked):
            return self._wrong_host()
        if is_ambiguous(raw_path_of(scope)):
            return Refusal(HTTPStatus.NOT_FOUND, "there is no such page", "start from the first page")
        return None if self._is_ours(scope, headers, asked) else _FOREIGN

    def _is_ours(self, scope: Scope, headers: Headers, asked: Origin) -> bool:
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
        if len(origins) > 1 or len(sites) > 1:
            return False
        own = origins == [] or self._is_own(origins[0], asked)
        if scope["method"] in SAFE_METHODS:
            # A page that is merely opened from elsewhere is; what a foreign script asks for (a stream too) is not.
            return own or headers.get("sec-fetch-mode") == "navigate"
        if not own or sites not in ([], ["same-origin"]):
            return False
        return bool(origins or sites) or scope["path"].startswith(PROGRAM_PATHS)

    def _is_own(self, origin: str, asked: Origin) -> bool:
        try:
            return read_origin(origin) in (asked, self.public)
        except ValueError:
            return False

    def _wrong_host(self) -> Refusal:
        here = str(self.public) if self.public is not None else "http://127.0.0.1 or http://localhost"
        detail = "this server does not answer to the name that was asked for"
        return Refusal(HTTPStatus.MISDIRECTED_REQUEST, detail, f"open it as {here}")

    def headers_for(self, scope: Scope) -> Mapping[str, str]:
        """What every reply tells the browser. HTTPS is insisted on only where it was there, and never for loopback:
        other programs of the person's machine speak HTTP there."""
        headers = {
            "content-security-policy": f"{CONTENT_POLICY}; frame-ancestors {self.frame_ancestors}",
            **SECURITY_HEADERS,
        }
        if self.frame_ancestors == NO_FRAMES:
            headers["x-frame-options"] = "DENY"
        asked = origin_of(scope["scheme"], Headers(scope=scope).get("host", ""))
        if asked is not None and asked.scheme == "https" and not asked.is_loopback:
            headers["strict-transport-security"] = HTTPS_FOR_A_YEAR
        return headers


LOOPBACK_ALONE = Gate()
_FOREIGN = Refusal(
    HTTPStatus.FORBIDDEN,
    "the request does not come from one of Earmark's own pages",
    "open Earmark itself and try again there",
)
Refuse = Callable[[Scope, Refusal], ASGIApp]


def raw_path_of(scope: Scope) -> bytes:
    """The path as it was sent, before anything in it was decoded."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else scope["path"].encode()


def is_ambiguous(raw_path: bytes) -> bool:
    return not raw_path.startswith(b"/") or _AMBIGUOUS_PATH.search(raw_path) is not None


class Guard:
    """ASGI middleware. `refuse` renders a refusal for people or programs."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits, refuse: Refuse, gate: Gate) -> None:
        self._app = app
        self._limits = limits
        self._refuse = refuse
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there are no web sockets here
            return
        bound = self._gate.headers_for(scope)
        cache = "no-cache" if scope["path"].startswith("/static/") else "no-store"
        guarded = _with_security_headers(send, bound, cache=cache)
        refusal = self._gate.refusal_of(scope)
        limit = self._limits.of(scope["path"])
        if refusal is None and _declared_length(Headers(scope=scope)) > limit:
            refusal = _too_large(limit)
        if refusal is not None:
            await self._refuse(scope, refusal)(scope, receive, guarded)
            return
        try:
            await self._app(scope, _counted(receive, limit), guarded)
        except CutOffError as error:
            _log.info("reply cut off", reason=str(error))


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


def _with_security_headers(send: Send, bound: Mapping[str, str], *, cache: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in bound.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", cache)
        await send(message)

    return guarded
