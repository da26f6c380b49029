"""People, for admins: who may sign in, what they are, and what they see."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access import keeping_people, people, sessions
from assistant.access.forgetting import forget
from assistant.access.people import Person
from assistant.access.policy import Action
from assistant.access.role import Role
from assistant.access.tables import PersonState
from assistant.errors import BadInput
from web import governed
from web.governed import LONGEST_FIND, only_where_people_sign_in
from web.library import services_of
from web.pages.me import NOT_CONFIRMED
from web.render import render
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.recordings import recording_view
from web.views.words import ROLE_WORDS
from web.visitors import caller_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(only_where_people_sign_in)])
Form = Annotated[UploadedForm, Depends(read_form)]
NO_SUCH_ROLE = ("there is no such role", "choose one from the list")
A_PAGE = 100
_SHOWN = 200


@router.get("/people", dependencies=[needs(Action.KEEP_PEOPLE)])
def people_page(request: Request, forgotten: str = "") -> Response:
    return _list(request, {}, forgotten=bool(forgotten))


@router.post("/people/find", dependencies=[needs(Action.KEEP_PEOPLE)])
def find(request: Request, form: Form) -> Response:
    """A post, because whom somebody looks for is never part of an address."""
    return _list(request, form.fields)


@router.get("/people/find", dependencies=[needs(Action.KEEP_PEOPLE)])
def back_to_people() -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse("/people", status_code=303)


@router.post("/people", dependencies=[needs(Action.KEEP_PEOPLE)])
def add(request: Request, form: Form) -> Response:
    made = keeping_people.add_account(
        services_of(request).database,
        caller_of(request).audit_id,
        form.fields.get("name", ""),
        role=_role(form),
        email=form.fields.get("email", ""),
    )
    return _password(request, *made)


@router.get("/people/{person_id}", dependencies=[needs(Action.KEEP_PEOPLE)])
def person_page(request: Request, person_id: str, saved: str = "") -> Response:
    with services_of(request).database.read() as session:
        person = people.known_person(session, person_id)
    if person_id != caller_of(request).person_id:
        keeping_people.note_view(services_of(request).database, caller_of(request).audit_id, person)
    with services_of(request).database.read() as session:
        groups = people.list_groups(session)
        claimed = people.claimed_groups(session, person_id)
        open_sessions = sessions.sessions_of(session, person_id)
    values = {
        "person": person,
        "groups": [group for group in groups if group.id in person.groups],
        "others": [group for group in groups if group.id not in person.groups],
        "claimed": claimed,
        "sessions": open_sessions,
        "roles": ROLE_WORDS,
        "saved": bool(saved),
    }
    return render(request, "person.html", values)


@router.post("/people/{person_id}/role", dependencies=[needs(Action.KEEP_PEOPLE)])
def change_role(request: Request, person_id: str, form: Form) -> Response:
    keeping_people.change_role(services_of(request).database, caller_of(request).audit_id, person_id, _role(form))
    return _saved(person_id)


@router.post("/people/{person_id}/email", dependencies=[needs(Action.KEEP_PEOPLE)])
def change_email(request: Request, person_id: str, form: Form) -> Response:
    actor = caller_of(request).audit_id
    keeping_people.change_email(services_of(request).database, actor, person_id, form.fields.get("email", ""))
    return _saved(person_id)


@router.post("/people/{person_id}/groups", dependencies=[needs(Action.KEEP_PEOPLE)])
def change_groups(request: Request, person_id: str, form: Form) -> Response:
    """`back`: the page of the group, where it was asked for there."""
    database, actor, group_id = services_of(request).database, caller_of(request).audit_id, form.fields.get("group", "")
    act = keeping_people.take_out_of_group if form.fields.get("out") == "yes" else keeping_people.put_into_group
    act(database, actor, person_id, group_id)
    if form.fields.get("back") == "group":
        return RedirectResponse(f"/groups/{group_id}?saved=yes", status_code=303)
    return _saved(person_id)


@router.post("/people/{person_id}/suspend", dependencies=[needs(Action.KEEP_PEOPLE)])
def suspend(request: Request, person_id: str, _form: Form) -> Response:
    keeping_people.suspend(services_of(request).database, caller_of(request).audit_id, person_id)
    return _saved(person_id)


@router.post("/people/{person_id}/let-in", dependencies=[needs(Action.KEEP_PEOPLE)])
def let_in(request: Request, person_id: str, _form: Form) -> Response:
    keeping_people.let_in_again(services_of(request).database, caller_of(request).audit_id, person_id)
    return _saved(person_id)


@router.post("/people/{person_id}/password", dependencies=[needs(Action.KEEP_PEOPLE)])
def new_password(request: Request, person_id: str, _form: Form) -> Response:
    made = keeping_people.give_new_password(services_of(request).database, caller_of(request).audit_id, person_id)
    return _password(request, *made)


@router.post("/people/{person_id}/sessions", dependencies=[needs(Action.KEEP_PEOPLE)])
def end_sessions(request: Request, person_id: str, _form: Form) -> Response:
    keeping_people.end_sessions(services_of(request).database, caller_of(request).audit_id, person_id)
    return _saved(person_id)


@router.post("/people/{person_id}/forget", dependencies=[needs(Action.KEEP_PEOPLE)])
def forget_person(request: Request, person_id: str, form: Form) -> Response:
    """For good: what was asked, the account, the rights."""
    if form.fields.get("sure") != "yes":
        raise BadInput(*NOT_CONFIRMED)
    services = services_of(request)
    forget(
        services.database,
        services.home,
        person_id,
        actor=caller_of(request).audit_id,
        beside=services.deletions_beside,
    )
    return RedirectResponse("/people?forgotten=yes", status_code=303)


@router.get("/people/{person_id}/password", dependencies=[needs(Action.KEEP_PEOPLE)])
def back_to_person(person_id: str) -> Response:
    """Somebody reloads what was posted: a password is shown once."""
    return RedirectResponse(f"/people/{person_id}", status_code=303)


@router.get("/people/{person_id}/as", dependencies=[needs(Action.KEEP_PEOPLE)])
def see_as(request: Request, person_id: str) -> Response:
    """Courses and recordings as somebody else sees them; nothing can be done there."""
    seen = governed.see_house_as(services_of(request).database, caller_of(request), person_id)
    names = {course.id: course.name for course in seen.courses}
    shown = [recording_view(one, names) for one in seen.recordings[:_SHOWN]]
    values = {"seen": seen, "person_id": person_id, "recordings": shown, "count": len(seen.recordings)}
    return render(request, "person_as.html", values)


def _list(request: Request, wanted: Mapping[str, str], *, forgotten: bool = False) -> Response:
    name = wanted.get("wanted", "").strip()[:LONGEST_FIND]
    role, state, page = wanted.get("role", ""), wanted.get("state", ""), wanted.get("page", "1")
    number = int(page) if page.isdecimal() and 0 < len(page) < 6 else 1
    with services_of(request).database.read() as session:
        found, count = people.find_people(
            session,
            name,
            role=Role(role) if role in ROLE_WORDS else None,
            state=PersonState(state) if state in PersonState.__members__.values() else None,
            limit=A_PAGE,
            offset=(max(1, number) - 1) * A_PAGE,
        )
        groups = {group.id: group.name for group in people.list_groups(session)}
    values = {
        "people": [(person, sorted(groups[each] for each in person.groups if each in groups)) for person in found],
        "count": count,
        "page": max(1, number),
        "pages": max(1, -(-count // A_PAGE)),
        "wanted": name,
        "role": role,
        "state": state,
        "roles": ROLE_WORDS,
        "forgotten": forgotten,
    }
    return render(request, "people.html", values)


def _role(form: UploadedForm) -> Role:
    role = form.fields.get("role", "")
    if role not in ROLE_WORDS:
        raise BadInput(*NO_SUCH_ROLE)
    return Role(role)


def _password(request: Request, person: Person, password: str) -> Response:
    return render(request, "password.html", {"person": person, "password": password})


def _saved(person_id: str) -> Response:
    return RedirectResponse(f"/people/{person_id}?saved=yes", status_code=303)
