"""`earmark doctor | backup | restore`: what an admin needs beside a running server."""

from pathlib import Path
from typing import Annotated

import typer

from assistant.errors import BadInput
from earmark.backup import backup as write_archive
from earmark.backup import restore as read_archive
from earmark.build import open_house
from earmark.cli.console import say, tell_json, tell_table
from earmark.cli.flags import settings_of
from earmark.doctor import Health, examine
from earmark.settings import default_database_url

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def hang(app: typer.Typer) -> None:
    for command in (doctor, backup, restore):
        app.command(command.__name__)(command)


def doctor(context: typer.Context, as_json: AsJson = False) -> int:
    """Say what is well and what is not, and what to do about it."""
    findings = examine(settings_of(context))
    if as_json:
        tell_json(
            [
                {"subject": f.subject, "health": f.health.value, "detail": f.detail, "way_out": f.way_out}
                for f in findings
            ]
        )
    else:
        tell_table(("", "", "", "what to do"), ((f.health.value, f.subject, f.detail, f.way_out) for f in findings))
    return 3 if any(finding.health is Health.BROKEN for finding in findings) else 0


def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="The archive to write, a .tar.")]) -> None:
    """Write everything into one archive, consistent even while the server runs."""
    settings = settings_of(context)
    with open_house(settings) as house:
        report = write_archive(settings.home, house.database, file)
    for path in report.missing:
        say(f"{path}: was gone from the home already, so it is not in the archive")
    say(f"{file}: {report.files} files, {report.size_bytes / 1e6:.1f} MB")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An archive that backup wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Set aside what the home holds, and restore.")] = False,
) -> None:
    """Bring an archive back into an empty home; every digest is checked before anything is put in place."""
    settings = settings_of(context)
    if settings.database_url not in (None, default_database_url(settings.home)):
        raise BadInput(
            "the archive holds an SQLite database, but database_url names another one",
            "leave database_url out, or restore with that database's own tools",
        )
    report = read_archive(file, settings.home, force=force)
    say(f"{settings.home}: {report.files} files, {report.size_bytes / 1e6:.1f} MB; start with: earmark serve")
