"""`earmark audit`: checkpoint, verify, show and export the audit log, all beside a running server."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.audit.checkpoints import CheckpointBook, check_all, check_newest, last_sight, make_checkpoint
from assistant.audit.event import COMMAND_LINE, AuditAction, AuditEvent, Detail, Outcome
from assistant.audit.exporting import write_csv, write_jsonl
from assistant.audit.log import append, head
from assistant.audit.reading import AuditFilter, Entry, entries, first_row, read
from assistant.audit.signing_key import read_public_keys, signing_key
from assistant.audit.statement import SignedLines, StatementKind, read_signed, sign
from assistant.errors import BadInput
from earmark.build import House, checkpoint_book, open_house
from earmark.cli.console import say, tell, tell_json, tell_table
from earmark.cli.flags import settings_of
from knowledge.database import utc_now

MOST_FINDINGS_TOLD = 100
FORMATS = {".csv": write_csv, ".jsonl": write_jsonl}

audit = typer.Typer(
    name="audit",
    help="The log of who did what: sign it, verify it, read it, export it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def hang(app: typer.Typer) -> None:
    app.add_typer(audit, name="audit")


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Since = Annotated[str | None, typer.Option(help="From this day or time on, such as 2026-03-01 or 2026-03-01T08:00.")]
Until = Annotated[str | None, typer.Option(help="Before this day or time; without a zone it is UTC.")]
Actor = Annotated[str | None, typer.Option(help="By this actor alone.")]
Action = Annotated[AuditAction | None, typer.Option(help="This kind of act alone.")]
Object = Annotated[str | None, typer.Option("--object", help="About this: an id, KIND:ID, or KIND: for all of a kind.")]
Ended = Annotated[Outcome | None, typer.Option("--outcome", help="With this outcome alone.")]


@audit.command()
def checkpoint(context: typer.Context) -> int:
    """Sign where the log stands, outside the database; print the signed line, to be kept elsewhere too."""
    settings = settings_of(context)
    with open_house(settings) as house:
        book = checkpoint_book(settings)
        findings = check_newest(house.database, book)
        statement = _signed_now(house, book)
    if statement is None:
        say("the log is empty: there is nothing to sign yet")
    else:
        tell(statement)
        say(f"kept in {book.file}")
    for finding in findings:
        say(str(finding))
    return 1 if findings else 0


def _signed_now(house: House, book: CheckpointBook) -> str | None:
    """The line of where the log stands, which a worker may have signed already."""
    try:
        statement = make_checkpoint(house.database, book, now=utc_now()) or last_sight(book.newest())
        return None if statement is None else sign(statement, signing_key(book.key_folder))
    except OSError as error:
        raise BadInput(
            f"{error.filename or book.file}: {error.strerror}", "mend its rights, or set EARMARK_AUDIT_CHECKPOINTS"
        ) from error


@audit.command()
def verify(
    context: typer.Context,
    checkpoints: Annotated[
        Path | None, typer.Option(help="A copy of the checkpoint file that was kept elsewhere.")
    ] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Trust this key, and none that lies in the home; may be repeated.")
    ] = None,
    first: Annotated[int, typer.Option("--from", min=1, help="Verify from this row on.")] = 1,
    as_json: AsJson = False,
) -> int:
    """Say whether anybody edited, dropped, cut, made anew or misdated rows; exit code 1 if so."""
    settings = settings_of(context)
    own = checkpoint_book(settings)
    if checkpoints is not None and not checkpoints.is_file():
        raise BadInput(f"{checkpoints}: there is no such file", "name a copy of the checkpoint file")
    book = CheckpointBook(own.home, checkpoints or own.file)
    keys = read_public_keys(public_key) if public_key else book.trusted()
    told: list[str] = []
    count = 0
    with open_house(settings) as house:
        for count, finding in enumerate(check_all(house.database, book, keys=keys, first=first), 1):
            if count <= MOST_FINDINGS_TOLD:
                told.append(str(finding))
                if not as_json:
                    tell(str(finding))
        with house.database.read() as session:
            rows = (max(first, first_row(session)), head(session).seq)
    signed = read_signed(book.lines(), keys)
    if as_json:
        tell_json(_verified(rows, signed, count, told))
    else:
        _tell_verified(rows, signed, count)
    return 1 if count else 0


def _verified(rows: tuple[int, int], signed: SignedLines, count: int, told: list[str]) -> dict[str, Any]:
    return {
        "first": rows[0],
        "last": rows[1],
        "statements": len(signed.statements),
        "findings": count,
        "told": told,
        "notes": _notes(signed),
    }


def _tell_verified(rows: tuple[int, int], signed: SignedLines, count: int) -> None:
    for note in _notes(signed):
        say(note)
    if count > MOST_FINDINGS_TOLD:
        tell(f"and {count - MOST_FINDINGS_TOLD:,} more")
    span = f"rows {rows[0]:,} to {rows[1]:,}" if rows[1] else "an empty log"
    verdict = f"{count:,} {'finding' if count == 1 else 'findings'}" if count else "nobody bent them"
    say(f"{span}, against {len(signed.statements):,} signed statements: {verdict}")


def _notes(signed: SignedLines) -> list[str]:
    """What is no fault, but a reader should know."""
    notes = [f"checkpoint line {number} was cut short while it was written" for number in signed.cut_short]
    for each in signed.statements:
        if each.kind is StatementKind.RESTORED:
            notes.append(f"{each.at:%Y-%m-%d %H:%M} UTC: a backup was put back that ends with row {each.seq}")
    last = last_sight(signed.statements)
    if last is None:
        return [*notes, "no checkpoint: whoever has the database could have made all rows anew"]
    return [*notes, f"the last checkpoint is of {last.at:%Y-%m-%d %H:%M} UTC, row {last.seq:,}"]


@audit.command()
def show(
    context: typer.Context,
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    action: Action = None,
    about: Object = None,
    outcome: Ended = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many rows at most.")] = 50,
    after: Annotated[int | None, typer.Option(help="Go on behind this row, the last that was shown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print rows, newest first. That they were read is a row too."""
    wanted = _filter(since, until, actor, action, about, outcome)
    with open_house(settings_of(context)) as house:
        with house.database.write() as session:
            looked = append(session, AuditEvent(COMMAND_LINE, AuditAction.AUDIT_READ, "audit", details=_given(wanted)))
        with house.database.read() as session:
            page = read(session, wanted, after=looked if after is None else after, limit=limit)
    if as_json:
        tell_json({"items": [entry.as_document() for entry in page.entries], "next": page.next})
        return
    tell_table(("row", "at (UTC)", "actor", "action", "about", "outcome", "details"), map(_cells, page.entries))
    if page.next is not None:
        say(f"there are more: --after {page.next}")


