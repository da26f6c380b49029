"""Who asks, found out once a request: by the session in a cookie, by a token, or nobody in particular where nobody
signs in. Then the same for everything behind: `visitor_of(request)`.

A browser without a session has a random token of its own, so that its forms are its own, and, where nobody signs in,
its questions are shown to nobody else.
"""

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.access import sessions, tokens
from assistant.access.caller import HERE, Caller, SignIn, Way
from assistant.access.policy import Action, may
from assistant.access.sessions import SessionLimits
from assistant.access.signing_in import end_where_spent
from knowledge.database import Database, utc_now
from knowledge.errors import KnowledgeError

BROWSER_COOKIE = "earmark_asker"
SESSION_COOKIE = "__Host-earmark_session"
"""Browsers take a cookie of this name only from the host itself, over a secure connection or on loopback."""
FORM_TOKEN_HEADER = "x-csrf-token"  # noqa: S105
FORM_TOKEN_FIELD = "form_token"  # noqa: S105
PROGRAM_PATHS = ("/api/", "/v1/", "/metrics")
TOKEN_PATHS = (*PROGRAM_PATHS, "/media/")
"""Where a token is taken: what programs ask for, and the sound that their documents lead to."""
_A_YEAR_S = 365 * 24 * 3600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_BEARER = re.compile(r"Bearer +([A-Za-z0-9_-]{1,200})\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Visitor:
    """`caller`: None for somebody who has not signed in. `browser`: the browser's own token; empty for programs.

    `form_token`: what a form of ours brings back; empty where forms are not checked.
    """

    caller: Caller | None
    browser: str
    form_token: str
    sign_in: SignIn = SignIn.NONE

    @property
    def forms_are_checked(self) -> bool:
        """Not where nobody signs in, for there is no session to ride on, and not for tokens, which no browser sends
        by itself."""
        return self.sign_in is not SignIn.NONE and (self.caller is None or self.caller.way is not Way.TOKEN)

    @property
    def asker(self) -> str | None:
        """Whose questions these are: the person's, else the browser's."""
        if self.caller is not None and self.caller.person_id is not None:
            return self.caller.person_id
        return self.browser or None

    @property
    def mark(self) -> str:
        """By which a page knows what this browser keeps of somebody else. Tells nobody who it is."""
        return hashlib.sha256(f"mark {self.asker or ''}".encode()).hexdigest()[:16]

    def may(self, action: str) -> bool:
        """For pages: whether there is anything behind a link."""
        return self.caller is not None and may(self.caller, Action(action))


NOBODY = Visitor(None, "", "")


def visitor_of(request: Request) -> Visitor:
    visitor: Visitor = getattr(request.state, "visitor", NOBODY)
    return visitor


def person_in(scope: Scope) -> str | None:
    """Who a session or a token proves to be there."""
    visitor: Visitor = scope.get("state", {}).get("visitor", NOBODY)
    return visitor.caller.person_id if visitor.caller is not None else None


def caller_of(request: Request) -> Caller:
    """Behind a rule that lets only the known in there always is one."""
    caller = visitor_of(request).caller
    assert caller is not None
    return caller


def caller_now(request: Request) -> Caller | None:
    """For what takes longer than a request should: the caller as of now, None where session or token are over."""
    recognition: Recognition = request.app.state.recognition
    still = recognition.still(visitor_of(request))
    return None if still is None else still.caller


def address_of(request: Request) -> str:
    """Who takes turns where nobody is known: all who come from one address share theirs. Kept nowhere."""
    return f"address {request.client.host if request.client else ''}"


def turn_of(request: Request) -> str:
    """Who takes turns with others at the engine."""
    visitor = visitor_of(request)
    if visitor.caller is not None and visitor.caller.person_id is not None:
        return visitor.caller.person_id
    return _browser_in(request.cookies.get(BROWSER_COOKIE, "")) or address_of(request)


def remember_session(response: Response, secret: str) -> None:
    """Gone with the browser's end; how long it is good at most the server knows."""
    response.set_cookie(SESSION_COOKIE, secret, httponly=True, secure=True, samesite="lax", path="/")


def forget_session(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, httponly=True, secure=True, samesite="lax", path="/")


def new_browser() -> str:
    return secrets.token_urlsafe(32)


def form_token_is(visitor: Visitor, given: str) -> bool:
    return bool(given) and hmac.compare_digest(given.encode(), visitor.form_token.encode())


def is_program_path(path: str) -> bool:
    return path.startswith(PROGRAM_PATHS) and path != "/api/docs"


class Recognition:
    """Who comes with these headers. Safe to call from several threads."""

    def __init__(
        self,
        database: Database,
        *,
        sign_in: SignIn,
        limits: SessionLimits = SessionLimits(),
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._database = database
        self._sign_in = sign_in
        self._limits = limits
        self._now = now

    def visitor(self, headers: Headers, *, path: str, rotate: bool) -> tuple[Visitor, str | None]:
        """The visitor, and a session's new secret where it is time for one and `rotate` lets it."""
        cookies = _cookies(headers)
        browser = _browser_in(cookies.get(BROWSER_COOKIE, "")) or new_browser()
        if self._sign_in is SignIn.NONE:
            return Visitor(HERE, browser, "", self._sign_in), None
        unknown = Visitor(None, browser, _form_token(browser), self._sign_in)
        bearer = _BEARER.fullmatch(headers.get("authorization", ""))
        if "authorization" in headers and path.startswith(TOKEN_PATHS) and path != "/api/docs":
            return (self._program(bearer[1]) if bearer else None) or unknown, None
        secret = cookies.get(SESSION_COOKIE, "")
        if not _SECRET.fullmatch(secret):
            return unknown, None
        return self._person(secret, unknown, rotate=rotate)

    def still(self, visitor: Visitor) -> Visitor | None:
        """The visitor as of now: None where the session or token is over; for what takes long."""
        caller = visitor.caller
        if caller is None or caller.way is Way.HERE:
            return visitor
        with self._database.read() as session:
            known = (
                sessions.by_id(session, caller.way_id, limits=self._limits, now=self._now())
                if caller.way is Way.SESSION
                else tokens.by_id(session, caller.way_id, now=self._now())
            )
        return None if known is None else replace(visitor, caller=known)

    def _program(self, secret: str) -> Visitor | None:
        now = self._now()
        with self._database.read() as session:
            seen = tokens.seen(session, secret, now=now)
        if seen is None:
            return None
        if seen.note_due:
            with self._database.write() as session:
                tokens.note_seen(session, seen.caller.way_id, now=now)
        return Visitor(seen.caller, "", "", self._sign_in)

    def _person(self, secret: str, unknown: Visitor, *, rotate: bool) -> tuple[Visitor, str | None]:
        now = self._now()
        with self._database.read() as session:
            seen = sessions.seen(session, secret, limits=self._limits, now=now)
        if seen is None:
            end_where_spent(self._database, secret, now=now)
            return unknown, None
        fresh = None
        if seen.rotation_due and rotate:
            with self._database.write() as session:
                fresh = sessions.rotate(session, seen.id, secret, now=now)
        elif seen.note_due:
            with self._database.write() as session:
                sessions.note_seen(session, seen.id, now=now)
        return replace(unknown, caller=seen.caller, form_token=seen.form_token), fresh


class Recognised:
    """ASGI middleware: puts the visitor into the request's state, and cookies that are due into the reply.

    `failed`: the reply where the database does not answer.
    """

    def __init__(
        self, app: ASGIApp, *, recognition: Recognition, failed: Callable[[Request, Exception], Response]
    ) -> None:
        self._app = app
        self._recognition = recognition
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_page = not is_program_path(scope["path"])
        try:
            visitor, fresh = await run_in_threadpool(
                self._recognition.visitor, headers, path=scope["path"], rotate=is_page and scope["method"] == "GET"
            )
        except (KnowledgeError, SQLAlchemyError) as error:
            await self._failed(Request(scope), error)(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        cookies = Response()
        if fresh is not None:
            remember_session(cookies, fresh)
        if is_page and visitor.browser and visitor.browser != _cookies(headers).get(BROWSER_COOKIE):
            _remember_browser(cookies, visitor.browser, secure=scope["scheme"] == "https")
        await self._app(
            scope, receive, _with_cookies(send, cookies, vary="Cookie" if is_page else "Cookie, Authorization")
        )


def _with_cookies(send: Send, cookies: Response, *, vary: str) -> Send:
    """`vary`: by what whoever asks was known; said once, for whatever keeps replies on the way."""
    due = [value for name, value in cookies.raw_headers if name == b"set-cookie"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if "cookie" not in headers.get("vary", "").lower():
                headers.add_vary_header(vary)
            set_already = " ".join(headers.getlist("set-cookie"))
            for value in due:
                text = value.decode("latin-1")
                if text.split("=", 1)[0] + "=" not in set_already:  # who signs in now has a newer one
                    headers.append("set-cookie", text)
        await send(message)

    return sending


def _remember_browser(response: Response, browser: str, *, secure: bool) -> None:
    response.set_cookie(
        BROWSER_COOKIE, browser, max_age=_A_YEAR_S, httponly=True, secure=secure, samesite="lax", path="/"
    )


def _cookies(headers: Headers) -> dict[str, str]:
    """The first of each name: a second one of the same name was put there by somebody else."""
    found: dict[str, str] = {}
    for part in headers.get("cookie", "").split(";"):
        try:
            parsed = SimpleCookie(part.strip())
        except CookieError:
            continue
        for name, morsel in parsed.items():
            found.setdefault(name, morsel.value)
    return found


def _browser_in(value: str) -> str | None:
    return value if _SECRET.fullmatch(value) else None


def _form_token(browser: str) -> str:
    """Of a browser without a session: whoever cannot read its cookie cannot make it."""
    digest = hmac.new(browser.encode(), b"earmark form", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
