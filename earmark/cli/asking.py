"""`earmark ask`: a question from a sound file, from the line, or many from a file."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.answering.answer import Answer
from assistant.answering.ask import NOTE_LANGUAGE, NOTE_NOT_RERANKED, NOTE_WORDS_ALONE, Asking
from assistant.engine.client import EngineClient, EngineState, ModelState
from assistant.errors import BadInput, EarmarkError, PartDown
from earmark.build import House, open_asking, open_engine, open_house
from earmark.cli.console import clock, say, tell, tell_json
from earmark.cli.explaining import tell_hit_explanation, tell_verdict_explanation
from earmark.cli.flags import settings_of
from knowledge.finding.moment import Verdict
from knowledge.recordings import store as recordings

SPOKEN_VERDICTS = {
    Verdict.ANSWERED: "The recordings answer this:",
    Verdict.CLOSEST: "Not sure. The closest I have:",
    Verdict.ABSENT: "The recordings do not answer this.",
}


SPOKEN_NOTES = {
    NOTE_WORDS_ALONE: "Found by words and sounds alone: the part that compares meanings is not running, or is late.",
    NOTE_LANGUAGE: "The embedder does not know this language: words and sounds decide.",
    NOTE_NOT_RERANKED: "Found without the reranker: it is not running, or would have taken too long.",
}


LOADING_PATIENCE_S = 60.0
WAITS_SILENTLY_S = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file of questions: a text, or a sound file beside it."""

    id: str
    text: str | None
    audio: Path | None


@dataclass(frozen=True, slots=True)
class How:
    """How every question of this call is asked."""

    courses: frozenset[str] | None
    language: str | None
    k: int
    log: bool
    explain: bool


def hang(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    context: typer.Context,
    audio: Annotated[Path | None, typer.Argument(help="A sound file with the question.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="The question, typed.")] = None,
    questions: Annotated[
        Path | None, typer.Option(help='A file of lines {"id", "text" or "audio"}; one answer a line.')
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many moments.")] = 5,
    course: Annotated[str | None, typer.Option(help="Search this course alone.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the question, such as en; detected if absent.")
    ] = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="Do not keep the question in the log.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each moment stands where it does.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Ask a question; print the moments that answer it.

    \b
    earmark ask question.wav
    earmark ask --text "How do I report a near miss?" --course "Workplace safety"
    """
    if sum(given is not None for given in (audio, text, questions)) != 1:
        raise BadInput("give one of AUDIO, --text and --questions", 'try: earmark ask --text "…"')
    lines = _read_lines(questions) if questions else None
    settings = settings_of(context)
    with open_house(settings) as house, open_engine(settings) as engine, open_asking(house, engine) as asking:
        wait_for_models(engine)
        how = How(_course_ids(house, course), language, k, not no_log, explain)
        if lines is not None:
            return _ask_many(asking, lines, how, as_json=as_json)
        answer = _ask_one(asking, Line("", text, audio), how)
        _tell_answer(answer, as_json=as_json)
    return 0


def wait_for_models(
    engine: EngineClient,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """An engine started for this call loads its models first: asked at once it would leave out what compares
    meanings. Neither silently nor for ever: without it words and sounds answer, and a note says so."""
    started, told = clock(), False
    with suppress(PartDown):
        models = _models(engine.state())
        while any(each.state == "loading" for each in models) and clock() - started < LOADING_PATIENCE_S:
            if not told and clock() - started >= WAITS_SILENTLY_S:
                say(f"waiting for {' and '.join(each.name for each in models)} to be loaded …")
                told = True
            sleep(0.1)
            models = _models(engine.state())
        for each in models:
            if each.state != "ready":
                say(f"{each.name} is {each.state}: {each.detail or 'it takes too long'}")


def _models(state: EngineState) -> list[ModelState]:
    """Those that finding asks."""
    return [model for model in (state.embedder, state.reranker) if model is not None]


def _ask_one(asking: Asking, line: Line, how: How) -> Answer:
    if line.audio is None:
        return asking.text(
            line.text or "",
            courses=how.courses,
            language=how.language,
            k=how.k,
            log=how.log,
            explain=how.explain,
        )
    return asking.sound(
        _sound(line.audio),
        filename=line.audio.name,
        courses=how.courses,
        language=how.language,
        k=how.k,
        log=how.log,
        explain=how.explain,
    )


def _sound(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise BadInput(f"{path}: no such sound file", "name a wav, mp3, m4a, flac, ogg, webm or mp4")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def _ask_many(asking: Asking, lines: list[Line], how: How, *, as_json: bool) -> int:
    """A failed line is told in its place and the rest go on; a part that is down ends the call."""
    failed = 0
    for line in lines:
        try:
            answer = _ask_one(asking, line, how)
        except PartDown:
            raise
        except EarmarkError as error:
            failed += 1
            tell_json({"id": line.id, "error": str(error)}) if as_json else say(f"{line.id}: {error}")
            continue
        if as_json:
            document = answer.as_document()
            tell_json({**document, "id": line.id, "question_id": answer.id})
        else:
            tell(f"[{line.id}]")
            _tell_answer(answer, as_json=False)
    return 1 if failed else 0


def _tell_answer(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        tell_json(answer.as_document())
        return
    if answer.question.duration_s is not None:
        tell(f'Heard: "{answer.question.text}"' if answer.question.text else "I heard no speech.")
    tell(SPOKEN_VERDICTS[answer.verdict])
    for note in answer.notes:
        if note in SPOKEN_NOTES:
            tell(SPOKEN_NOTES[note])
    for answered in answer.hits:
        hit = answered.hit
        tell(f"  {hit.rank}. {answered.title}, {clock(hit.start_s)} to {clock(hit.end_s)}  ({answered.course})")
        tell(f"     “{hit.sentence.text}”")
        if hit.explanation is not None:
            tell_hit_explanation(hit.explanation, score=hit.score)
    if answer.explanation is not None:
        tell_verdict_explanation(answer, answer.explanation)
    tell(f"  {answer.timings.total / 1000:.2f} s")


def _course_ids(house: House, name: str | None) -> frozenset[str] | None:
    if name is None:
        return None
    with house.database.read() as session:
        course = recordings.course_by_name(session, name)
        known = [known.name for known in recordings.list_courses(session)]
    if course is None:
        raise BadInput(f"no course is called {name}", f"known: {', '.join(known) or 'none yet'}")
    return frozenset({course.id})


def _read_lines(path: Path) -> list[Line]:
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    return [_line(path, number, row) for number, row in enumerate(rows, 1) if row.strip()]


def _line(path: Path, number: int, row: str) -> Line:
    try:
        given: Any = json.loads(row)
    except ValueError as error:
        raise BadInput(f"{path}, line {number}: not JSON: {error}") from error
    if not isinstance(given, dict) or "id" not in given or ("text" in given) == ("audio" in given):
        raise BadInput(f'{path}, line {number}: needs "id" and one of "text" and "audio"')
    audio = path.parent / str(given["audio"]) if "audio" in given else None
    return Line(str(given["id"]), None if audio else str(given["text"]), audio)
