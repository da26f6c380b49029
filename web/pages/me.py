"""What Earmark keeps of whoever looks: questions, sessions, tokens; to see, to take away, to delete."""

import datetime as dt
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access import people, sessions, tokens
from assistant.access.caller import Caller, Scope, Way
from assistant.access.forgetting import forget
from assistant.access.policy import Action
from assistant.access.signing_in import change_password
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput, EarmarkError, NotFound
from assistant.notices import store as notices
from assistant.questions import log
from assistant.questions.deleting import forget_questions, forget_questions_of
from knowledge.database import utc_now
from web import library, own_learning
from web.interface_languages import language_of
from web.library import services_of
from web.render import render
from web.rules import NOT_HERE, needs
from web.uploads import UploadedForm, read_form
from web.views.me import QuestionView, question_view
from web.visitors import address_of, caller_of, forget_session, visitor_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
NOT_CONFIRMED = ("nothing was deleted", "tick the box first")
_A_PAGE = 50
_TOKEN_DAYS = 90


@router.get("/me", dependencies=[needs(Action.BE_HERE)])
def me_page(request: Request, after: str | None = None) -> Response:
    return _page(request, after=after)


@router.get("/me/data.json", dependencies=[needs(Action.BE_HERE)])
def my_data(request: Request) -> Response:
    """Everything kept of the person, as one document; of answers, what the person may still hear."""
    services, caller = services_of(request), caller_of(request)
    asker = visitor_of(request).asker
    asked = library.own_questions(services.database, caller, asker) if asker else []
    told = notices.export_of(services.database, asker) if asker else []
    document: dict[str, object] = {"questions": asked, "notices": told}
    if asker:
        document["learning"] = own_learning.document(services.database, caller, asker)
    if caller.person_id is not None:
        document |= _person_document(request, caller)
        with services.database.write() as session:
            append(session, AuditEvent(caller.audit_id, AuditAction.EXPORTED, "person", caller.audit_id))
    return Response(
        json.dumps(document, ensure_ascii=False, indent=1),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="earmark-my-data.json"'},
    )


@router.post("/me/questions/{question_id}/delete", dependencies=[needs(Action.BE_HERE)])
def delete_question(request: Request, question_id: str, _form: Form) -> Response:
    services = services_of(request)
    question = library.own_question(services.database, question_id, visitor_of(request).asker)
    actor = caller_of(request).actor
    forget_questions(services.database, services.home, [question.id], actor=actor, beside=services.deletions_beside)
    return RedirectResponse("/me#questions", status_code=303)


@router.post("/me/questions/delete", dependencies=[needs(Action.BE_HERE)])
def delete_questions(request: Request, form: Form) -> Response:
    _need_confirmation(form)
    services, asker = services_of(request), visitor_of(request).asker
    if asker is None:
        return RedirectResponse("/me#questions", status_code=303)
    actor = caller_of(request).actor
    forget_questions_of(services.database, services.home, asker, actor=actor, beside=services.deletions_beside)
    return RedirectResponse("/me#questions", status_code=303)


@router.post("/me/notices", dependencies=[needs(Action.BE_HERE)])
def choose_notices(request: Request, form: Form) -> Response:
    """Without a tick no mail is sent from now on, the ones that wait included."""
    services, caller = services_of(request), _person(request)
    with services.database.write() as session:
        notices.choose_mail(session, caller.person_id or "", mail=form.fields.get("mail") == "yes")
    notices.note_language(services.database, caller.person_id or "", language_of(request).code)
    return RedirectResponse("/me#answers", status_code=303)


@router.post("/me/tokens", dependencies=[needs(Action.BE_HERE)])
def make_token(request: Request, form: Form) -> Response:
    """Its secret is on the page that answers, and nowhere after."""
    caller = _person(request)
    wanted = [scope for scope in Scope if form.fields.get(f"scope-{scope.value}") == "yes"]
    days = form.fields.get("days", "")
    try:
        with services_of(request).database.write() as session:
            token, secret = tokens.make(
                session,
                caller.person_id or "",
                name=form.fields.get("name", ""),
                scopes=wanted,
                days=int(days) if days.isdecimal() and len(days) < 6 else _TOKEN_DAYS,
                now=utc_now(),
            )
            append(
                session,
                AuditEvent(
                    caller.audit_id,
                    AuditAction.TOKEN_MADE,
                    "token",
                    token.id,
                    details={"scopes": " ".join(sorted(token.scopes))},
                ),
            )
    except BadInput as error:
        return _page(request, trouble=error, about="tokens")
    return _page(request, secret=secret)


@router.post("/me/tokens/{token_id}/revoke", dependencies=[needs(Action.BE_HERE)])
def revoke_token(request: Request, token_id: str, _form: Form) -> Response:
    caller = _person(request)
    with services_of(request).database.write() as session:
        tokens.revoke(session, token_id, person_id=caller.person_id or "")
        append(session, AuditEvent(caller.audit_id, AuditAction.TOKEN_REVOKED, "token", token_id))
    return RedirectResponse("/me#tokens", status_code=303)


