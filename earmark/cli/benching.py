"""`earmark bench …`: quality figures on data of your own, through the functions that the page calls."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from assistant.answering.answer import Answer
from assistant.engine.client import EngineClient, Priority
from assistant.errors import BadInput
from assistant.recognising.recognizer import ClipOptions
from earmark.bench.asr import Heard, HeardText, run_asr_bench
from earmark.bench.metrics import Figure
from earmark.bench.moments import Pointed, Pointing, bench_moments
from earmark.build import House, open_asking, open_engine, open_house
from earmark.cli import bench_finding, bench_search, bench_topics, calibrating, proving
from earmark.cli.bench_finding import AsJson, fresh_folder, tell_progress
from earmark.cli.console import errors, say, tell, tell_json
from earmark.cli.flags import settings_of
from earmark.cli.indexing import index_paths
from earmark.settings import Settings

bench = typer.Typer(
    name="bench",
    help="Measure quality on data of your own: recognition, moments, retrieval, lectures, topics; search at scale.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def hang(app: typer.Typer) -> None:
    app.add_typer(bench, name="bench")


@bench.command("asr")
def asr(
    context: typer.Context,
    manifest: Annotated[Path, typer.Option(help="NeMo-style lines: audio_filepath, duration, text, language.")],
    as_json: AsJson = False,
) -> int:
    """Words and characters wrong, and speed, of the recogniser on files whose text is known."""
    with open_engine(settings_of(context)) as engine:
        report = run_asr_bench(manifest, lambda path, told: _hear(engine, path, told), on_file=_say_file)
    for path, reason in report.failures:
        say(f"{path}: {reason}")
    tell_json(report.as_document()) if as_json else tell(report.as_table())
    return 1 if report.failures else 0


def _hear(engine: EngineClient, path: Path, language: str | None) -> HeardText:
    options = ClipOptions(language=language)
    heard = engine.transcribe(path, filename=path.name, options=options, priority=Priority.INDEX)
    return HeardText(" ".join(segment.text for segment in heard.segments), heard.recognise_ms / 1000)


def _say_file(heard: Heard) -> None:
    if errors.is_terminal:
        say(f"{heard.utterance.path.name}: {heard.error or heard.heard}")


@bench.command("moments")
def moments(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder with recordings/ and questions.jsonl.")],
    results: Annotated[Path | None, typer.Option(help="Write one JSON line a question and way of asking.")] = None,
    scripts: Annotated[
        Path | None, typer.Option(help="Folder with a script for each recording, NAME.txt; without: none is used.")
    ] = None,
    voice: Annotated[list[str] | None, typer.Option(help="Spoken questions to ask; flite if absent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Index real recordings, ask every question typed and spoken, count the moments that were right."""
    with _fresh_house(settings_of(context)) as (house, engine), open_asking(house, engine) as asking:

        def ask(question: str | Path) -> Pointing:
            if isinstance(question, str):
                return _pointing(asking.text(question, log=False))
            return _pointing(asking.sound(question.read_bytes(), filename=question.name, log=False))

        report = bench_moments(
            folder,
            index=lambda recordings: _index_all(house, engine, recordings, scripts),
            ask=ask,
            voices=tuple(voice or ("flite",)),
            results=results,
            progress=tell_progress,
        )
    tell_json(report.as_document()) if as_json else _tell_figures(report.figures)


def _index_all(house: House, engine: EngineClient, recordings: Path, scripts: Path | None) -> None:
    for path in sorted(recordings.iterdir()):
        script = scripts / f"{path.stem}.txt" if scripts else None
        outcome = index_paths(house, [path], course="Bench", script=script, engine=engine, quiet=True)
        if outcome.failed:
            raise BadInput(f"{path.name}: {outcome.failed[0]['error']}")
        say(f"{path.name}: {outcome.indexed[0]['note'] or 'indexed'}")


def _pointing(answer: Answer) -> Pointing:
    pointed = [Pointed(each.recording, each.hit.start_s, each.hit.end_s) for each in answer.hits]
    return Pointing(pointed, answer.confident, answer.question.text)


@contextmanager
def _fresh_house(settings: Settings) -> Iterator[tuple[House, EngineClient]]:
    """An empty home, and the engine of the real one."""
    with (
        fresh_folder() as folder,
        open_engine(settings) as engine,
        open_house(settings.model_copy(update={"home": folder, "database_url": None})) as house,
    ):
        yield house, engine


def _tell_figures(figures: Mapping[str, Figure]) -> None:
    for name, figure in figures.items():
        tell(f"{name}: {figure}")


bench_finding.hang(bench)
calibrating.hang(bench)
bench_search.hang(bench)
bench_topics.hang(bench)
proving.hang(bench)
