"""`earmark bench …`: quality figures on data of your own, through the functions that the page calls."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assistant.answering.answer import Answer
from assistant.engine.client import EngineClient, Priority
from assistant.errors import BadInput
from assistant.recognising.recognizer import ClipOptions
from earmark.bench.asr import Heard, HeardText, run_asr_bench
from earmark.bench.bench_home import BenchEmbedder
from earmark.bench.lectures import bench_lectures
from earmark.bench.metrics import Figure
from earmark.bench.moments import Pointed, Pointing, bench_moments
from earmark.bench.retrieval import bench_retrieval
from earmark.bench.search import bench_search
from earmark.bench.search_corpus import PASSAGES_A_RECORDING, lectures_source, made_up_source
from earmark.bench.search_home import Filled, fill_home, filled_home
from earmark.build import House, open_asking, open_engine, open_house
from earmark.cli.console import errors, say, tell, tell_json
from earmark.cli.flags import settings_of
from earmark.cli.indexing import index_paths
from earmark.settings import Settings
from knowledge.embedding import TextKind

bench = typer.Typer(
    name="bench",
    help="Measure quality on data of your own: recognition, finding moments, retrieval, lectures; search at scale.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
            progress=_progress,
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


@bench.command("retrieval")
def retrieval(
    context: typer.Context,
    beir: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl, qrels/test.tsv.")],
    run: Annotated[Path | None, typer.Option(help="Write a TREC run file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find documents in BEIR's layout: R@k, MRR, nDCG, and how well questions nobody can answer are refused."""
    with _bench_embedder(settings_of(context)) as embedder, _fresh_folder() as home:
        report = bench_retrieval(beir, home, embedder, run=run, progress=_progress)
    if as_json:
        tell_json(report.as_document())
        return
    tell(f"{report.documents} documents")
    _tell_figures(report.figures)
    for name, refusal in (("unanswerable", report.refusal), ("near misses", report.near_refusal)):
        if refusal is not None:
            tell(f"{name}: {refusal.as_document()}")


@bench.command("lectures")
def lectures(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder with recordings.jsonl, segments.jsonl, questions.jsonl.")],
    results: Annotated[Path, typer.Option(help="Write one JSON line a question, as score_moments.py reads.")],
    segments: Annotated[Path | None, typer.Option(help="Another transcript than segments.jsonl.")] = None,
    as_json: AsJson = False,
) -> None:
    """Point into timed transcripts of lectures; the results are scored by score_moments.py."""
    with _bench_embedder(settings_of(context)) as embedder, _fresh_folder() as home:
        report = bench_lectures(folder, home, embedder, results=results, segments=segments, progress=_progress)
    tell_json(report.as_document()) if as_json else _tell_figures(report.figures)


@bench.command("search")
def search(
    context: typer.Context,
    passages: Annotated[int, typer.Option(min=PASSAGES_A_RECORDING, help="How many, rounded to whole recordings.")],
    lectures: Annotated[
        Path | None, typer.Option(help="A folder with segments.jsonl to resample; without: made-up text.")
    ] = None,
    questions: Annotated[int, typer.Option(min=50, help="How many are asked.")] = 300,
    keep: Annotated[Path | None, typer.Option(help="Fill this folder, or measure again what was filled.")] = None,
    beside: Annotated[bool, typer.Option(help="Measure plain engines on the same data too.")] = True,
    as_json: AsJson = False,
) -> None:
    """How fast, how right and how large search is over so many passages, in all courses and in few."""
    wanted = passages // PASSAGES_A_RECORDING * PASSAGES_A_RECORDING
    with _fresh_folder() as folder:
        home = keep or folder
        filled = filled_home(home, wanted) or _fill(settings_of(context), home, wanted, lectures, questions)
        report = bench_search(home, filled, beside=beside, progress=_progress)
    if as_json:
        tell_json(asdict(report))
        return
    for name, value in report.rows():
        tell(f"| {name} | {value} |")


def _fill(settings: Settings, home: Path, passages: int, lectures: Path | None, questions: int) -> Filled:
    if lectures is None:
        source = made_up_source(questions=questions)
        return fill_home(home, source, passages, digest="0" * 64, languages=None, progress=_progress)
    with _bench_embedder(settings) as embedder:
        source = lectures_source(lectures, embedder.embed, questions=questions)
        return fill_home(
            home, source, passages, digest=embedder.digest, languages=embedder.languages, progress=_progress
        )


@contextmanager
def _bench_embedder(settings: Settings) -> Iterator[BenchEmbedder]:
    with open_engine(settings) as engine:
        engine.embed(["Is anybody there?"], kind=TextKind.QUESTION)  # what it is can be known once it is loaded
        state = engine.state().embedder
        yield BenchEmbedder(
            lambda texts, kind: engine.embed(texts, kind=kind, priority=Priority.INDEX), state.digest, state.languages
        )


@contextmanager
def _fresh_folder() -> Iterator[Path]:
    """A bench never touches real recordings."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        yield Path(folder)


@contextmanager
def _fresh_house(settings: Settings) -> Iterator[tuple[House, EngineClient]]:
    """An empty home, and the engine of the real one."""
    with (
        _fresh_folder() as folder,
        open_engine(settings) as engine,
        open_house(settings.model_copy(update={"home": folder, "database_url": None})) as house,
    ):
        yield house, engine


def _progress(what: str, done: int, total: int) -> None:
    if errors.is_terminal:
        errors.print(f"{what} {done} of {total}", end="\r")
    elif done == 0:
        say(f"{what} {total} …")


def _tell_figures(figures: Mapping[str, Figure]) -> None:
    for name, figure in figures.items():
        tell(f"{name}: {figure}")
