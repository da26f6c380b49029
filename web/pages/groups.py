"""Groups, for admins: their names, their members, and what goes with them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access import keeping_people, people
from assistant.access.people import Person
from assistant.access.policy import Action
from web import governed
from web.governed import LONGEST_FIND, MOST_FOUND, only_where_people_sign_in
from web.library import services_of
from web.render import render
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.visitors import caller_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(only_where_people_sign_in)])
Form = Annotated[UploadedForm, Depends(read_form)]
A_PAGE = 100


@router.get("/groups", dependencies=[needs(Action.KEEP_PEOPLE)])
def groups_page(request: Request) -> Response:
    with services_of(request).database.read() as session:
        return render(request, "groups.html", {"groups": people.list_groups(session)})


@router.post("/groups", dependencies=[needs(Action.KEEP_PEOPLE)])
def make(request: Request, form: Form) -> Response:
    made = keeping_people.make_group(
        services_of(request).database, caller_of(request).audit_id, form.fields.get("name", "")
    )
    return RedirectResponse(f"/groups/{made.id}", status_code=303)


@router.get("/groups/{group_id}", dependencies=[needs(Action.KEEP_PEOPLE)])
def group_page(request: Request, group_id: str, page: int = 1, saved: str = "") -> Response:
    return _page(request, group_id, page=page, saved=bool(saved))


@router.post("/groups/{group_id}/people", dependencies=[needs(Action.KEEP_PEOPLE)])
def find_people(request: Request, group_id: str, form: Form) -> Response:
    """A post, because whom somebody looks for is never part of an address."""
    wanted = form.fields.get("wanted", "").strip()[:LONGEST_FIND]
    with services_of(request).database.read() as session:
        found, _ = people.find_people(session, wanted, limit=MOST_FOUND)
    return _page(request, group_id, wanted=wanted, found=found)


@router.get("/groups/{group_id}/people", dependencies=[needs(Action.KEEP_PEOPLE)])
def back_to_group(group_id: str) -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse(f"/groups/{group_id}", status_code=303)


@router.post("/groups/{group_id}/name", dependencies=[needs(Action.KEEP_PEOPLE)])
def rename(request: Request, group_id: str, form: Form) -> Response:
    keeping_people.rename_group(
        services_of(request).database, caller_of(request).audit_id, group_id, form.fields.get("name", "")
    )
    return RedirectResponse(f"/groups/{group_id}?saved=yes", status_code=303)


@router.get("/groups/{group_id}/remove", dependencies=[needs(Action.KEEP_PEOPLE)])
def what_follows(request: Request, group_id: str, names: str = "") -> Response:
    """`names`: whoever removes a group may want to know which courses it hears; else their number is enough."""
    database = services_of(request).database
    courses, alone = governed.courses_of_group(database, group_id)
    with database.read() as session:
        group = people.known_group(session, group_id)
    values = {"group": group, "courses": courses, "alone": alone, "with_names": bool(names)}
    return render(request, "group_remove.html", values)


@router.post("/groups/{group_id}/remove", dependencies=[needs(Action.KEEP_PEOPLE)])
def remove(request: Request, group_id: str, _form: Form) -> Response:
    keeping_people.remove_group(services_of(request).database, caller_of(request).audit_id, group_id)
    return RedirectResponse("/groups", status_code=303)


def _page(
    request: Request,
    group_id: str,
    *,
    page: int = 1,
    saved: bool = False,
    wanted: str = "",
    found: list[Person] | None = None,
) -> Response:
    number = min(max(1, page), 10_000)
    with services_of(request).database.read() as session:
        group = people.known_group(session, group_id)
        members, count = people.find_people(session, in_group=group_id, limit=A_PAGE, offset=(number - 1) * A_PAGE)
        claimed = people.claimed_members(session, group_id)
    values = {
        "group": group,
        "members": members,
        "claimed": claimed,
        "page": number,
        "pages": max(1, -(-count // A_PAGE)),
        "saved": saved,
        "wanted": wanted,
        "found": found,
    }
    return render(request, "group.html", values)