@router.post("/me/sessions/end", dependencies=[needs(Action.BE_HERE)])
def end_other_sessions(request: Request, _form: Form) -> Response:
    caller = _person(request)
    with services_of(request).database.write() as session:
        sessions.end_others(session, caller.person_id or "", kept=caller.way_id)
        append(session, AuditEvent(caller.audit_id, AuditAction.SIGNED_OUT, details={"by": "self", "others": True}))
    return RedirectResponse("/me#sessions", status_code=303)


@router.post("/me/password", dependencies=[needs(Action.BE_HERE)])
def new_password(request: Request, form: Form) -> Response:
    caller = _person(request)
    try:
        change_password(
            services_of(request).database,
            caller,
            old=form.fields.get("old", ""),
            new=form.fields.get("new", ""),
            address=address_of(request),
            now=utc_now(),
        )
    except EarmarkError as error:
        return _page(request, trouble=error, about="password")
    return _page(request, about="password-changed")


@router.post("/me/delete", dependencies=[needs(Action.BE_HERE)])
def delete_me(request: Request, form: Form) -> Response:
    caller = _person(request)
    _need_confirmation(form)
    services = services_of(request)
    forget(
        services.database,
        services.home,
        caller.person_id or "",
        actor=caller.audit_id,
        beside=services.deletions_beside,
    )
    reply = RedirectResponse("/sign-in", status_code=303)
    forget_session(reply)
    reply.headers["clear-site-data"] = '"cache", "storage"'
    return reply


def _page(
    request: Request,
    *,
    after: str | None = None,
    secret: str | None = None,
    trouble: EarmarkError | None = None,
    about: str = "",
) -> Response:
    services, visitor = services_of(request), visitor_of(request)
    asked = log.page_of(services.database, visitor.asker, after=after, limit=_A_PAGE + 1) if visitor.asker else []
    shown: list[QuestionView] = [question_view(each) for each in asked[:_A_PAGE]]
    values: dict[str, object] = {
        "questions": shown,
        "notices": notices.notices_of(services.database, visitor.asker, limit=_A_PAGE) if visitor.asker else [],
        "next": shown[-1].id if len(asked) > _A_PAGE else None,
        "keeping": services.keeping,
        "secret": secret,
        "trouble": trouble,
        "about": about,
        "scopes": tuple(Scope),
        "now": utc_now(),
        **_of_person(request, caller_of(request)),
    }
    return render(request, "me.html", values, status=200 if trouble is None else 400)


def _of_person(request: Request, caller: Caller) -> dict[str, object]:
    if caller.person_id is None:
        return {"person": None, "groups": (), "tokens": (), "sessions": (), "mail_choice": None}
    services = services_of(request)
    with services.database.read() as session:
        person = people.known_person(session, caller.person_id)
        return {
            "person": person,
            "groups": [group.name for group in people.list_groups(session) if group.id in person.groups],
            "tokens": tokens.tokens_of(session, person.id),
            "sessions": sessions.sessions_of(session, person.id),
            "mail_choice": notices.choice_of(session, person.id) if services.mails and person.email else None,
        }


def _person_document(request: Request, caller: Caller) -> dict[str, object]:
    with services_of(request).database.read() as session:
        person = people.known_person(session, caller.person_id or "")
        groups = [group.name for group in people.list_groups(session) if group.id in person.groups]
        choice = notices.choice_of(session, person.id)
        return {
            "person": {
                "name": person.name,
                "email": person.email,
                "role": person.role.value,
                "groups": groups,
                "since": person.created_at.isoformat(),
                "signed_in_at": _iso(person.signed_in_at),
                "notices_by_mail": choice.mail,
                "language": choice.language,
            },
            "tokens": [
                {
                    "name": each.name,
                    "scopes": sorted(each.scopes),
                    "created_at": each.created_at.isoformat(),
                    "expires_at": each.expires_at.isoformat(),
                    "last_used_at": _iso(each.seen_at),
                }
                for each in tokens.tokens_of(session, person.id)
            ],
            "sessions": [
                {"began_at": each.created_at.isoformat(), "last_used_at": each.seen_at.isoformat()}
                for each in sessions.sessions_of(session, person.id)
            ],
        }


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _person(request: Request) -> Caller:
    """Somebody with a session of their own: a token makes no tokens. Raises NotFound."""
    caller = caller_of(request)
    if caller.way is not Way.SESSION:
        raise NotFound(*NOT_HERE)
    return caller


def _need_confirmation(form: UploadedForm) -> None:
    if form.fields.get("sure") != "yes":
        raise BadInput(*NOT_CONFIRMED)
