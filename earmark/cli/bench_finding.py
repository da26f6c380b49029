"""`earmark bench retrieval | lectures | compare`: how well it finds, kept and compared."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from assistant.answering.ask import RERANK_DEADLINE_S
from assistant.engine.client import EngineClient, Priority
from assistant.errors import BadInput
from earmark.bench.bench_home import BenchEmbedder, BenchReranker
from earmark.bench.comparing import compare
from earmark.bench.curve import CurveReport, Point, bench_curve
from earmark.bench.lectures import LecturesReport, bench_lectures
from earmark.bench.retrieval import RetrievalReport, bench_retrieval
from earmark.bench.runs import Data, Task, read_run, run_of, write_run
from earmark.build import open_engine, open_reranking_engine
from earmark.cli.console import errors, say, tell, tell_json
from earmark.cli.flags import settings_of
from earmark.settings import Settings
from knowledge.embedding import TextKind
from knowledge.reranking import TextScores

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Keep = Annotated[Path | None, typer.Option(help="Keep the run as one JSON file, for `bench compare`.")]
GroupBy = Annotated[
    list[str] | None, typer.Option(help="Figures by a field of the questions' rows too, such as metadata.article.")
]

Reranker = Annotated[
    Path | None, typer.Option(help="Put the best in order with the cross-encoder in this folder; none else is used.")
]
RERANK_S = 600.0
"""A bench waits for what a question would not."""


def hang(bench: typer.Typer) -> None:
    bench.command("retrieval")(retrieval)
    bench.command("lectures")(lectures)
    bench.command("compare")(compare_runs)


def retrieval(
    context: typer.Context,
    beir: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl, qrels/test.tsv.")],
    run: Annotated[Path | None, typer.Option(help="Write a TREC run file.")] = None,
    keep: Keep = None,
    group_by: GroupBy = None,
    written: Annotated[
        Path | None, typer.Option(help="A corpus.jsonl with the same ids as written: figures by word error rate.")
    ] = None,
    distractors: Annotated[
        list[Path] | None,
        typer.Option(help="Fill the corpus up with these: a BEIR folder, a folder of lectures, or lines with a text."),
    ] = None,
    at: Annotated[str, typer.Option(help="Passages to fill up to, such as 10000,100000.")] = "",
    made_vectors: Annotated[
        bool, typer.Option("--made-vectors", help="Recombined passages get their sentences' mean for a vector: faster.")
    ] = False,
    most: Annotated[int | None, typer.Option(min=1, help="Ask so many questions at each size, by chance.")] = None,
    reranker: Reranker = None,
    as_json: AsJson = False,
) -> None:
    """Find documents in BEIR's layout: R@k, MRR, nDCG, and whether what is told of each answer is true.

    With --distractors and --at the same questions are asked again while the corpus grows.
    """
    if distractors or at:
        with bench_models(settings_of(context), reranker) as (embedder, reranking), fresh_folder() as home:
            curve = bench_curve(
                beir,
                home,
                embedder,
                distractors=distractors or (),
                sizes=_sizes(at),
                made_vectors=made_vectors,
                most=most,
                reranker=reranking,
                progress=tell_progress,
            )
        for point in curve.points:
            place = keep and keep.with_stem(f"{keep.stem}-{point.passages}")
            _keep(place, Task.RETRIEVAL, curve.data, point, embedder, reranking)
        _tell(curve, as_json=as_json)
        return
    with bench_models(settings_of(context), reranker) as (embedder, reranking), fresh_folder() as home:
        report = bench_retrieval(
            beir,
            home,
            embedder,
            run=run,
            written=written,
            group_by=group_by or (),
            reranker=reranking,
            progress=tell_progress,
        )
    _keep(keep, Task.RETRIEVAL, report.data, report, embedder, reranking)
    _tell(report, as_json=as_json)


def lectures(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder with recordings.jsonl, segments.jsonl, questions.jsonl.")],
    results: Annotated[Path, typer.Option(help="Write one JSON line a question, as score_moments.py reads.")],
    segments: Annotated[Path | None, typer.Option(help="Another transcript than segments.jsonl.")] = None,
    reranker: Reranker = None,
    keep: Keep = None,
    group_by: GroupBy = None,
    as_json: AsJson = False,
) -> None:
    """Point into timed transcripts of lectures; the results are scored by score_moments.py."""
    with bench_models(settings_of(context), reranker) as (embedder, reranking), fresh_folder() as home:
        report = bench_lectures(
            folder,
            home,
            embedder,
            results=results,
            segments=segments,
            reranker=reranking,
            group_by=group_by or (),
            progress=tell_progress,
        )
    _keep(keep, Task.LECTURES, report.data, report, embedder, reranking)
    _tell(report, as_json=as_json)


def compare_runs(
    one: Annotated[Path, typer.Argument(metavar="A.json", help="A kept run.")],
    other: Annotated[Path, typer.Argument(metavar="B.json", help="Another one over the same questions.")],
    by_group: Annotated[bool, typer.Option("--by-group", help="By language, kind and word error rate too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Two kept runs, question by question: A → B, the difference with its 95 % interval, and a p-value."""
    comparison = compare(read_run(one), read_run(other), grouped=by_group)
    if as_json:
        tell_json(comparison.as_document())
        return
    for line in comparison.lines():
        tell(line)


