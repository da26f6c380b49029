"""Ask: the first page, the question's way in, and the page of one answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from assistant.answering.answer import Answer
from assistant.answering.ask import NOTE_NO_SPEECH
from assistant.errors import BadInput
from assistant.questions import log
from web import askers, library
from web.library import services_of
from web.metrics import count_answer
from web.render import is_partial, render
from web.spoken_languages import remember_spoken, spoken_by
from web.uploads import UploadedForm, read_form
from web.views.answers import AnswerView, answer_view, recent_view
from web.views.recordings import player_view

router = APIRouter(include_in_schema=False)
EMPTY_SOUND = ("the file is empty", "record or choose another")
"""What is wrong, behind the file's name, and what to do, as pages say it in their language."""
_EXAMPLES = 4
_RECENT = 5

Form = Annotated[UploadedForm, Depends(read_form)]


@router.get("/")
def ask_page(request: Request) -> Response:
    values = {"answer": None, "examples": _examples(request), "nothing_heard": False}
    reply = render(request, "ask.html", _frame(request) | values)
    if askers.asker_of(request) is None:
        askers.remember_asker(reply, askers.new_asker())
    return reply


@router.post("/ask")
def ask(request: Request, form: Form) -> Response:
    asker = askers.asker_of(request) or askers.new_asker()
    turn = askers.asker_of(request) or askers.address_of(request)
    answer = _answered(request, form, asker, turn)
    count_answer(request, answer)
    if NOTE_NO_SPEECH in answer.notes:
        return _nothing_heard(request)
    address = f"/questions/{answer.id}"
    if is_partial(request):
        view = _view(request, answer.id, asker)
        reply: Response = render(
            request, "partials/answer.html", _answer_values(request, view), headers={"HX-Push-Url": address}
        )
    else:
        reply = RedirectResponse(address, status_code=303)
    askers.remember_asker(reply, asker)
    if "language" in form.fields:
        remember_spoken(reply, form.fields["language"].strip())
    return reply


@router.get("/ask")
def back_to_asking() -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse("/", status_code=303)


@router.get("/questions/{question_id}")
def question_page(request: Request, question_id: str) -> Response:
    view = _view(request, question_id, askers.asker_of(request))
    values = _answer_values(request, view) | {"examples": (), "nothing_heard": False}
    return render(request, "ask.html", _frame(request) | values)


def _answered(request: Request, form: UploadedForm, asker: str, turn: str) -> Answer:
    services = services_of(request)
    sound = form.file("sound")
    text = form.fields.get("text", "").strip()
    courses = library.permitted_courses(services.database, form.fields.get("course", ""))
    language = form.fields.get("language", "").strip() or None
    if sound is not None and sound.content:
        return services.asking.sound(
            sound.content,
            filename=sound.filename or "question",
            courses=courses,
            language=language,
            asker=asker,
            turn=turn,
            explain=True,
        )
    if sound is not None and not text:
        raise BadInput(f"{sound.filename}: {EMPTY_SOUND[0]}", EMPTY_SOUND[1])
    # what is typed shows its language itself
    return services.asking.text(text, courses=courses, asker=asker, turn=turn, explain=True)


def _nothing_heard(request: Request) -> Response:
    if is_partial(request):
        return render(request, "partials/nothing_heard.html", {})
    values = {"answer": None, "examples": _examples(request), "nothing_heard": True}
    return render(request, "ask.html", _frame(request) | values)


def _view(request: Request, question_id: str, asker: str | None) -> AnswerView:
    database = services_of(request).database
    question = library.own_question(database, question_id, asker)
    found = library.recordings_by_id(database, (hit["recording_id"] for hit in question.document["hits"]))
    return answer_view(question, found, library.course_names(database))


def _answer_values(request: Request, view: AnswerView) -> dict[str, object]:
    database = services_of(request).database
    first = view.moments[0] if view.moments else None
    player = None
    if first is not None:
        player = player_view(database, library.recording(database, first.recording_id), span=first.span)
    return {"answer": view, "player": player}


def _frame(request: Request) -> dict[str, object]:
    """What the ask form needs, with or without an answer below."""
    database = services_of(request).database
    asker = askers.asker_of(request)
    recent = log.recent(database, asker=asker, limit=_RECENT) if asker else []
    return {
        "courses": library.courses(database),
        "recent": [recent_view(question) for question in recent],
        "spoken": spoken_by(request),
    }


def _examples(request: Request) -> tuple[str, ...]:
    return tuple(services_of(request).examples())[:_EXAMPLES]
