"""The one place where errors become replies: a readable page for people, RFC 9457 for programs."""

from http import HTTPStatus
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from assistant.audit.event import AuditAction, AuditEvent, Outcome
from assistant.audit.log import append
from assistant.errors import (
    BadInput,
    BadMedia,
    Busy,
    Cancelled,
    Conflict,
    DiskFull,
    EarmarkError,
    Forbidden,
    NotFound,
    PartDown,
    SignInNeeded,
    SignInRefused,
    UnknownLanguage,
)
from knowledge.errors import DatabaseFull, KnowledgeError, RecordingGone
from web.guard import BodyTooLargeError, Refusal
from web.limits import Refused, retry_after
from web.render import is_partial, render
from web.rules import NOT_HERE, told_route
from web.slow_clients import CAME_TOO_SLOWLY, BodyTooSlowError
from web.uploads import BodyEncoded
from web.visitors import is_program_path, visitor_of

STATUS_OF: tuple[tuple[type[EarmarkError], HTTPStatus], ...] = (
    (SignInNeeded, HTTPStatus.UNAUTHORIZED),
    (SignInRefused, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (PartDown, HTTPStatus.SERVICE_UNAVAILABLE),
    (BodyEncoded, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (BadMedia, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnknownLanguage, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (Conflict, HTTPStatus.CONFLICT),
    (Cancelled, HTTPStatus.CONFLICT),
)
_log = structlog.get_logger()


class Gone(NotFound):
    """Was here, and those who ask had access to it."""

    kind = "gone"


def install(app: FastAPI) -> None:
    app.add_exception_handler(EarmarkError, _earmark_error)
    app.add_exception_handler(KnowledgeError, _knowledge_error)
    app.add_exception_handler(DataError, _not_storable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(BodyTooLargeError, _too_large)
    app.add_exception_handler(BodyTooSlowError, _too_slow)
    app.add_exception_handler(ClientDisconnect, _went_away)
    app.add_exception_handler(Exception, _unexpected)


def refusal_reply(scope: Scope, refusal: Refusal) -> ASGIApp:
    """What the guard sends where it lets nobody in. The page is plain: it must not depend on anything behind it."""
    request = Request(scope)
    if for_programs(request):
        return _problem(request, refusal.status, "refused", refusal.detail, refusal.way_out)
    text = f"{refusal.detail[0].upper()}{refusal.detail[1:]}. {refusal.way_out[0].upper()}{refusal.way_out[1:]}.\n"
    return Response(text, status_code=refusal.status, media_type="text/plain; charset=utf-8")


async def too_often_reply(scope: Scope, refused: Refused) -> ASGIApp:
    """429 with the seconds until the same would be taken. In a thread, since a page's frame may ask the engine."""
    headers = {"retry-after": str(retry_after(refused.wait_s))}
    status = HTTPStatus.TOO_MANY_REQUESTS
    return await run_in_threadpool(_reply, Request(scope), status, "too-often", *refused.trouble, headers)


def for_programs(request: Request) -> bool:
    return is_program_path(request.url.path)


def status_of(error: EarmarkError) -> HTTPStatus:
    if isinstance(error, Gone):
        return HTTPStatus.GONE
    for kind, status in STATUS_OF:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _earmark_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EarmarkError)
    if error.reason:
        _log.warning("a part is down", path=request.url.path, kind=error.kind, reason=error.reason)
    if isinstance(error, NotFound | Forbidden):
        _note_refusal(request, error)
    headers = {}
    if isinstance(error, SignInNeeded):
        if not for_programs(request):
            return _to_sign_in(request)
        headers["www-authenticate"] = 'Bearer realm="Earmark"'
    if isinstance(error, Busy):
        headers["retry-after"] = str(retry_after(error.retry_after_s))
    elif isinstance(error, PartDown):
        headers["retry-after"] = "5"
    return _reply(request, status_of(error), error.kind, error.detail, error.way_out, headers)


def _note_refusal(request: Request, error: EarmarkError) -> None:
    """Whoever is known and asks for what is not there for them: one row, whether there is such a thing or not."""
    caller = visitor_of(request).caller
    if caller is None or not caller.is_known:
        return
    route = told_route(getattr(request.scope.get("route"), "path", ""))
    event = AuditEvent(
        caller.audit_id,
        AuditAction.ACCESS_REFUSED,
        "route" if route else None,
        route or None,
        Outcome.REFUSED,
        {"method": request.method, "kind": error.kind},
    )
    try:
        with request.app.state.services.database.write() as session:
            append(session, event)
    except (KnowledgeError, SQLAlchemyError) as failure:
        _log.warning("a refusal was not entered in the audit log", reason=type(failure).__name__)


def _to_sign_in(request: Request) -> Response:
    """The page of signing in, and from there back; a part of a page takes the whole one with it."""
    back = request.url.path if request.method == "GET" and not is_partial(request) else "/"
    if request.url.query and back != "/":
        back += f"?{request.url.query}"
    address = "/sign-in" if back == "/" else f"/sign-in?back={quote(back, safe='')}"
    if is_partial(request):
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": address})
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)


def database_reply(request: Request, error: Exception) -> Response:
    """Where nobody could find out who asks."""
    if isinstance(error, KnowledgeError):
        return _knowledge_error(request, error)
    return _unexpected(request, error)


def _knowledge_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, KnowledgeError)
    status = HTTPStatus.SERVICE_UNAVAILABLE if error.passing else HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, RecordingGone):
        status = HTTPStatus.GONE
    if isinstance(error, DatabaseFull):
        status = HTTPStatus.INSUFFICIENT_STORAGE
    headers = {"retry-after": "5"} if error.passing else {}
    return _reply(request, status, error.kind, error.detail, error.way_out, headers)


