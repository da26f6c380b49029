"""What nobody could answer: trainers see it by meaning, answer it, and take an answer back."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from assistant.access.policy import Action
from assistant.errors import BadInput, Conflict, EarmarkError
from assistant.inbox import answers, items
from assistant.inbox.answers import NO_MOMENT
from assistant.inbox.items import OpenItem
from assistant.inbox.tables import WAITING
from assistant.questions.invented import has_invented
from knowledge.database import utc_now
from web import library
from web.error_pages import status_of
from web.interface_languages import language_of, words_of
from web.library import services_of
from web.open_questions import WEEKS, read_shares, waiting
from web.pages.jobs import uploaded_form
from web.receiving import receive_all
from web.render import render
from web.reports.charts import NARROW, WIDE, as_svg
from web.rules import needs
from web.uploads import UploadedForm, read_form
from web.views.answers import AnsweredView, MomentView, answered_view
from web.views.inbox import item_view, moment_in_link, nearest_views, shares_chart
from web.visitors import caller_of, turn_of

router = APIRouter(include_in_schema=False)
Form = Annotated[UploadedForm, Depends(read_form)]
_SHOWN, _LATELY, _NEAREST = 100, 10, 5


@router.get("/inbox", dependencies=[needs(Action.ANSWER_OPEN)])
def inbox_page(request: Request) -> Response:
    services, caller, now = services_of(request), caller_of(request), utc_now()
    mine = library.permitted(services.database, caller, Action.EDIT)
    heard = library.permitted(services.database, caller)
    names = library.course_names(services.database, caller)
    with services.database.read() as session:
        aside = items.set_aside_items(session, heard, zone=services.time_zone, limit=_LATELY)
        made = answers.newest_answers(session, heard, limit=_LATELY)
        invented = has_invented(session)
        made_lately = answers.how_many(session, heard, since=now - dt.timedelta(weeks=WEEKS))
    values = {
        "waiting": waiting(services, caller, most=_SHOWN),
        "aside": [item_view(each, names) for each in aside],
        "answered": [answered_view(each, names, may_undo=each.course_id in mine) for each in made],
        "made_lately": made_lately,
        "weeks": WEEKS,
        "shares": read_shares(services, now=now),
        "invented_shares": invented,
    }
    return render(request, "inbox.html", values)


@router.get("/inbox/list", dependencies=[needs(Action.ANSWER_OPEN)])
def inbox_list(request: Request, most: Annotated[int, Query(ge=1, le=_SHOWN)] = _SHOWN, mark: str = "") -> Response:
    """What the pages ask for again and again; nothing where it is as it was."""
    found = waiting(services_of(request), caller_of(request), most=most)
    if found.mark == mark:
        return Response(status_code=204)
    return render(request, "partials/open_questions.html", {"waiting": found})


@router.get("/inbox/chart.svg", dependencies=[needs(Action.ANSWER_OPEN)])
def chart(request: Request, narrow: str = "") -> Response:
    """`narrow`: for a telephone."""
    drawn = shares_chart(read_shares(services_of(request), now=utc_now()), words_of(language_of(request)))
    headers = {"cache-control": "no-store", "vary": "Cookie, Accept-Language"}
    return Response(as_svg(drawn, width=NARROW if narrow else WIDE), media_type="image/svg+xml", headers=headers)


@router.get("/inbox/{item_id}", dependencies=[needs(Action.ANSWER_OPEN)])
def item_page(request: Request, item_id: str) -> Response:
    return _item_page(request, _item(request, item_id), {})


@router.post("/inbox/{item_id}/search", dependencies=[needs(Action.ANSWER_OPEN)])
def search(request: Request, item_id: str, form: Form) -> Response:
    """Other words may come nearer. They are in no address: nobody's words are."""
    return _item_page(request, _item(request, item_id), form.fields)


@router.post("/inbox/{item_id}/moment", dependencies=[needs(Action.ANSWER_OPEN)])
def answer_with_moment(request: Request, item_id: str, form: Form) -> Response:
    database, caller, question = services_of(request).database, caller_of(request), form.fields.get("question", "")

    def answer() -> None:
        moment = moment_in_link(form.fields.get("link", ""), form.fields.get("end", ""))
        if moment is None:
            raise BadInput(*NO_MOMENT)
        answers.answer_with_moment(database, caller, item_id, question=question, moment=moment, now=utc_now())

    return _done_or_told(request, item_id, form, answer)


