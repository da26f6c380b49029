"""`earmark models`: which recogniser models are here, and fetching one."""

from contextlib import closing
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from earmark.cli.console import errors, say, tell, tell_json, tell_table
from earmark.cli.flags import settings_of
from earmark.models import FUN_ASR, Hub, Pull, list_models

models = typer.Typer(
    name="models",
    help="Fetch a recogniser's model once; see what is here.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def hang(app: typer.Typer) -> None:
    app.add_typer(models, name="models")


@models.command("list")
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which models are known, and which are here."""
    found = list_models(settings_of(context).home)
    if as_json:
        tell_json([{"model": one.name, "folder": str(one.folder), "complete": one.complete} for one in found])
        return
    states = [
        "here" if one.complete else f"{one.size_bytes / 1e6:.0f} MB fetched so far" if one.size_bytes else "not here"
        for one in found
    ]
    tell_table(("model", "", "folder"), ((one.name, s, str(one.folder)) for one, s in zip(found, states, strict=True)))


@models.command("pull")
def pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The model, for instance fun-asr-mlt-nano-2512.")] = FUN_ASR,
    hub: Annotated[Hub, typer.Option("--from", help="Where to fetch it.")] = Hub.MODELSCOPE,
    endpoint: Annotated[str | None, typer.Option(help="Another address of that hub, a mirror.")] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="I have read the weights' licence.")] = False,
) -> int:
    """Fetch a model into HOME/models; goes on where it broke off. The weights have a licence of their own."""
    with closing(Pull(settings_of(context).home, name, hub, endpoint=endpoint)) as coming:
        if not accept_licence:
            tell(coming.licence())
            say(f"\n{name}: {coming.size_bytes / 1e9:.2f} GB. If you accept the licence above, add --accept-licence.")
            return 2
        folder = _fetched(coming)
    tell(f"{folder}: complete. Run it with: EARMARK_RECOGNIZER=funasr earmark serve")
    return 0


def _fetched(coming: Pull) -> str:
    if not errors.is_terminal:
        told: set[str] = set()

        def line(path: str, _size: int) -> None:
            if path not in told:
                told.add(path)
                say(path)

        return str(coming.fetch(on_progress=line))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=errors) as bars:
        task = bars.add_task("", total=coming.size_bytes)
        return str(coming.fetch(on_progress=lambda path, size: bars.update(task, description=path, advance=size)))
