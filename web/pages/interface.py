"""The switch of the interface's language."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from assistant.access.flow import own_path
from web.interface_languages import COOKIE, LANGUAGES
from web.rules import needs
from web.uploads import UploadedForm, read_form

router = APIRouter(include_in_schema=False)
_A_YEAR_S = 365 * 24 * 3600


@router.post("/language", dependencies=[needs(None)])
def switch(form: Annotated[UploadedForm, Depends(read_form)]) -> Response:
    reply = RedirectResponse(own_path(form.fields.get("back", "/")), status_code=303)
    chosen = form.fields.get("language", "")
    if chosen in LANGUAGES:
        reply.set_cookie(COOKIE, chosen, max_age=_A_YEAR_S, httponly=True, samesite="lax", path="/")
    return reply