@router.post("/inbox/{item_id}/line", dependencies=[needs(Action.ANSWER_OPEN)])
def answer_with_line(request: Request, item_id: str, form: Form) -> Response:
    database, caller, fields = services_of(request).database, caller_of(request), form.fields

    def answer() -> None:
        answers.answer_with_line(
            database,
            caller,
            item_id,
            question=fields.get("question", ""),
            line=fields.get("line", ""),
            course_id=fields.get("course", ""),
            now=utc_now(),
        )

    return _done_or_told(request, item_id, form, answer)


@router.post("/inbox/{item_id}/recording", dependencies=[needs(Action.ANSWER_OPEN)])
def answer_with_recording(
    request: Request, item_id: str, form: Annotated[UploadedForm, Depends(uploaded_form)]
) -> Response:
    services, caller, question = services_of(request), caller_of(request), form.fields.get("question", "")

    def answer() -> None:
        answers.check_wants_recording(_item(request, item_id).state, question)
        [received, *_beside] = receive_all(services, caller, form)
        answers.answer_with_recording(
            services.database, caller, item_id, question=question, recording_id=received.recording_id, now=utc_now()
        )

    return _done_or_told(request, item_id, form, answer)


@router.post("/inbox/{item_id}/set-aside", dependencies=[needs(Action.ANSWER_OPEN)])
def set_aside(request: Request, item_id: str, form: Form) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    return _done_or_told(request, item_id, form, lambda: answers.set_aside(database, caller, item_id, now=utc_now()))


@router.post("/inbox/{item_id}/open", dependencies=[needs(Action.ANSWER_OPEN)])
def open_again(request: Request, item_id: str, form: Form) -> Response:
    database, caller = services_of(request).database, caller_of(request)
    return _done_or_told(request, item_id, form, lambda: answers.open_again(database, caller, item_id, now=utc_now()))


@router.post("/inbox/answers/{answer_id}/withdraw", dependencies=[needs(Action.ANSWER_OPEN)])
def withdraw(request: Request, answer_id: str, _form: Form) -> Response:
    answers.withdraw(services_of(request).database, caller_of(request), answer_id, now=utc_now())
    return _back()


def _done_or_told(request: Request, item_id: str, form: UploadedForm, act: Callable[[], None]) -> Response:
    """Back to the list; or the question's page as it is now, with what was typed and why it was not taken: nobody
    writes an answer twice because somebody else was a second earlier."""
    try:
        act()
    except (BadInput, Conflict) as trouble:
        return _item_page(request, _item(request, item_id), form.fields, trouble)
    return _back()


def _item(request: Request, item_id: str) -> OpenItem:
    services = services_of(request)
    heard = library.permitted(services.database, caller_of(request))
    with services.database.read() as session:
        return items.item(session, item_id, heard, zone=services.time_zone)


def _item_page(
    request: Request, item: OpenItem, typed: Mapping[str, str], trouble: EarmarkError | None = None
) -> Response:
    services, caller = services_of(request), caller_of(request)
    view = item_view(item, library.course_names(services.database, caller))
    waits, words = item.state in WAITING, typed.get("words", "").strip() or view.question
    values = {
        "item": view,
        "waits": waits,
        "answered": _answered(request, item),
        "nearest": _nearest(request, words) if waits else (),
        "words": words,
        "courses": library.courses(services.database, caller, Action.EDIT),
        "coming": library.recordings_by_id(services.database, caller, [item.recording_id] if item.recording_id else ()),
        "typed": {"question": view.question, "line": "", "link": "", "end": "", "course": "", **typed},
        "trouble": trouble,
    }
    return render(request, "inbox_item.html", values, status=int(status_of(trouble)) if trouble else 200)


def _nearest(request: Request, words: str) -> tuple[MomentView, ...]:
    """Moments of the courses that the caller may answer into."""
    services, caller = services_of(request), caller_of(request)
    mine = {course.id: course.name for course in library.courses(services.database, caller, Action.EDIT)}
    found = services.asking.text(words, courses=frozenset(mine), k=_NEAREST, turn=turn_of(request), log=False)
    recordings = library.recordings_by_id(services.database, caller, (each.hit.recording_id for each in found.hits))
    return nearest_views(found, recordings, mine)


def _answered(request: Request, item: OpenItem) -> AnsweredView | None:
    services, caller = services_of(request), caller_of(request)
    with services.database.read() as session:
        found = answers.answer_of(session, item.id, library.permitted(services.database, caller))
    if found is None:
        return None
    mine = library.permitted(services.database, caller, Action.EDIT)
    names = library.course_names(services.database, caller)
    return answered_view(found, names, may_undo=found.course_id in mine)


def _back() -> Response:
    return RedirectResponse("/inbox", status_code=303)
