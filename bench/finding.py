"""Every set of finding in one go: each run is kept, and the tables of docs/benchmarks.md are made of what is kept.

    .venv/bin/python -m bench.finding DATA
    .venv/bin/python -m bench.finding DATA --only en-clean --only lectures
    .venv/bin/python -m bench.finding

DATA holds retrieval/, a folder in BEIR's layout for each set, and lectures/. Without DATA nothing is run: the tables
are printed from the runs there are. What ran stands in each run; `earmark bench compare` lays two of them side by
side. A quarter of an hour on two cores for all sets.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from earmark.bench.bench_home import BenchEmbedder
from earmark.bench.lectures import bench_lectures
from earmark.bench.measures import lectures_measures, retrieval_measures
from earmark.bench.metrics import Figure
from earmark.bench.outcomes import columns_of
from earmark.bench.resampling import figures_of
from earmark.bench.retrieval import CORPUS, bench_retrieval
from earmark.bench.runs import Run, Task, read_run, run_of, write_run
from knowledge.model_files import MINILM, MINILM_SHA256, digest_of, embedder_folder

RESULTS = Path(__file__).parent / "results"
SUFFIX = ".json.gz"
LECTURES = {"lectures": "segments.jsonl", "lectures-misheard": "segments_asr.jsonl"}
HONESTY = ("answered / right", "refused", "`covered`: AUROC", "coverage at 95 %", "ECE")
RETRIEVAL_HEADS = ("set", "R@1", "R@5", "R@10", "MRR@10", "nDCG@10", *HONESTY)
LECTURES_HEADS = ("run", "moment@1", "moment@3", "moment@5", "MRR", "start error median", "start error p90", *HONESTY)


def main() -> None:
    options = _options()
    if options.data is not None:
        embedder = packaged_embedder()
        for name in options.only or sets_in(options.data):
            print(name, file=sys.stderr)
            write_run(options.results / f"{name}{SUFFIX}", ran(options.data, name, embedder))
    for line in tables(kept_in(options.results)):
        print(line)


def packaged_embedder() -> BenchEmbedder:
    from knowledge.sentence_embedder import SentenceEmbedder

    model = SentenceEmbedder(embedder_folder(MINILM))
    return BenchEmbedder(
        lambda texts, kind: model.embed(texts, kind=kind), digest_of(MINILM_SHA256), frozenset({"en"}), MINILM
    )


def sets_in(data: Path) -> list[str]:
    return [*sorted(path.parent.name for path in (data / "retrieval").glob(f"*/{CORPUS}")), *LECTURES]


def ran(data: Path, name: str, embedder: BenchEmbedder) -> Run:
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        home = Path(folder) / "home"
        if name in LECTURES:
            lectures, results = data / "lectures", Path(folder) / "results.jsonl"
            other = None if name == "lectures" else lectures / LECTURES[name]
            report = bench_lectures(lectures, home, embedder, results=results, segments=other, progress=tell)
            task = Task.LECTURES
        else:
            report = bench_retrieval(data / "retrieval" / name, home, embedder, progress=tell)
            task = Task.RETRIEVAL
    return run_of(
        task,
        report.data,
        report.outcomes,
        passages=report.passages,
        embedder=embedder.name,
        embedder_digest=embedder.digest,
    )


def kept_in(results: Path) -> dict[str, Run]:
    return {path.name.removesuffix(SUFFIX): read_run(path) for path in sorted(results.glob(f"*{SUFFIX}"))}


def tables(runs: Mapping[str, Run]) -> Iterator[str]:
    """Markdown, a row a run."""
    for task, heads in ((Task.RETRIEVAL, RETRIEVAL_HEADS), (Task.LECTURES, LECTURES_HEADS)):
        rows = [row(name, run) for name, run in runs.items() if run.task is task]
        if rows:
            yield from (_line(heads), _line(["---", "---", *["---:"] * (len(heads) - 2)]), *rows, "")


def row(name: str, run: Run) -> str:
    """Shares in %; the first figure with its 95 % interval; near misses have no part."""
    measures = lectures_measures() if run.task is Task.LECTURES else retrieval_measures()
    heads = LECTURES_HEADS if run.task is Task.LECTURES else RETRIEVAL_HEADS
    figures = figures_of(columns_of([each for each in run.outcomes if not each.near]), measures)
    first, *others = heads[1 : -len(HONESTY)]
    return _line([name, str(figures[first]), *(_value(figures, each) for each in others), *_honesty(figures)])


def _honesty(figures: Mapping[str, Figure]) -> Iterator[str]:
    """`answered`: answerable questions that got a confident answer; `right`: of those, right at first place;
    `refused`: unanswerable questions that got none."""
    answered, recall = (figures[name].value for name in ("confident where answerable", "confident recall"))
    mistaken = figures.get("confident where unanswerable")
    yield f"{100 * answered:.0f} / {100 * recall / answered:.0f}" if answered else "0 / -"
    yield "-" if mistaken is None else f"{100 * (1 - mistaken.value):.0f}"
    yield from (_value(figures, f"covered {name}") for name in ("AUROC", "coverage at 95 %", "ECE, half unanswerable"))


def _value(figures: Mapping[str, Figure], name: str) -> str:
    figure = figures.get(name)
    return "-" if figure is None else figure.unit.shown(figure.value)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def tell(what: str, done: int, total: int) -> None:
    if done % 100 == 0:
        print(f"  {what} {done} of {total}", end="\r", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--only", action="append", metavar="SET", help="a folder of retrieval/, or lectures[-misheard]")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where runs are kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
