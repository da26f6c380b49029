"""`earmark`: runs a command and turns what went wrong into a plain line and an exit code."""

import logging
import sys

import typer
from typer._click.exceptions import ClickException  # typer brings a click of its own and shows no other door to it

from assistant.errors import EarmarkError
from earmark.cli import app
from earmark.cli.console import say
from earmark.logs import configure_logging
from knowledge.errors import KnowledgeError

DONE, NOTHING_TRIED, PART_DOWN, INTERRUPTED = 0, 2, 3, 130


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code (the table is in `earmark --help`)."""
    configure_logging(logging.ERROR)  # a command tells a person itself what became of it; servers log everything
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="earmark", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except typer.Exit as stop:
        return stop.exit_code
    except ClickException as error:
        error.show()
        return NOTHING_TRIED
    except (typer.Abort, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    except (EarmarkError, KnowledgeError) as error:
        say(f"earmark: {error}")
        return exit_code(error)


def exit_code(error: EarmarkError | KnowledgeError) -> int:
    """3 where a part is down, else 2: a command that tried some inputs and failed others returns 1 itself."""
    return PART_DOWN if error.passing else NOTHING_TRIED


if __name__ == "__main__":
    main()
