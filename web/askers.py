"""The browser that asks: a random token in a cookie, so that its questions are shown to nobody else."""

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "earmark_asker"
_A_YEAR_S = 365 * 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def asker_of(request: Request) -> str | None:
    token = request.cookies.get(COOKIE, "")
    return token if _TOKEN.fullmatch(token) else None


def address_of(request: Request) -> str:
    """Who takes turns where nobody is known: all who come from one address share theirs. Kept nowhere."""
    return f"address {request.client.host if request.client else ''}"


def new_asker() -> str:
    return secrets.token_urlsafe(32)


def remember_asker(response: Response, asker: str) -> None:
    response.set_cookie(COOKIE, asker, max_age=_A_YEAR_S, httponly=True, samesite="lax", path="/")
