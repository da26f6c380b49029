"""My learning: what one asked, what one wants to come back to, recall checks. For whoever looks, and nobody else."""

import json
import math
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput
from assistant.learning import acts
from assistant.learning.kept import NO_SUCH_MOMENT, CardKind
from assistant.questions import log
from assistant.questions.log import LoggedQuestion
from knowledge.database import utc_now
from web import library, own_learning
from web.library import services_of
from web.own_learning import asker_of
from web.pages.me import NOT_CONFIRMED
from web.render import is_partial, render
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.learning import KeepView, card_view, check_view, day_views, mark_view, mastery_views
from web.visitors import caller_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
HOME = "/me/learning"
_A_PAGE = 20
_MOST_FOUND = 50
_LONGEST_FIND = 200


@router.get("/me/learning", dependencies=[needs(Action.BE_HERE)])
def learning_page(request: Request) -> Response:
    services, caller, asker = services_of(request), caller_of(request), asker_of(request)
    learner = own_learning.learner(services.database, asker)
    values: dict[str, object] = {"learner": learner, "due": 0, "marks": 0, "cards": 0, "courses": ()}
    if learner is not None:
        now = utc_now()
        values |= {
            "due": own_learning.count_due(services.database, caller, learner.id, now=now, zone=services.time_zone),
            "marks": own_learning.bookmark_page(services.database, learner.id, first=0, limit=0)[1],
            "cards": own_learning.card_page(services.database, learner.id, first=0, limit=0)[1],
            "courses": mastery_views(
                own_learning.masteries(services.database, caller, learner.id, services.recall, now=now)
            ),
        }
    return render(request, "learning.html", values)


@router.post("/me/learning/off", dependencies=[needs(Action.BE_HERE)])
def switch_off(request: Request, form: Form) -> Response:
    """With a tick, what was kept is deleted, too."""
    if form.fields.get("sure") == "yes":
        return _delete_all(request)
    acts.switch_off(services_of(request).database, asker_of(request))
    return _to(HOME)


@router.post("/me/learning/on", dependencies=[needs(Action.BE_HERE)])
def switch_on(request: Request, _form: Form) -> Response:
    acts.switch_on(services_of(request).database, asker_of(request), now=utc_now())
    return _to(HOME)


@router.post("/me/learning/delete", dependencies=[needs(Action.BE_HERE)])
def delete_all(request: Request, form: Form) -> Response:
    if form.fields.get("sure") != "yes":
        raise BadInput(*NOT_CONFIRMED)
    return _delete_all(request)


@router.get("/me/learning/data.json", dependencies=[needs(Action.BE_HERE)])
def own_data(request: Request) -> Response:
    services, caller = services_of(request), caller_of(request)
    document = own_learning.document(services.database, caller, asker_of(request))
    if caller.person_id is not None:
        with services.database.write() as session:
            append(session, AuditEvent(caller.audit_id, AuditAction.EXPORTED, "person", caller.audit_id))
    return Response(
        json.dumps(document, ensure_ascii=False, indent=1),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="earmark-my-learning.json"'},
    )


@router.get("/me/learning/asked", dependencies=[needs(Action.BE_HERE)])
def asked_page(request: Request, after: str | None = None) -> Response:
    asker = _asker_who_is_on(request)
    found = log.page_of(services_of(request).database, asker, after=after, limit=_A_PAGE + 1)
    older = found[_A_PAGE - 1].id if len(found) > _A_PAGE else None
    return _asked(request, found[:_A_PAGE], older=older)


@router.post("/me/learning/asked", dependencies=[needs(Action.BE_HERE)])
def find_asked(request: Request, form: Form) -> Response:
    """A post, because what people look for is never part of an address."""
    asker = _asker_who_is_on(request)
    wanted = " ".join(form.fields.get("wanted", "").split())[:_LONGEST_FIND]
    with services_of(request).database.read() as session:
        texts = log.own_texts(session, asker)
        ids = [key for key, text in texts if wanted.casefold() in text.casefold()]
        found = log.own_of(session, asker, ids[:_MOST_FOUND])
    return _asked(request, found, wanted=wanted, more=len(ids) > _MOST_FOUND)