@audit.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write, .csv or .jsonl.")],
    since: Since = None,
    until: Until = None,
    actor: Actor = None,
    action: Action = None,
    about: Object = None,
    outcome: Ended = None,
) -> None:
    """Write rows into a file, oldest first. That they were exported is a row too."""
    wanted = _filter(since, until, actor, action, about, outcome)
    if file.suffix not in FORMATS:
        raise BadInput(f"{file}: what kind of file?", "let its name end with .csv or .jsonl")
    if file.exists():
        raise BadInput(f"{file} exists already", "choose another name; an export never replaces one")
    with open_house(settings_of(context)) as house:
        try:
            rows = _export(house, wanted, file)
        except OSError as error:
            raise BadInput(f"{file}: cannot be written: {error.strerror}", "look at its folder") from error
    say(f"{file}: {rows} rows")


def _export(house: House, wanted: AuditFilter, file: Path) -> int:
    """Whole, and told in the log, or not there at all."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as sink, house.database.read() as session:
            rows = FORMATS[file.suffix](entries(session, wanted), sink)
        details = {**_given(wanted), "rows": rows, "format": file.suffix[1:]}
        with house.database.write() as session:
            append(session, AuditEvent(COMMAND_LINE, AuditAction.AUDIT_EXPORTED, "audit", details=details))
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _filter(
    since: str | None,
    until: str | None,
    actor: str | None,
    action: AuditAction | None,
    about: str | None,
    outcome: Outcome | None,
) -> AuditFilter:
    kind, found, object_id = (about or "").rpartition(":")
    return AuditFilter(
        since=_moment(since),
        until=_moment(until),
        actor=actor,
        action=action,
        object_kind=kind if found else None,
        object_id=object_id or None,
        outcome=outcome,
    )


def _moment(given: str | None) -> dt.datetime | None:
    if given is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(given)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{given}: no day or time", "write 2026-03-01 or 2026-03-01T08:00") from error


def _given(wanted: AuditFilter) -> dict[str, Detail]:
    """What was asked for, for the row that tells of it; of an actor or a thing only that one was, since whoever types
    may have typed a name, and no row can be changed."""
    given: dict[str, Detail | None] = {
        "since": None if wanted.since is None else wanted.since.isoformat(),
        "until": None if wanted.until is None else wanted.until.isoformat(),
        "by_actor": wanted.actor is not None or None,
        "action": wanted.action,
        "by_object_kind": wanted.object_kind is not None or None,
        "by_object_id": wanted.object_id is not None or None,
        "outcome": wanted.outcome,
    }
    return {name: value for name, value in given.items() if value is not None}


def _cells(entry: Entry) -> tuple[str, ...]:
    at = "?" if entry.at is None else f"{entry.at:%Y-%m-%d %H:%M:%S}"
    about = ":".join(part for part in (entry.object_kind, entry.object_id) if part)
    details = json.dumps(dict(entry.details), ensure_ascii=False) if entry.details else ""
    return tuple(map(_printable, (str(entry.seq), at, entry.actor, entry.action, about, entry.outcome, details)))


def _printable(text: str) -> str:
    """What somebody wrote into a row past the program may hold orders for a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
