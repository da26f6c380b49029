"""Rows of the audit log for people, and as files for other programs. A name is looked up when a row is shown: the row
itself holds none, so that a person who is forgotten is named nowhere."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from assistant.audit.event import COMMAND_LINE, EARMARK, NOBODY
from assistant.audit.exporting import FIELDS, harmless_cell
from assistant.audit.reading import Entry
from web.views.words import ACTION_WORDS, OUTCOME_WORDS

NO_PERSON = {COMMAND_LINE: "the command line", EARMARK: "Earmark itself", NOBODY: "nobody signed in"}
FORGOTTEN = "somebody forgotten"


@dataclass(frozen=True, slots=True)
class AuditLine:
    """`actor_words`, `action`, `outcome`: to be told, where somebody bent the row as whatever stands there.
    `actor_name`: of a person; then there are no words.
    `object_name`: of a person; `object_id` is shown where there is none."""

    seq: int
    at: str
    actor: str
    actor_name: str | None
    actor_words: str
    action: str
    object_kind: str | None
    object_id: str | None
    object_name: str | None
    outcome: str
    is_done: bool
    details: str


def audit_line(entry: Entry, names: Mapping[str, str]) -> AuditLine:
    """`names`: of people, by their ids in the log."""
    is_person = entry.object_kind == "person" and entry.object_id is not None
    return AuditLine(
        seq=entry.seq,
        at="?" if entry.at is None else f"{entry.at:%Y-%m-%d %H:%M:%S}",
        actor=entry.actor,
        actor_name=names.get(entry.actor),
        actor_words=NO_PERSON.get(entry.actor, FORGOTTEN),
        action=ACTION_WORDS.get(entry.action, entry.action),
        object_kind=entry.object_kind,
        object_id=entry.object_id,
        object_name=names.get(entry.object_id or "") if is_person else None,
        outcome=OUTCOME_WORDS.get(entry.outcome, entry.outcome),
        is_done=entry.outcome == "done",
        details=", ".join(f"{name}: {value}" for name, value in entry.details.items()),
    )


def as_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """A heading, then a line a row; times and ids as the log keeps them."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(FIELDS)
    for entry in entries:
        document = entry.as_document()
        writer.writerow([harmless_cell(document[field]) for field in FIELDS])
        if sheet.tell() > 32_000:
            yield _taken(sheet)
    yield _taken(sheet)


def as_jsonl(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(entry.as_document(), ensure_ascii=False, sort_keys=True) + "\n"


def _taken(sheet: io.StringIO) -> str:
    text = sheet.getvalue()
    sheet.seek(0)
    sheet.truncate()
    return text
