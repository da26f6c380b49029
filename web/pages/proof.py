"""Does it find what people confirmed? Figures over the company's own test set, for trainers and admins."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from assistant.access.policy import Action
from assistant.proof import runs
from assistant.proof.own_set import sizes
from web.library import services_of
from web.render import render
from web.rules import needs
from web.views.proof import FEW, proof_view

router = APIRouter(include_in_schema=False)
_RUNS = 20


@router.get("/proof", dependencies=[needs(Action.SEE_PROOF)])
def proof_page(request: Request) -> Response:
    with services_of(request).database.read() as session:
        view = proof_view(sizes(session), runs.newest(session, limit=_RUNS))
    return render(request, "proof.html", {"proof": view, "few": FEW})
