"""What a person sees in a terminal: plain lines in a pipe, tables and bars else. Results alone go to stdout."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

errors = Console(stderr=True, highlight=False, soft_wrap=True)
results = Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """A line for the person, on stderr, so that stdout stays the result."""
    errors.print(line, markup=False)


def tell(line: str = "") -> None:
    """A line of the result, on stdout."""
    results.print(line, markup=False)


def tell_json(document: Any) -> None:
    """One JSON document on one line of stdout, in UTF-8 whatever the terminal's encoding."""
    sys.stdout.buffer.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


def tell_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns that line up on a terminal; tab-separated without headings in a pipe, for `cut` and `awk`."""
    if not results.is_terminal:
        for row in rows:
            results.file.write("\t".join(" ".join(cell.split()) for cell in row) + "\n")  # rich would print spaces
        return
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    results.print(table, markup=False)


def clock(seconds: float) -> str:
    """754.2 → 12:34; 3754 → 1:02:34."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
