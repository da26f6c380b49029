"""The application: its help, its global flags, and the commands hung onto it."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from earmark import __version__
from earmark.cli.console import tell
from earmark.cli.flags import GlobalFlags

HELP = """Ask your training recordings a question out loud; hear the answer from the second it was said.

\b
First time?  `earmark demo` indexes a small course, asks it questions and
             serves the page.
Your own:    `earmark index PATH… --course NAME`, then `earmark serve` and
             open the address it prints.

Settings come from flags, EARMARK_… variables, HOME/earmark.toml and
defaults, in this order.

\b
Exit codes:  0 done (an honest "not in the recordings" too),
             1 at least one input failed,
             2 nothing was tried (wrong use, setting or input),
             3 a part is down, 130 interrupted.
"""

COMMANDS = {
    "serve": "serving",
    "web": "serving",
    "engine": "serving",
    "worker": "serving",
    "demo": "demonstrating",
    "index": "indexing",
    "recordings": "indexing",
    "courses": "indexing",
    "jobs": "indexing",
    "remove": "indexing",
    "ask": "asking",
    "transcribe": "transcribing",
    "doctor": "administering",
    "backup": "administering",
    "restore": "administering",
    "forget": "administering",
    "bench": "benching",
    "models": "modelling",
    "users": "people",
    "certs": "certifying",
    "audit": "auditing",
}
"""Each command, or group of commands, and the file beside this that hangs it on."""


class _LoadedWhenWanted(Mapping[str, Any]):
    """All that Earmark is takes seconds to load: a command waits for what it needs itself."""

    def __getitem__(self, name: str) -> Any:
        within = typer.Typer(rich_markup_mode=None)
        import_module(f"earmark.cli.{COMMANDS[name]}").hang(within)
        return get_group(within).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **more: Any) -> None:
        super().__init__(**{**more, "commands": _LoadedWhenWanted()})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - not by their values, as typer does it
        return list(self.commands)


app = typer.Typer(
    name="earmark",
    cls=_Commands,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        tell(f"earmark {__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of the database, files and index [~/.earmark].")] = None,
    _asked_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = GlobalFlags(home=home)
