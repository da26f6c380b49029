"""The application: its help, its global flags, and the commands hung onto it."""

from pathlib import Path
from typing import Annotated

import typer

from earmark import __version__
from earmark.cli import (
    administering,
    asking,
    auditing,
    benching,
    certifying,
    demonstrating,
    indexing,
    modelling,
    people,
    serving,
    transcribing,
)
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

app = typer.Typer(
    name="earmark",
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


for commands in (serving, demonstrating, indexing, asking, transcribing, administering):
    commands.hang(app)
app.add_typer(benching.bench, name="bench")
app.add_typer(modelling.models, name="models")
app.add_typer(people.users, name="users")
app.add_typer(certifying.certs, name="certs")
app.add_typer(auditing.audit, name="audit")
