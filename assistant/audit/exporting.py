"""The log for other programs: lines of JSON, or CSV that a spreadsheet opens without running anything in it."""

import csv
import json
from collections.abc import Iterable
from typing import Any, TextIO

from assistant.audit.reading import Entry

FIELDS = (
    "seq",
    "at",
    "actor",
    "action",
    "object_kind",
    "object_id",
    "outcome",
    "details",
    "previous",
    "hash",
)
# OWASP, "CSV Injection"; with the full-width forms that spreadsheets take for the same.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_jsonl(entries: Iterable[Entry], sink: TextIO) -> int:
    """One document a line; how many."""
    count = 0
    for entry in entries:
        sink.write(json.dumps(entry.as_document(), ensure_ascii=False) + "\n")
        count += 1
    return count


def write_csv(entries: Iterable[Entry], sink: TextIO) -> int:
    """A heading and a line for each (RFC 4180); how many. `sink` must be opened with newline=""."""
    lines = csv.writer(sink)
    lines.writerow(FIELDS)
    count = 0
    for entry in entries:
        document = entry.as_document()
        lines.writerow([harmless_cell(document[name]) for name in FIELDS])
        count += 1
    return count


def harmless_cell(value: Any) -> str | int:
    """Text that a spreadsheet would compute gets an apostrophe before it, which makes it plain text there."""
    if value is None:
        return ""
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text