@router.get("/me/learning/marks", dependencies=[needs(Action.BE_HERE)])
def marks_page(request: Request, page: int = 1) -> Response:
    services, caller = services_of(request), caller_of(request)
    asker = _asker_who_is_on(request)
    learner = own_learning.learner_who_is_on(services.database, asker)
    _, count = own_learning.bookmark_page(services.database, learner.id, first=0, limit=0)
    pages, number = _pages(count, page)
    shown, _ = own_learning.bookmark_page(services.database, learner.id, first=(number - 1) * _A_PAGE, limit=_A_PAGE)
    questions = own_learning.question_texts(services.database, asker, (each.question_id for each in shown))
    places = own_learning.places(services.database, caller, [each.moment for each in shown])
    marks = [mark_view(mark, place, questions, services.time_zone) for mark, place in zip(shown, places, strict=True)]
    return render(request, "learning_marks.html", {"marks": marks, "count": count, "page": number, "pages": pages})


@router.post("/me/learning/marks", dependencies=[needs(Action.BE_HERE)])
def keep_mark(request: Request, form: Form) -> Response:
    database, asker = services_of(request).database, asker_of(request)
    own_learning.learner_who_is_on(database, asker)
    moment = own_learning.moment_in(database, caller_of(request), form.fields)
    question_id = form.fields.get("question") or None
    mark = acts.bookmark(database, asker, moment, question_id=question_id, now=utc_now())
    view = KeepView(
        moment.recording_id, moment.start_s, moment.end_s, mark.question_id or "", mark.id, "at" in form.fields
    )
    return _kept(request, view)


@router.post("/me/learning/marks/{mark_id}/note", dependencies=[needs(Action.BE_HERE)])
def note_mark(request: Request, mark_id: str, form: Form) -> Response:
    acts.note(services_of(request).database, asker_of(request), mark_id, form.fields.get("note", ""))
    return _to(f"{HOME}/marks#mark-{quote(mark_id, safe='')}")


@router.post("/me/learning/marks/{mark_id}/delete", dependencies=[needs(Action.BE_HERE)])
def delete_mark(request: Request, mark_id: str, form: Form) -> Response:
    """From the list, or beside the moment itself: then the form says which, for it can be kept again."""
    services = services_of(request)
    acts.delete_bookmark(services.database, services.home, asker_of(request), mark_id, beside=services.deletions_beside)
    if "recording" not in form.fields:
        return _to(f"{HOME}/marks")
    moment = own_learning.moment_in(services.database, caller_of(request), form.fields)
    question = form.fields.get("question", "")
    shows_time = form.fields.get("shows-time") == "yes"
    return _kept(request, KeepView(moment.recording_id, moment.start_s, moment.end_s, question, "", shows_time))


@router.get("/me/learning/cards", dependencies=[needs(Action.BE_HERE)])
def cards_page(request: Request, page: int = 1) -> Response:
    services, caller = services_of(request), caller_of(request)
    asker = _asker_who_is_on(request)
    learner = own_learning.learner_who_is_on(services.database, asker)
    _, count = own_learning.card_page(services.database, learner.id, first=0, limit=0)
    pages, number = _pages(count, page)
    shown, _ = own_learning.card_page(services.database, learner.id, first=(number - 1) * _A_PAGE, limit=_A_PAGE)
    questions = own_learning.question_texts(services.database, asker, (each.question_id for each in shown))
    places = own_learning.places(services.database, caller, [each.moment for each in shown])
    cards = [card_view(card, place, questions, services.time_zone) for card, place in zip(shown, places, strict=True)]
    values = {"cards": cards, "count": count, "page": number, "pages": pages, "now": utc_now()}
    return render(request, "learning_cards.html", values)


@router.post("/me/learning/cards", dependencies=[needs(Action.BE_HERE)])
def make_card(request: Request, form: Form) -> Response:
    services, caller, asker = services_of(request), caller_of(request), asker_of(request)
    own_learning.learner_who_is_on(services.database, asker)
    moment = own_learning.moment_in(services.database, caller, form.fields)
    kind = _kind(form.fields.get("kind", ""))
    if kind is CardKind.CLOZE:
        own_learning.refuse_without_words(services.database, caller, moment)
    question_id = form.fields.get("question") or None
    acts.make_card(
        services.database, asker, moment, kind, question_id=question_id, recall=services.recall, now=utc_now()
    )
    return render(request, "partials/card_made.html", {}) if is_partial(request) else _to(f"{HOME}/cards")


