"""`earmark bench …`: quality figures on data of your own, through the functions that the page calls."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from assistant.errors import BadInput
from earmark.cli.console import say, tell
from earmark.cli.flags import settings_of
from earmark.settings import Settings, read_settings

bench = typer.Typer(
    name="bench",
    help="Measure quality on data of your own: recognition, finding moments, retrieval, lectures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Results = Annotated[Path | None, typer.Option("--results", help="Write one JSON line a question here.")]


@contextmanager
def fresh_home(settings: Settings) -> Iterator[Settings]:
    """The same settings over an empty home that is gone afterwards: a bench never touches real recordings."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        yield settings.model_copy(update={"home": Path(folder), "database_url": None})


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise BadInput(f"{path}: no such {what}")
    return path


__all__ = ["bench", "read_settings", "say", "settings_of", "tell"]
