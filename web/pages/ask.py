"""Ask: the first page, the question's way in, and the page of one answer."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from assistant.access.policy import Action
from assistant.answering.answer import Answer
from assistant.answering.ask import NOTE_NO_SPEECH
from assistant.errors import BadInput, NotFound
from assistant.notices import store as notices
from assistant.questions import log
from assistant.questions.log import LoggedQuestion
from assistant.questions.sounds import sound_of
from web import library, own_learning
from web.interface_languages import language_of
from web.library import services_of
from web.metrics import count_answer
from web.render import is_partial, render
from web.rules import needs
from web.spoken_languages import remember_spoken, spoken_by
from web.uploads import UploadedForm, read_form
from web.views.answers import AnsweredView, AnswerView, answer_view, answered_view, recent_view
from web.views.learning import KeepsView
from web.views.recordings import player_view
from web.visitors import caller_of, turn_of, visitor_of

router = APIRouter(include_in_schema=False)
EMPTY_SOUND = ("the file is empty", "record or choose another")
"""What is wrong, behind the file's name, and what to do, as pages say it in their language."""
NO_SOUND = ("the sound of this question is not kept", "its text and its answer are on its page")
_EXAMPLES = 4
_RECENT = 5
_TOLD = 50

Form = Annotated[UploadedForm, Depends(read_form)]


@router.get("/", dependencies=[needs(Action.BE_HERE)])
def ask_page(request: Request, course: str = "") -> Response:
    """`course`: its id, to be asked alone; one that is not there for the caller is as none."""
    values = {"answer": None, "examples": _examples(request), "nothing_heard": False, "chosen_course": course}
    return render(request, "ask.html", _frame(request) | values)


@router.post("/ask", dependencies=[needs(Action.ASK)])
def ask(request: Request, form: Form) -> Response:
    answer = _answered(request, form)
    count_answer(request, answer)
    _note_language(request)
    if NOTE_NO_SPEECH in answer.notes:
        return _nothing_heard(request)
    address = f"/questions/{answer.id}"
    if is_partial(request):
        view = view_of(request, answer.id)
        reply: Response = render(
            request, "partials/answer.html", _answer_values(request, view), headers={"HX-Push-Url": address}
        )
    else:
        reply = RedirectResponse(address, status_code=303)
    if "language" in form.fields:
        remember_spoken(reply, form.fields["language"].strip())
    return reply


@router.get("/ask", dependencies=[needs(Action.BE_HERE)])
def back_to_asking() -> Response:
    """Somebody reloads what was posted."""
    return RedirectResponse("/", status_code=303)


@router.get("/questions/{question_id}", dependencies=[needs(Action.BE_HERE)])
def question_page(request: Request, question_id: str) -> Response:
    view = view_of(request, question_id)
    _mark_seen(request, view)
    values = _answer_values(request, view) | {"examples": (), "nothing_heard": False}
    return render(request, "ask.html", _frame(request) | values)


@router.get("/questions/{question_id}/sound", dependencies=[needs(Action.BE_HERE)])
def question_sound(request: Request, question_id: str) -> Response:
    """What was said, for whoever said it alone."""
    services = services_of(request)
    question = library.own_question(services.database, question_id, visitor_of(request).asker)
    sound = sound_of(services.home, question.id)
    if sound is None or services.keeping.sound_until(sound.kept_at) is None:
        raise NotFound(*NO_SOUND)
    return FileResponse(sound.path, media_type=sound.media_type, headers={"cache-control": "private, no-store"})


def _answered(request: Request, form: UploadedForm) -> Answer:
    services = services_of(request)
    asker, turn = visitor_of(request).asker, turn_of(request)
    sound = form.file("sound")
    text = form.fields.get("text", "").strip()
    courses = library.courses_to_search(services.database, caller_of(request), form.fields.get("course", ""))
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


def _mark_seen(request: Request, view: AnswerView) -> None:
    asker = visitor_of(request).asker
    if asker is not None:
        notices.mark_seen(services_of(request).database, asker, view.id)


def _note_language(request: Request) -> None:
    """For a mail that says that somebody has answered."""
    services, person_id = services_of(request), caller_of(request).person_id
    if services.mails and person_id is not None:
        notices.note_language(services.database, person_id, language_of(request).code)


def _nothing_heard(request: Request) -> Response:
    if is_partial(request):
        return render(request, "partials/nothing_heard.html", {})
    values = {"answer": None, "examples": _examples(request), "nothing_heard": True}
    return render(request, "ask.html", _frame(request) | values)


def view_of(request: Request, question_id: str) -> AnswerView:
    """The asker's own answer, as it is shown now. Raises NotFound."""
    database, caller = services_of(request).database, caller_of(request)
    question = library.own_question(database, question_id, visitor_of(request).asker)
    found = library.recordings_by_id(database, caller, (hit["recording_id"] for hit in question.document["hits"]))
    judged = library.judged(database, question)
    view = answer_view(question, found, library.course_names(database, caller), judged)
    return view.with_taught(_taught(request, question))


def _answer_values(request: Request, view: AnswerView) -> dict[str, object]:
    database = services_of(request).database
    first = view.moments[0] if view.moments else None
    player = None
    if first is not None:
        player = player_view(
            database, library.recording(database, caller_of(request), first.recording_id), span=first.span
        )
    return {
        "answer": view,
        "player": player,
        "sound_until": _sound_until(request, view),
        "keeps": _keeps(request, view),
    }


def _keeps(request: Request, view: AnswerView) -> KeepsView | None:
    """Which of its moments the person wants to come back to; None where they keep nothing."""
    marked = own_learning.bookmarks_in(
        services_of(request).database, visitor_of(request).asker, [moment.recording_id for moment in view.moments]
    )
    return None if marked is None else KeepsView(marked, view.id)


def _taught(request: Request, question: LoggedQuestion) -> AnsweredView | None:
    database, caller = services_of(request).database, caller_of(request)
    found = library.trainers_answer(database, caller, question)
    return answered_view(found, library.course_names(database, caller)) if found else None


def _sound_until(request: Request, view: AnswerView) -> dt.datetime | None:
    services = services_of(request)
    sound = sound_of(services.home, view.id) if view.spoken else None
    return services.keeping.sound_until(sound.kept_at) if sound else None


def _frame(request: Request) -> dict[str, object]:
    """What the ask form needs, with or without an answer below."""
    database, caller = services_of(request).database, caller_of(request)
    asker = visitor_of(request).asker
    recent = log.recent(database, asker=asker, limit=_RECENT) if asker else []
    told = {each.question_id for each in notices.notices_of(database, asker, limit=_TOLD)} if asker else set()
    return {
        "courses": library.courses(database, caller),
        "recent": [recent_view(question, told) for question in recent],
        "spoken": spoken_by(request),
        "keeping": services_of(request).keeping,
        "chosen_course": "",
    }


def _examples(request: Request) -> tuple[str, ...]:
    services = services_of(request)
    return tuple(services.examples(library.permitted(services.database, caller_of(request))))[:_EXAMPLES]