@router.post("/me/learning/cards/{card_id}/delete", dependencies=[needs(Action.BE_HERE)])
def delete_card(request: Request, card_id: str, form: Form) -> Response:
    """From the list, or where it was to be asked and could not be: then on to the next."""
    services = services_of(request)
    acts.delete_card(services.database, services.home, asker_of(request), card_id, beside=services.deletions_beside)
    return _to(f"{HOME}/check" if form.fields.get("then") == "check" else f"{HOME}/cards")


@router.get("/me/learning/check", dependencies=[needs(Action.BE_HERE)])
def check_page(request: Request, rated: str = "") -> Response:
    """`rated`: the review that was just made, and can be taken back."""
    services, caller = services_of(request), caller_of(request)
    asker = _asker_who_is_on(request)
    learner = own_learning.learner_who_is_on(services.database, asker)
    now, zone = utc_now(), services.time_zone
    check = own_learning.next_check(services.database, caller, asker, learner.id, now=now, zone=zone)
    values = {
        "check": check_view(check) if check else None,
        "due": own_learning.count_due(services.database, caller, learner.id, now=now, zone=zone),
        "rated": rated if own_learning.may_undo(services.database, learner.id, rated) else "",
    }
    return render(request, "learning_check.html", values)


@router.post("/me/learning/check/{card_id}", dependencies=[needs(Action.BE_HERE)])
def rate_card(request: Request, card_id: str, form: Form) -> Response:
    services, seen = services_of(request), form.fields.get("seen", "")
    review = acts.rate(
        services.database,
        asker_of(request),
        card_id,
        form.fields.get("rating", ""),
        seen=int(seen) if seen.isdecimal() and len(seen) < 8 else -1,
        recall=services.recall,
        now=utc_now(),
    )
    return _to(f"{HOME}/check?rated={review.id}" if review else f"{HOME}/check")


@router.post("/me/learning/undo", dependencies=[needs(Action.BE_HERE)])
def undo_rating(request: Request, form: Form) -> Response:
    acts.undo(services_of(request).database, asker_of(request), form.fields.get("rated", ""))
    return _to(f"{HOME}/check")


def _asked(
    request: Request,
    found: list[LoggedQuestion],
    *,
    older: str | None = None,
    wanted: str = "",
    more: bool = False,
) -> Response:
    services, caller = services_of(request), caller_of(request)
    quoted = (hit["recording_id"] for question in found for hit in question.document["hits"])
    recordings = library.recordings_by_id(services.database, caller, quoted)
    courses = library.course_names(services.database, caller)
    days = day_views(found, recordings, courses, services.time_zone)
    values = {"days": days, "older": older, "wanted": wanted, "more": more, "most": _MOST_FOUND}
    return render(request, "learning_asked.html", values)


def _kept(request: Request, view: KeepView) -> Response:
    """The button in its new state; without a script back to where it stood."""
    if is_partial(request):
        return render(request, "partials/kept.html", {"keep": view})
    if view.question_id:
        return _to(f"/questions/{quote(view.question_id, safe='')}")
    return _to(f"/recordings/{quote(view.recording_id, safe='')}?t={view.start_s:.3f}")


def _delete_all(request: Request) -> Response:
    services = services_of(request)
    acts.delete_all(services.database, services.home, asker_of(request), beside=services.deletions_beside)
    return _to(HOME)


def _asker_who_is_on(request: Request) -> str:
    """Raises NotOn."""
    asker = asker_of(request)
    own_learning.learner_who_is_on(services_of(request).database, asker)
    return asker


def _kind(text: str) -> CardKind:
    try:
        return CardKind(text)
    except ValueError as error:
        raise BadInput(*NO_SUCH_MOMENT) from error


def _pages(count: int, page: int) -> tuple[int, int]:
    """How many pages there are, and which of them this is."""
    pages = max(1, math.ceil(count / _A_PAGE))
    return pages, min(max(1, page), pages)


def _to(address: str) -> Response:
    return RedirectResponse(address, status_code=303)
