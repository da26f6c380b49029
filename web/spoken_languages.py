"""The language that a person said they speak: kept in their browser, chosen again the next time."""

from starlette.requests import Request
from starlette.responses import Response

from assistant.recognising.languages import language_tag

COOKIE = "earmark_spoken"
_A_YEAR_S = 365 * 24 * 3600


def spoken_by(request: Request) -> str:
    """A BCP 47 tag, or ANY_LANGUAGE; empty where nothing was said."""
    return language_tag(request.cookies.get(COOKIE, "")) or ""


def remember_spoken(response: Response, written: str) -> None:
    tag = language_tag(written)
    if tag is None:
        response.delete_cookie(COOKIE, path="/")
    else:
        response.set_cookie(COOKIE, tag, max_age=_A_YEAR_S, httponly=True, samesite="lax", path="/")
