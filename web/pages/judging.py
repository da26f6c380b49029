"""Was this it? What an asker says of an answer, and that a moment was heard to its end."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.errors import BadInput
from assistant.feedback.tables import Judgement
from knowledge.database import utc_now
from web import library
from web.library import services_of
from web.metrics import count_judgement
from web.pages.ask import view_of
from web.render import is_partial, render
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.answers import NOTHING_SAID
from web.visitors import caller_of, visitor_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
SAYS_NOTHING = ("nothing was said of the answer", "choose one of the buttons below it")
_SAID = {"yes": Judgement.YES, "no": Judgement.NO, NOTHING_SAID: None}


@router.post("/questions/{question_id}/judgement", dependencies=[needs(Action.BE_HERE)])
def judge(request: Request, question_id: str, form: Form) -> Response:
    said = form.fields.get("said", "")
    if said not in _SAID:
        raise BadInput(*SAYS_NOTHING)
    _keep(request, question_id, _SAID[said], form)
    if is_partial(request):
        return render(request, "partials/judged.html", {"answer": view_of(request, question_id)})
    return RedirectResponse(f"/questions/{question_id}#judgement", status_code=303)


@router.post("/questions/{question_id}/played", dependencies=[needs(Action.BE_HERE)])
def played(request: Request, question_id: str, form: Form) -> Response:
    """The player says so once, where a moment was heard from its start on."""
    _keep(request, question_id, Judgement.PLAYED, form)
    return Response(status_code=204)


def _keep(request: Request, question_id: str, said: Judgement | None, form: UploadedForm) -> None:
    """Raises NotFound, BadInput."""
    library.judge_own(
        services_of(request).database,
        caller_of(request),
        question_id,
        visitor_of(request).asker,
        said,
        rank=_rank(form.fields.get("rank", "")),
        now=utc_now(),
    )
    count_judgement(request, said.value if said else NOTHING_SAID)


def _rank(given: str) -> int | None:
    """None where no moment is meant; 0, which no moment has, for what is no number."""
    if not given:
        return None
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 4 else 0
