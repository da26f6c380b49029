"""`earmark bench search`: how fast, how right and how large search is at any size."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from earmark.bench.search import bench_search
from earmark.bench.search_corpus import PASSAGES_A_RECORDING, lectures_source, made_up_source
from earmark.bench.search_home import Filled, fill_home, filled_home
from earmark.cli.bench_finding import AsJson, bench_embedder, fresh_folder, tell_progress
from earmark.cli.console import tell, tell_json
from earmark.cli.flags import settings_of
from earmark.settings import Settings


def hang(bench: typer.Typer) -> None:
    bench.command("search")(search)


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
    with fresh_folder() as folder:
        home = keep or folder
        filled = filled_home(home, wanted) or _fill(settings_of(context), home, wanted, lectures, questions)
        for part in bench_search(home, filled, beside=beside, progress=tell_progress):
            if as_json:
                tell_json({"part": type(part).__name__, **asdict(part)})
                continue
            for name, value in part.rows():
                tell(f"| {name} | {value} |")


def _fill(settings: Settings, home: Path, passages: int, lectures: Path | None, questions: int) -> Filled:
    if lectures is None:
        source = made_up_source(questions=questions)
        return fill_home(home, source, passages, digest="0" * 64, languages=None, progress=tell_progress)
    with bench_embedder(settings) as embedder:
        source = lectures_source(lectures, embedder.embed, questions=questions)
        return fill_home(
            home, source, passages, digest=embedder.digest, languages=embedder.languages, progress=tell_progress
        )
