"""Questions by program: text as JSON, or a voice as multipart."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError

from assistant.access.policy import Action
from assistant.answering.answer import Answer
from assistant.errors import BadInput
from assistant.feedback.tables import Judgement
from knowledge.database import utc_now
from web import library
from web.api.models import PROBLEMS, AnswerOut, JudgementIn, JudgementOut, QuestionIn
from web.library import services_of
from web.metrics import count_answer, count_judgement
from web.rules import needs
from web.uploads import UploadedFile, read_document, read_form
from web.visitors import caller_of, turn_of

router = APIRouter(prefix="/api/v1", tags=["questions"], responses=PROBLEMS)
_QUESTION = TypeAdapter(QuestionIn)
_JUDGEMENT = TypeAdapter(JudgementIn)
_SAID = {"yes": Judgement.YES, "no": Judgement.NO, "nothing": None}
_LONGEST_JSON_BYTES = 64_000
_VOICE = {
    "type": "object",
    "required": ["audio"],
    "properties": {
        "audio": {"type": "string", "format": "binary", "description": "at most 60 s of sound"},
        "language": {"type": "string"},
        "course": {"type": "string"},
        "k": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5},
        "explain": {"type": "boolean", "default": False},
    },
}
_FIELDS = frozenset(_VOICE["properties"]) - {"audio"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": QuestionIn.model_json_schema()},
            "multipart/form-data": {"schema": _VOICE},
        },
    }
}


_JUDGEMENT_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": JudgementIn.model_json_schema()}}}
}


@dataclass(frozen=True, slots=True)
class AskedByProgram:
    """Either `sound` or `question.text`."""

    question: QuestionIn
    sound: UploadedFile | None


async def asked(request: Request) -> AskedByProgram:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data":
        form = await read_form(request)
        sound = form.file("audio")
        if sound is None or not sound.content:
            raise BadInput("the form has no sound", "send it in the field `audio`, or send JSON with `text`")
        known = {name: value for name, value in form.fields.items() if name in _FIELDS and value}
        return AskedByProgram(_question({"text": "-", **known}), sound)
    return AskedByProgram(_question(await read_document(request, most_bytes=_LONGEST_JSON_BYTES)), None)


@router.post(
    "/questions",
    dependencies=[needs(Action.ASK)],
    response_model=AnswerOut,
    response_model_exclude_unset=True,
    openapi_extra=_BODY,
)
def ask(request: Request, asked: Annotated[AskedByProgram, Depends(asked)]) -> Any:
    """Ask; the answer is the document of `earmark ask --json`."""
    answer = _answered(request, asked)
    count_answer(request, answer)
    return answer.as_document()


async def judged(request: Request) -> JudgementIn:
    given = await read_document(request, most_bytes=_LONGEST_JSON_BYTES)
    try:
        return _JUDGEMENT.validate_json(given)
    except ValidationError as error:
        raise _not_as_described(error) from error


@router.post(
    "/questions/{question_id}/judgement",
    dependencies=[needs(Action.ASK)],
    response_model=JudgementOut,
    openapi_extra=_JUDGEMENT_BODY,
)
def judge(request: Request, question_id: str, judged: Annotated[JudgementIn, Depends(judged)]) -> Any:
    """Was this it? Of a question that was asked with a token of the same person, or on a page by that person."""
    database, caller = services_of(request).database, caller_of(request)
    rank = judged.rank if judged.said == "yes" else None
    library.judge_own(database, caller, question_id, caller.person_id, _SAID[judged.said], rank=rank, now=utc_now())
    count_judgement(request, judged.said)
    return JudgementOut(said=judged.said, rank=rank)


def _question(given: bytes | dict[str, str]) -> QuestionIn:
    try:
        return _QUESTION.validate_json(given) if isinstance(given, bytes) else _QUESTION.validate_python(given)
    except ValidationError as error:
        raise _not_as_described(error) from error


def _not_as_described(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return BadInput(f"{where}: {first['msg']}" if where else first["msg"], "see /api/docs")


def _answered(request: Request, asked: AskedByProgram) -> Answer:
    services = services_of(request)
    question, turn = asked.question, turn_of(request)
    caller = caller_of(request)
    courses = library.courses_to_search(services.database, caller, question.course or "")
    if asked.sound is not None:
        assert asked.sound.content is not None
        return services.asking.sound(
            asked.sound.content,
            filename=asked.sound.filename or "question",
            courses=courses,
            language=question.language,
            k=question.k,
            asker=caller.person_id,
            turn=turn,
            explain=question.explain,
        )
    return services.asking.text(
        question.text,
        courses=courses,
        language=question.language,
        k=question.k,
        asker=caller.person_id,
        turn=turn,
        explain=question.explain,
    )
