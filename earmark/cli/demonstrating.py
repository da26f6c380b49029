"""`earmark demo`: the demo course indexed and asked before your eyes, then the page to try it yourself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.engine.client import EngineClient
from assistant.errors import BadInput
from assistant.topics.rules import TopicRules
from earmark.build import House, open_asking, open_engine, open_house
from earmark.cli.console import errors, results, say
from earmark.cli.flags import settings_of
from earmark.cli.indexing import index_paths
from earmark.cli.serving import Host, Port, refuse_public_address, serve_all
from earmark.demo import DATA, DemoCourse, Doors, SampleQuestion, run_demo
from earmark.demo_showing import show, showing_for
from earmark.invented_log import holds_log, put_in, refuse_beside_real, take_out
from earmark.settings import PREFIX, Settings
from knowledge.database import utc_now
from knowledge.recordings import store as recordings
from knowledge.transcripts import store as transcripts

DEMO_HOME = Path("~/.earmark-demo")
"""A home of its own: the demo's courses never stand among a company's."""


def hang(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the sample questions.")] = False,
    with_log: Annotated[
        bool, typer.Option("--with-log", help="Add an invented log of questions, to see what HR and trainers see.")
    ] = False,
    forget_log: Annotated[
        bool, typer.Option("--forget-log", help="Take the invented log out again, and do nothing else.")
    ] = False,
    host: Host = None,
    port: Port = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document; implies --no-serve.")] = False,
) -> int:
    """Index the demo course, ask it the sample questions, print what came of it, then serve the page.

    It has a home of its own (~/.earmark-demo, or --home); a second run indexes nothing again.
    """
    if with_log and forget_log:
        raise BadInput("--with-log and --forget-log are opposites", "choose one")
    settings = _settings(context, host=host, port=port)
    if forget_log:
        return _forget_log(settings)
    refuse_public_address(settings)
    say(f"Demo home: {settings.home}")
    with (
        _house(settings, with_log=with_log) as house,
        open_engine(settings) as engine,
        open_asking(house, engine) as asking,
    ):
        doors = Doors(
            index=lambda course: _index(house, course, quiet=as_json, engine=engine),
            transcript=lambda course, name: _transcript(house, course, name),
            ask=lambda question: _ask(asking, question),
        )
        show(run_demo(doors), showing_for(results, as_json=as_json))
        if with_log:
            _put_log_in(house, asking, engine)
        elif not holds_log(house.database):
            say("What HR and trainers see: earmark demo --with-log puts an invented log of questions in.")
    if no_serve or as_json:
        return 0
    errors.print()
    return serve_all(settings)


def _settings(context: typer.Context, **flags: object) -> Settings:
    told = context.obj.home or os.environ.get(f"{PREFIX}HOME")
    if told is None:
        context.obj = replace(context.obj, home=DEMO_HOME)
    return settings_of(context, **flags)


@contextmanager
def _house(settings: Settings, *, with_log: bool) -> Iterator[House]:
    """Opened, and nothing tried where an invented log may not stand beside what is in it. Raises BadInput."""
    with open_house(settings) as house:
        if with_log:
            with house.database.read() as session:
                refuse_beside_real(session)
        yield house


def _put_log_in(house: House, asking: Asking, engine: EngineClient) -> None:
    rules = TopicRules(ZoneInfo(house.settings.time_zone), house.settings.fewest_people)
    count = put_in(house.database, asking, engine, rules, DATA, now=utc_now())
    say(f"Invented log: {count} questions put in." if count else "Invented log: it is in already.")
    say("See /topics and /inbox: every page and file made of it says so. Take it out: earmark demo --forget-log")


def _forget_log(settings: Settings) -> int:
    with open_house(settings) as house:
        there = holds_log(house.database)
        count = take_out(house.database, settings.home, beside=settings.deletions_beside)
    gone = f"{count} invented questions taken out, with their topics, figures and answers."
    say(gone if there else f"{settings.home}: there is no invented log.")
    return 0


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
