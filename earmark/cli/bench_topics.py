"""`earmark bench topics`: how well questions are grouped by what they mean."""

from pathlib import Path
from typing import Annotated

import typer

from assistant.topics.rules import MOVES_A_WEEK
from earmark.cli.bench_finding import AsJson, bench_embedder, tell_progress
from earmark.cli.console import tell, tell_json
from earmark.cli.flags import settings_of


def hang(bench: typer.Typer) -> None:
    bench.command("topics")(topics)


def topics(
    context: typer.Context,
    questions: Annotated[
        Path, typer.Argument(metavar="FILE", help="Lines with id and text; language, week and topic where known.")
    ],
    results: Annotated[Path, typer.Option(help="Write one JSON line a question, as score_topics.py reads.")],
    weekly: Annotated[
        bool, typer.Option("--weekly", help="Add them week by week, by the rows' week, as a log grows.")
    ] = False,
    moving: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="With --weekly: the share of known questions that may change their topic."),
    ] = MOVES_A_WEEK,
    as_json: AsJson = False,
) -> None:
    """Group questions by what they mean; the results are scored by score_topics.py."""
    from earmark.bench.topics import bench_topics  # a second of libraries, which no other bench waits for

    with bench_embedder(settings_of(context)) as embedder:
        report = bench_topics(
            questions, embedder, results=results, weekly=weekly, moving=moving, progress=tell_progress
        )
    if as_json:
        tell_json(report.as_document())
        return
    for line in report.lines():
        tell(line)
