"""What went wrong, in OpenAI's error form with the right status. The one place where errors become responses."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assistant.engine.lanes import DeadlinePassed
from assistant.errors import BadInput, Busy, EarmarkError, NotFound, PartDown, SignInNeeded

log = structlog.get_logger(__name__)


class TooLarge(BadInput):
    kind = "too-large"


class UnauthorisedError(EarmarkError):
    kind = "unauthorised"


STATUS: tuple[tuple[type[EarmarkError], HTTPStatus], ...] = (
    (UnauthorisedError, HTTPStatus.UNAUTHORIZED),
    (SignInNeeded, HTTPStatus.UNAUTHORIZED),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (DeadlinePassed, HTTPStatus.GATEWAY_TIMEOUT),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (PartDown, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def status_of(error: EarmarkError) -> HTTPStatus:
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def error_response(error: EarmarkError) -> JSONResponse:
    status = status_of(error)
    headers = {}
    if isinstance(error, Busy) and status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        _openai_form(status, error.kind, error.detail, error.way_out), status_code=status, headers=headers
    )


def error_event(error: EarmarkError) -> dict[str, Any]:
    """For an answer that had begun: the status is gone, so the form holds it."""
    status = status_of(error)
    return {"type": "error", "status": status, **_openai_form(status, error.kind, error.detail, error.way_out)}


def _openai_form(status: int, kind: str, detail: str, way_out: str = "") -> dict[str, Any]:
    """`earmark` beside OpenAI's fields lets our own client build the same error again."""
    return {
        "error": {
            "message": f"{detail}; {way_out}" if way_out else detail,
            "type": "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error",
            "param": None,
            "code": kind,
            "earmark": {"detail": detail, "way_out": way_out},
        }
    }


def hang_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(EarmarkError)
    async def ours(_request: Request, error: EarmarkError) -> JSONResponse:
        return error_response(error)

    @app.exception_handler(HTTPException)
    async def of_the_framework(_request: Request, error: HTTPException) -> JSONResponse:
        form = _openai_form(error.status_code, "bad-request", str(error.detail))
        return JSONResponse(form, status_code=error.status_code, headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def of_a_field(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse(_openai_form(422, "bad-input", f"{field or 'body'}: {first['msg']}"), status_code=422)

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, error: Exception) -> JSONResponse:
        log.error("unforeseen failure", error=type(error).__name__)
        return JSONResponse(
            _openai_form(500, "error", "the engine failed unexpectedly", "its log says where"), status_code=500
        )
