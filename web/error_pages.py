"""The one place where errors become replies: a readable page for people, RFC 9457 for programs."""

import math
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from assistant.errors import (
    BadInput,
    BadMedia,
    Busy,
    Cancelled,
    DiskFull,
    EarmarkError,
    NotFound,
    PartDown,
    UnknownLanguage,
)
from knowledge.errors import DatabaseFull, KnowledgeError, RecordingGone
from web.guard import SECURITY_HEADERS, BodyTooLargeError, Refusal
from web.render import is_partial, render

STATUS_OF: tuple[tuple[type[EarmarkError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (DiskFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (PartDown, HTTPStatus.SERVICE_UNAVAILABLE),
    (BadMedia, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnknownLanguage, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (Cancelled, HTTPStatus.CONFLICT),
)
_log = structlog.get_logger()


class Gone(NotFound):
    """Was here, and those who ask had access to it."""

    kind = "gone"


def install(app: FastAPI) -> None:
    app.add_exception_handler(EarmarkError, _earmark_error)
    app.add_exception_handler(KnowledgeError, _knowledge_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(BodyTooLargeError, _too_large)
    app.add_exception_handler(ClientDisconnect, _went_away)
    app.add_exception_handler(Exception, _unexpected)


def refusal_reply(scope: Scope, refusal: Refusal) -> ASGIApp:
    """What the guard sends where it lets nobody in. The page is plain: it must not depend on anything behind it."""
    request = Request(scope)
    if for_programs(request):
        return _problem(request, refusal.status, "refused", refusal.detail, refusal.way_out)
    text = f"{refusal.detail[0].upper()}{refusal.detail[1:]}. {refusal.way_out[0].upper()}{refusal.way_out[1:]}.\n"
    return Response(text, status_code=refusal.status, media_type="text/plain; charset=utf-8")


def for_programs(request: Request) -> bool:
    path = request.url.path
    return path.startswith(("/api/", "/v1/")) and path != "/api/docs"


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
    headers = {}
    if isinstance(error, Busy):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    elif isinstance(error, PartDown):
        headers["retry-after"] = "5"
    return _reply(request, status_of(error), error.kind, error.detail, error.way_out, headers)


def _knowledge_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, KnowledgeError)
    status = HTTPStatus.SERVICE_UNAVAILABLE if error.passing else HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, RecordingGone):
        status = HTTPStatus.GONE
    if isinstance(error, DatabaseFull):
        status = HTTPStatus.INSUFFICIENT_STORAGE
    headers = {"retry-after": "5"} if error.passing else {}
    return _reply(request, status, error.kind, error.detail, error.way_out, headers)


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


def _went_away(_request: Request, _error: Exception) -> Response:
    """Nobody is left to read this; 499 is what proxies log for it."""
    return Response(status_code=499)


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    detail = "something went wrong inside Earmark; it has been written to the log"
    # This handler runs outside the guard, so it carries the guard's headers itself.
    way_out = "try again; `earmark doctor` looks for the cause"
    return _reply(request, HTTPStatus.INTERNAL_SERVER_ERROR, "error", detail, way_out, dict(SECURITY_HEADERS))


def _reply(
    request: Request, status: HTTPStatus, kind: str, detail: str, way_out: str, headers: dict[str, str]
) -> Response:
    if for_programs(request):
        return _problem(request, status, kind, detail, way_out, headers)
    template = "partials/error.html" if is_partial(request) else "error.html"
    values = {"status": int(status), "kind": kind, "detail": detail, "way_out": way_out}
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
