"""`earmark demo`: the demo course indexed and asked before your eyes, then the page to try it yourself."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.engine.client import EngineClient
from earmark.build import House, open_asking, open_engine, open_house
from earmark.cli.console import errors, results, say
from earmark.cli.flags import settings_of
from earmark.cli.indexing import index_paths
from earmark.cli.serving import Host, Port, refuse_public_address, serve_all
from earmark.demo import DemoCourse, Doors, SampleQuestion, run_demo
from earmark.demo_showing import show, showing_for
from earmark.settings import PREFIX, Settings
from knowledge.recordings import store as recordings
from knowledge.transcripts import store as transcripts

DEMO_HOME = Path("~/.earmark-demo")
"""A home of its own: the demo's courses never stand among a company's."""


def hang(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the sample questions.")] = False,
    host: Host = None,
    port: Port = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document; implies --no-serve.")] = False,
) -> int:
    """Index the demo course, ask it the sample questions, print what came of it, then serve the page.

    It has a home of its own (~/.earmark-demo, or --home); a second run indexes nothing again.
    """
    settings = _settings(context, host=host, port=port)
    refuse_public_address(settings)
    say(f"Demo home: {settings.home}")
    with (
        open_house(settings) as house,
        open_engine(settings) as engine,
        open_asking(house, engine) as asking,
    ):
        doors = Doors(
            index=lambda course: _index(house, course, quiet=as_json, engine=engine),
            transcript=lambda course, name: _transcript(house, course, name),
            ask=lambda question: _ask(asking, question),
        )
        show(run_demo(doors), showing_for(results, as_json=as_json))
    if no_serve or as_json:
        return 0
    errors.print()
    return serve_all(settings)


def _settings(context: typer.Context, **flags: object) -> Settings:
    told = context.obj.home or os.environ.get(f"{PREFIX}HOME")
    if told is None:
        context.obj = replace(context.obj, home=DEMO_HOME)
    return settings_of(context, **flags)


def _index(house: House, course: DemoCourse, *, engine: EngineClient, quiet: bool) -> None:
    outcome = index_paths(house, [course.folder], course=course.name, language="en", engine=engine, quiet=quiet)
    for one in outcome.failed:
        say(f"{one['recording']}: {one['error']}")


def _transcript(house: House, course: str, name: str) -> str | None:
    with house.database.read() as session:
        found = recordings.course_by_name(session, course)
        if found is None:
            return None
        for each in recordings.list_recordings(session, [found.id]):
            if each.name == name and each.revision is not None:
                return " ".join(segment.text for segment in transcripts.segments_of(session, each.id, each.revision))
    return None


def _ask(asking: Asking, question: SampleQuestion) -> Answer:
    if question.audio is None:
        return asking.text(question.said, log=False)
    return asking.sound(question.audio.read_bytes(), filename=question.audio.name, log=False)
