"""Lines of JSON read and written, with an error that names file and line."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assistant.errors import BadInput


def read_jsonl(path: Path, *, needs: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Raises BadInput for a file that is not there, and for a line that is no object or lacks a key of `needs`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})", "see docs/quality.md for the layout") from error
    return [_object(path, number, line, needs) for number, line in enumerate(lines, 1) if line.strip()]


def write_jsonl(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def _object(path: Path, number: int, line: str, needs: tuple[str, ...]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{path}:{number}: not JSON ({error})") from error
    missing = [key for key in needs if not isinstance(row, dict) or key not in row]
    if missing or not isinstance(row, dict):
        raise BadInput(f"{path}:{number}: lacks {', '.join(missing) or 'an object'}")
    return row
