"""The language that a person said they speak: kept in their browser, chosen again the next time."""

import re

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "earmark_spoken"
_A_YEAR_S = 365 * 24 * 3600
_CODE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")


def spoken_by(request: Request) -> str:
    """A BCP 47 code; empty for any."""
    code = request.cookies.get(COOKIE, "")
    return code if _CODE.fullmatch(code) else ""


def remember_spoken(response: Response, code: str) -> None:
    if not code:
        response.delete_cookie(COOKIE, path="/")
    elif _CODE.fullmatch(code):
        response.set_cookie(COOKIE, code, max_age=_A_YEAR_S, httponly=True, samesite="lax", path="/")
