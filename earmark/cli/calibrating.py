"""`earmark bench calibrate`: the verdict fitted anew on a home's own questions, kept where it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from assistant.answering.own_verdict import write_own_verdict
from assistant.errors import BadInput
from earmark.bench.calibrating import calibrate as calibrated
from earmark.bench.calibrating import look_at_all, read_questions, refuse_too_few
from earmark.build import open_asking, open_engine, open_house, own_verdict_file
from earmark.cli.bench_finding import AsJson, tell_progress
from earmark.cli.console import say, tell, tell_json
from earmark.cli.flags import settings_of
from earmark.settings import Settings
from knowledge.database import utc_now
from knowledge.embedding import TextKind
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingState


def hang(bench: typer.Typer) -> None:
    bench.command("calibrate")(calibrate)


def calibrate(
    context: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Option(help='Lines {"id", "question", "answers": [{"recording", "start_s", "end_s"}]} about this home.'),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Judge this home's questions by the new fit.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to what ships.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit on your own questions when an answer is given and when an honest no; see before and after first.

    \b
    earmark bench calibrate --questions own.jsonl
    earmark bench calibrate --questions own.jsonl --write
    earmark bench calibrate --reset
    """
    if reset is (questions is not None) or (reset and write):
        raise BadInput("give --questions, with --write or without, or --reset alone", "see earmark bench calibrate -h")
    settings = settings_of(context)
    if questions is None:
        _reset(own_verdict_file(settings), as_json=as_json)
    else:
        _calibrate(settings, questions, write=write, as_json=as_json)


def _reset(path: Path, *, as_json: bool) -> None:
    with _changing(path):
        there = path.exists()
        path.unlink(missing_ok=True)
    told = "the home's own verdict is removed; what ships is used" if there else "there was none: what ships is used"
    tell_json({"removed": there}) if as_json else tell(told)


def _calibrate(settings: Settings, questions: Path, *, write: bool, as_json: bool) -> None:
    with open_house(settings) as house:
        with house.database.read() as session:
            known = [each for each in recordings.list_recordings(session) if each.state is RecordingState.READY]
        given = read_questions(questions, known)
        answerable = sum(bool(each.answers) for each in given)
        refuse_too_few(answerable, len(given) - answerable)
        with open_engine(settings) as engine, open_asking(house, engine) as asking:
            engine.embed(["Is anybody there?"], kind=TextKind.QUESTION)  # one that is only just starting loads first
            digest, seen = look_at_all(given, asking.looks, progress=tell_progress)
    if len(seen) < len(given):
        say(f"{len(given) - len(seen)} questions find nothing at all, and are left out")
    report = calibrated(seen, embedder_digest=digest, today=utc_now().date())
    path = own_verdict_file(settings)
    if write:
        with _changing(path):
            write_own_verdict(path, report.own)
    if as_json:
        tell_json({**report.as_document(), "written": str(path) if write else None})
        return
    for line in report.lines():
        tell(line)
    tell(f"written to {path}: counts from the next question on" if write else "nothing is changed; --write keeps it")


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """What the disk does, in our own errors."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path} cannot be changed: {error.strerror}", "mend its rights, or free some disk") from error
