"""The switch of the interface's language."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from web.interface_languages import COOKIE, LANGUAGES
from web.uploads import UploadedForm, read_form

router = APIRouter(include_in_schema=False)
_A_YEAR_S = 365 * 24 * 3600


@router.post("/language")
def switch(form: Annotated[UploadedForm, Depends(read_form)]) -> Response:
    reply = RedirectResponse(own_path(form.fields.get("back", "/")), status_code=303)
    chosen = form.fields.get("language", "")
    if chosen in LANGUAGES:
        reply.set_cookie(COOKIE, chosen, max_age=_A_YEAR_S, httponly=True, samesite="lax", path="/")
    return reply


def own_path(back: str) -> str:
    """A path of our own to go back to; `//elsewhere` and `/\\elsewhere` lead to other servers."""
    if not back.startswith("/") or back.startswith(("//", "/\\")) or any(ord(c) < 33 for c in back):
        return "/"
    return back
