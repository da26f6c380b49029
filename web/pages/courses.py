"""Courses: what there is to ask, one course with its recordings, how it is heard, and who may hear it."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.caller import SignIn
from assistant.access.governing import Change, Made, Turn, make_change, make_course, rename_course
from assistant.access.policy import Action
from assistant.courses.hearing_as import hear_course_as
from assistant.errors import BadInput
from web import governed, library
from web.governed import FoundPerson, only_where_people_sign_in
from web.library import services_of
from web.render import is_partial, render
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.recordings import recording_view
from web.visitors import caller_of

router = APIRouter(include_in_schema=False)

Form = Annotated[UploadedForm, Depends(read_form)]
NO_SUCH_CHANGE = ("this cannot be changed about a course", "use the buttons on its page")
_SHOWN = 50


@router.get("/courses", dependencies=[needs(Action.BROWSE)])
def courses_page(request: Request) -> Response:
    services = services_of(request)
    holdings = library.holdings_of_courses(services.database, caller_of(request))
    return render(request, "courses.html", {"courses": holdings, "keeping": services.keeping})


@router.post("/courses", dependencies=[needs(Action.BRING_IN)])
def new_course(request: Request, form: Form) -> Response:
    services, caller = services_of(request), caller_of(request)
    is_open = services.sign_in is SignIn.NONE or form.fields.get("open", "") == "yes"
    with services.database.write() as session:
        made = make_course(session, caller, form.fields.get("name", ""), open_to_all=is_open)
    return RedirectResponse(f"/courses/{made.id}?made=yes", status_code=303)


@router.get("/courses/{course_id}", dependencies=[needs(Action.BROWSE)])
def course_page(request: Request, course_id: str, heard: str = "", saved: str = "", made: str = "") -> Response:
    said = "heard" if heard else "saved" if saved else "made" if made else ""
    return _page(request, course_id, said=said)


@router.post("/courses/{course_id}", dependencies=[needs(Action.BRING_IN)])
def hear_as(request: Request, course_id: str, form: Form) -> Response:
    """From now on; what was heard before stays as it is."""
    services = services_of(request)
    course = library.course(services.database, caller_of(request), course_id, Action.EDIT)
    hear_course_as(
        services.database,
        services.engine_state,
        course.id,
        language=form.fields.get("language", "").strip() or None,
        itn=form.fields.get("itn") == "yes",
    )
    return RedirectResponse(f"/courses/{course.id}?heard=yes#heard", status_code=303)


@router.post("/courses/{course_id}/name", dependencies=[needs(Action.BRING_IN)])
def rename(request: Request, course_id: str, form: Form) -> Response:
    with services_of(request).database.write() as session:
        rename_course(session, caller_of(request), course_id, form.fields.get("name", ""))
    return RedirectResponse(f"/courses/{quote(course_id, safe='')}?saved=yes", status_code=303)


@router.post("/courses/{course_id}/rights", dependencies=[needs(Action.BRING_IN)])
def change_rights(request: Request, course_id: str, form: Form) -> Response:
    """Made at once where it takes nothing away; else what follows is said first, and made when somebody agrees."""
    only_where_people_sign_in(request)
    database, caller, change = services_of(request).database, caller_of(request), _change(form)
    with database.write() as session:
        made = make_change(session, caller, course_id, change, agreed=form.fields.get("agreed", ""))
    if not made.kept:
        return _what_follows(request, course_id, change, made)
    is_there = course_id in library.permitted(database, caller)
    return RedirectResponse(f"/courses/{course_id}?saved=yes#who" if is_there else "/courses", status_code=303)


@router.post("/courses/{course_id}/people", dependencies=[needs(Action.BRING_IN)])
def find_people(request: Request, course_id: str, form: Form) -> Response:
    """A post, because whom people look for is never part of an address."""
    only_where_people_sign_in(request)
    wanted = form.fields.get("wanted", "").strip()
    found = governed.find_for_course(services_of(request).database, caller_of(request), course_id, wanted)
    if is_partial(request):
        return render(request, "partials/found_people.html", {"found": found, "course_id": course_id})
    return _page(request, course_id, wanted=wanted, found=found)


@router.get("/courses/{course_id}/people", dependencies=[needs(Action.BROWSE)])
@router.get("/courses/{course_id}/rights", dependencies=[needs(Action.BROWSE)])
def back_to_course(course_id: str) -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse(f"/courses/{quote(course_id, safe='')}", status_code=303)


@router.get("/courses/{course_id}/as/{person_id}", dependencies=[needs(Action.BRING_IN)])
def see_as(request: Request, course_id: str, person_id: str) -> Response:
    """The course as somebody else sees it; nothing can be done there."""
    only_where_people_sign_in(request)
    database, caller = services_of(request).database, caller_of(request)
    seen = governed.see_course_as(database, caller, course_id, person_id)
    names = {course_id: seen.course.name}
    shown = [recording_view(one, names) for one in seen.recordings[:_SHOWN]]
    return render(request, "course_as.html", {"seen": seen, "recordings": shown, "count": len(seen.recordings)})


def _change(form: UploadedForm) -> Change:
    turn = form.fields.get("turn", "")
    if turn not in Turn.__members__.values():
        raise BadInput(*NO_SUCH_CHANGE)
    return Change(Turn(turn), form.fields.get("subject", ""))


def _what_follows(request: Request, course_id: str, change: Change, made: Made) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    values = {
        "course": library.course(database, caller, course_id),
        "change": change,
        "subject_name": governed.subject_name(database, caller, course_id, change.subject),
        "follows": made.follows,
    }
    return render(request, "course_change.html", values)


def _page(
    request: Request, course_id: str, *, said: str = "", wanted: str = "", found: tuple[FoundPerson, ...] | None = None
) -> Response:
    services, caller = services_of(request), caller_of(request)
    database = services.database
    course = library.course(database, caller, course_id)
    governs = course.id in library.permitted(database, caller, Action.GOVERN)
    own = library.all_recordings(database, caller, course.id)
    values = {
        "course": course,
        "recordings": [recording_view(one, {course.id: course.name}) for one in own[:_SHOWN]],
        "count": len(own),
        "may_edit": course.id in library.permitted(database, caller, Action.EDIT),
        "may_govern": governs,
        "who": governed.who_may_hear(database, caller, course.id)
        if governs and services.sign_in is not SignIn.NONE
        else None,
        "said": said,
        "wanted": wanted,
        "found": found,
    }
    return render(request, "course.html", values)