def _sizes(at: str) -> list[int]:
    try:
        return [int(each) for each in at.split(",")]
    except ValueError as error:
        raise BadInput(f"--at {at!r}: no numbers of passages", "give them as in 10000,100000") from error


def _keep(
    path: Path | None,
    task: Task,
    data: Data,
    report: RetrievalReport | LecturesReport | Point,
    embedder: BenchEmbedder,
    reranker: BenchReranker | None,
) -> None:
    if path is not None:
        run = run_of(
            task,
            data,
            report.outcomes,
            passages=report.passages,
            embedder=embedder.name,
            embedder_digest=embedder.digest,
            reranker=reranker.name if reranker else "",
            reranker_digest=reranker.digest if reranker else None,
        )
        write_run(path, run)


def _tell(report: RetrievalReport | LecturesReport | CurveReport, *, as_json: bool) -> None:
    if as_json:
        tell_json(report.as_document())
        return
    for line in report.lines():
        tell(line)


@contextmanager
def bench_models(settings: Settings, reranker: Path | None) -> Iterator[tuple[BenchEmbedder, BenchReranker | None]]:
    """The embedder, and the reranker in this folder; without a folder none, whatever the settings say."""
    if reranker is None:
        with bench_embedder(settings) as embedder:
            yield embedder, None
        return
    with open_reranking_engine(settings, reranker) as engine:
        took_s: list[float] = []
        yield _embedder_of(engine), _reranker_of(engine, took_s)
    if took_s:
        in_time = sum(each <= RERANK_DEADLINE_S for each in took_s) / len(took_s)
        say(
            f"reranking took {median(took_s):.2f} s a question (median); {in_time:.0%} were done within the"
            f" {RERANK_DEADLINE_S:g} s that a question asked on the page gives it"
        )


@contextmanager
def bench_embedder(settings: Settings) -> Iterator[BenchEmbedder]:
    with open_engine(settings) as engine:
        yield _embedder_of(engine)


def _embedder_of(engine: EngineClient) -> BenchEmbedder:
    engine.embed(["Is anybody there?"], kind=TextKind.QUESTION)  # what it is can be known once it is loaded
    state = engine.state().embedder
    return BenchEmbedder(
        lambda texts, kind: engine.embed(texts, kind=kind, priority=Priority.INDEX),
        state.digest,
        state.languages,
        state.name,
    )


def _reranker_of(engine: EngineClient, took_s: list[float]) -> BenchReranker:
    """`took_s`: gets how long each question took, in seconds."""
    engine.rerank("Is anybody there?", ["Yes."])
    state = engine.state().reranker
    assert state is not None

    def rerank(question: str, texts: Sequence[str]) -> TextScores:
        started = time.perf_counter()
        scores = engine.rerank(question, texts, deadline_s=RERANK_S)
        took_s.append(time.perf_counter() - started)
        return scores

    return BenchReranker(rerank, state.digest, state.name)


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A bench never touches real recordings."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        yield Path(folder)


def tell_progress(what: str, done: int, total: int) -> None:
    if errors.is_terminal:
        errors.print(f"{what} {done} of {total}", end="\r")
    elif done == 0:
        say(f"{what} {total} …")
