"""`earmark doctor | backup | restore | forget`: what an admin needs beside a running server."""

from pathlib import Path
from typing import Annotated

import typer

from assistant.access import people
from assistant.access.forgetting import forget as forget_person
from assistant.audit.checkpoints import mark_restored
from assistant.audit.event import COMMAND_LINE, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput
from earmark.backup import Archived
from earmark.backup import backup as write_archive
from earmark.backup import restore as read_archive
from earmark.build import House, checkpoint_book, open_house
from earmark.cli.console import say, tell_json, tell_table
from earmark.cli.flags import settings_of
from earmark.doctor import Health, examine
from earmark.settings import default_database_url
from knowledge.database import utc_now

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def hang(app: typer.Typer) -> None:
    for command in (doctor, backup, restore, forget):
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
        with house.database.write() as session:
            append(session, AuditEvent(COMMAND_LINE, AuditAction.BACKUP_MADE, details={"files": report.files}))
    for path in report.missing:
        say(f"{path}: was gone from the home already, so it is not in the archive")
    say(f"{file}: {report.files} files, {report.size_bytes / 1e6:.1f} MB")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An archive that backup wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Set aside what the home holds, and restore.")] = False,
) -> None:
    """Bring an archive back into an empty home; every digest is checked before anything is put in place.

    What was deleted since it was written stays deleted: the lists of deletions say what that is.
    """
    settings = settings_of(context)
    if settings.database_url not in (None, default_database_url(settings.home)):
        raise BadInput(
            "the archive holds an SQLite database, but database_url names another one",
            "leave database_url out, or restore with that database's own tools",
        )
    report = read_archive(file, settings.home, force=force, beside=settings.deletions_beside)
    gone = report.replayed
    if gone:
        say(
            "deleted since that backup, and so from it: "
            f"recordings: {gone.recordings}, questions: {gone.questions}, people: {gone.people}"
        )
    with open_house(settings) as house:
        _log_restored(house, report)
    say(f"{settings.home}: {report.files} files, {report.size_bytes / 1e6:.1f} MB; start with: earmark serve")


def forget(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Name, mail address or id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a person: questions, answers, kept voices, account. The audit log stays whole and names nobody."""
    settings = settings_of(context)
    with open_house(settings) as house:
        with house.database.read() as session:
            found = people.named(session, person)
        if not yes:
            typer.confirm(f"Delete {found.name} and everything they asked? It cannot be undone", abort=True, err=True)
        questions = forget_person(
            house.database, settings.home, found.id, actor=COMMAND_LINE, beside=settings.deletions_beside
        )
    say(f"{found.name} is forgotten, with {questions} questions; backups made before forget them when restored")


def _log_restored(house: House, report: Archived) -> None:
    """The audit log went back with the rest: what was signed of rows that are not in it holds no more."""
    book = checkpoint_book(house.settings)
    try:
        mark_restored(house.database, book, now=utc_now())
    except OSError as error:
        say(f"{book.file}: {error.strerror}; `earmark audit verify` will miss the rows that came after the backup")
    with house.database.write() as session:
        append(session, AuditEvent(COMMAND_LINE, AuditAction.BACKUP_RESTORED, details={"files": report.files}))