def _not_storable(request: Request, error: Exception) -> Response:
    """PostgreSQL takes no NUL: an id with one is the id of nothing, as it is with SQLite."""
    _log.warning("asked for what cannot be there", path=request.url.path, reason=type(error).__name__)
    return _earmark_error(request, NotFound(*NOT_HERE))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = error.detail if error.detail != status.phrase else ""
    return _reply(request, status, "http", detail, "", dict(error.headers or {}))


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    detail = f"{where}: {first['msg']}" if where else str(first["msg"])
    return _reply(request, HTTPStatus.UNPROCESSABLE_ENTITY, "bad-input", detail, "see /api/docs", {})


def _too_large(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyTooLargeError)
    detail = f"larger than the {error.limit_bytes / 1e6:,.1f} MB that are taken here"
    way_out = "send a shorter or more compressed file; an administrator can raise the limit for recordings"
    return _reply(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, way_out, {"connection": "close"})


def _too_slow(request: Request, _error: Exception) -> Response:
    return _reply(request, HTTPStatus.REQUEST_TIMEOUT, "too-slow", *CAME_TOO_SLOWLY, {"connection": "close"})


def _went_away(_request: Request, _error: Exception) -> Response:
    """Nobody is left to read this; 499 is what proxies log for it."""
    return Response(status_code=499)


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    detail = "something went wrong inside Earmark; it has been written to the log"
    # This handler runs outside the guard, so it carries the guard's headers itself.
    way_out = "try again; `earmark doctor` looks for the cause"
    headers = dict(request.app.state.services.gate.headers_for(request.scope))
    return _reply(request, HTTPStatus.INTERNAL_SERVER_ERROR, "error", detail, way_out, headers)


def _reply(
    request: Request, status: HTTPStatus, kind: str, detail: str, way_out: str, headers: dict[str, str]
) -> Response:
    if for_programs(request):
        return _problem(request, status, kind, detail, way_out, headers)
    template = "partials/error.html" if is_partial(request) else "error.html"
    wait_s = int(headers.get("retry-after", 0)) if status is HTTPStatus.TOO_MANY_REQUESTS else 0
    values = {"status": int(status), "kind": kind, "detail": detail, "way_out": way_out, "wait_s": wait_s}
    return render(request, template, values, status=status, headers=headers)


def _problem(
    request: Request,
    status: HTTPStatus,
    kind: str,
    detail: str,
    way_out: str,
    headers: dict[str, str] | None = None,
) -> Response:
    document = {
        "type": f"urn:earmark:problem:{kind}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "way_out": way_out,
        "instance": request.url.path,
    }
    return JSONResponse(document, status_code=status, headers=headers, media_type="application/problem+json")
