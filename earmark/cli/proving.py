"""`earmark bench own`: what people confirmed, asked again; of what runs, and of a change before it is switched on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.engine.client import EngineClient
from assistant.proof.own_set import OwnSet
from earmark.bench.own import OwnReport, ask_own, compared, in_words
from earmark.bench.own_beside import embedded_beside
from earmark.build import House, open_asking, open_engine, open_house, open_trial_engine
from earmark.cli.asking import wait_for_models
from earmark.cli.bench_finding import AsJson, tell_progress
from earmark.cli.console import say, tell, tell_json
from earmark.cli.flags import settings_of
from earmark.proving import ask_for_proof, configuration_of, keep_run, read_own_set
from earmark.trial_folder import ended_in_order, trial_folder

NOBODY_YET = (
    "nobody has confirmed a moment yet that could be asked again: the set grows each Monday, by what was answered"
    " with “This was it” the week before"
)
BEFORE = "before"


def hang(bench: typer.Typer) -> None:
    bench.command("own")(own)


def own(
    context: typer.Context,
    embedder: Annotated[
        str | None, typer.Option(help="Try this embedder beside: a model folder, or a packaged name.")
    ] = None,
    reranker: Annotated[Path | None, typer.Option(help="Try the cross-encoder in this folder beside.")] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Keep the run under this label, for the page *Proof*.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask what people confirmed again: how often is the confirmed moment first, or among the first 3 and 5?

    With --embedder or --reranker the same questions are asked of the change, too; what runs is not touched.
    """
    settings = settings_of(context)
    with open_house(settings) as house:
        questions = read_own_set(house.database)
        if not questions.questions:
            tell_json({"questions": 0, "gone": questions.gone}) if as_json else tell(NOBODY_YET)
            return
        with open_engine(settings) as engine:
            live = _scored(house, engine, questions)
        trial = None
        if embedder is not None or reranker is not None:
            with _change(house, embedder, reranker) as (tried, engine):
                trial = _scored(tried, engine, questions)
        if keep is not None:
            _keep(house, keep, live, trial)
    tell_json(_document(live, trial)) if as_json else _tell(live, trial)


@dataclass(frozen=True, slots=True)
class Scored:
    report: OwnReport
    configuration: dict[str, Any]


def _scored(house: House, engine: EngineClient, questions: OwnSet) -> Scored:
    wait_for_models(engine)
    configuration = configuration_of(house.database, engine)
    with open_asking(house, engine) as asking:
        return Scored(ask_own(questions, partial(ask_for_proof, asking), tell_progress), configuration)


@contextmanager
def _change(house: House, embedder: str | None, reranker: Path | None) -> Iterator[tuple[House, EngineClient]]:
    """The change's engine, and the house to ask: this one, or a copy that another embedder has seen."""
    with (
        ended_in_order(),
        open_trial_engine(house.settings, embedder=embedder, reranker=reranker) as engine,
    ):
        wait_for_models(engine)
        if embedder is None:
            yield house, engine
            return
        with (
            trial_folder(house.settings.home) as folder,
            embedded_beside(house, folder, engine, tell_progress) as beside,
        ):
            yield beside, engine


def _keep(house: House, label: str, live: Scored, trial: Scored | None) -> None:
    kept = partial(keep_run, house.database)
    kept(live.report, live.configuration, label=label if trial is None else f"{label}: {BEFORE}")
    if trial is not None:
        heard_by = {"recogniser": live.configuration["recogniser"]}  # nothing is heard for a trial
        kept(trial.report, trial.configuration | heard_by, label=label, against=live.report)
    say(f"kept as {label!r}: see the page Proof")


def _document(live: Scored, trial: Scored | None) -> dict[str, object]:
    document: dict[str, object] = {**live.report.as_document(), "configuration": live.configuration}
    if trial is not None:
        changes = compared(live.report.ranks, trial.report.ranks)
        told = {each.name: {**each.as_document(), "in_words": in_words(each)} for each in changes}
        document["tried"] = {**trial.report.as_document(), "configuration": trial.configuration, "change": told}
    return document


def _tell(live: Scored, trial: Scored | None) -> None:
    for line in live.report.lines():
        tell(line)
    if trial is None:
        return
    tell()
    tell("with the change:")
    for line in trial.report.lines():
        tell(line)
    tell()
    for each in compared(live.report.ranks, trial.report.ranks):
        tell(f"{each.name}: {in_words(each)} ({each.better} better, {each.worse} worse)")
    if not (live.report.counts and trial.report.counts):
        tell("much of it was found without a part, see above: that may be the whole difference")
