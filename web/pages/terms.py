"""A course's map of terms: which come together, and where each is explained."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from assistant.access.policy import Action
from web import library
from web.library import services_of
from web.render import render
from web.rules import needs
from web.term_maps import TermMaps
from web.views.terms import key_of, terms_view
from web.visitors import caller_of

router = APIRouter(include_in_schema=False)


@router.get("/courses/{course_id}/terms", dependencies=[needs(Action.BROWSE)])
def terms_page(request: Request, course_id: str, term: str = "") -> Response:
    """The whole map, or what is around one of its terms; where there is none of that name, the whole map says so."""
    database, caller = services_of(request).database, caller_of(request)
    course = library.course(database, caller, course_id)
    maps: TermMaps = request.app.state.term_maps
    found = maps.of(course.id)
    chosen = key_of(found.drawn, term) if found.drawn and term else None
    titles = {one.id: one.title for one in library.all_recordings(database, caller, course.id)}
    values = {
        "course": course,
        "recordings": found.recordings,
        "waiting": found.waiting,
        "failed": found.failed,
        "view": terms_view(found.drawn, titles, chosen=chosen) if found.drawn else None,
        "asked": term,
        "is_unknown": bool(term and found.drawn and chosen is None),
    }
    return render(request, "terms.html", values, status=404 if values["is_unknown"] else 200)
