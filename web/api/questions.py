"""Questions by program: text as JSON, or a voice as multipart."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter, ValidationError

from assistant.answering.answer import Answer
from assistant.errors import BadInput
from web import askers, library
from web.api.models import PROBLEMS, AnswerOut, QuestionIn
from web.library import services_of
from web.metrics import count_answer
from web.uploads import UploadedFile, read_form

router = APIRouter(prefix="/api/v1", tags=["questions"], responses=PROBLEMS)
_QUESTION = TypeAdapter(QuestionIn)
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
    body = await request.body()
    if len(body) > _LONGEST_JSON_BYTES:
        raise BadInput(f"the question has {len(body):,} bytes", f"{_LONGEST_JSON_BYTES:,} are read")
    return AskedByProgram(_question(body), None)


@router.post("/questions", response_model=AnswerOut, response_model_exclude_unset=True, openapi_extra=_BODY)
def ask(request: Request, asked: Annotated[AskedByProgram, Depends(asked)]) -> Any:
    """Ask; the answer is the document of `earmark ask --json`."""
    answer = _answered(request, asked)
    count_answer(request, answer)
    return answer.as_document()


def _question(given: bytes | dict[str, str]) -> QuestionIn:
    try:
        return _QUESTION.validate_json(given) if isinstance(given, bytes) else _QUESTION.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}: {first['msg']}" if where else first["msg"], "see /api/docs") from error


def _answered(request: Request, asked: AskedByProgram) -> Answer:
    services = services_of(request)
    question, turn = asked.question, askers.address_of(request)
    courses = library.permitted_courses(services.database, question.course or "")
    if asked.sound is not None:
        assert asked.sound.content is not None
        return services.asking.sound(
            asked.sound.content,
            filename=asked.sound.filename or "question",
            courses=courses,
            language=question.language,
            k=question.k,
            turn=turn,
            explain=question.explain,
        )
    return services.asking.text(
        question.text,
        courses=courses,
        language=question.language,
        k=question.k,
        turn=turn,
        explain=question.explain,
    )
