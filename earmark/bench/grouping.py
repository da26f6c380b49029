"""Which group a question falls into: its language, its kind, how much of it was misheard, or a field of its row."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from earmark.bench.error_rates import word_errors
from earmark.bench.outcomes import Outcome
from knowledge.finding.languages import guess_language
from knowledge.transcripts.segment import UNDETERMINED

Labels = Mapping[str, str]
"""Question id → group; a question without one is in none."""
WER_EDGES = (0.0, 0.1, 0.2, 0.3, 0.5)
NOT_SAID = "(not said)"


def groups_of(outcomes: Sequence[Outcome], extra: Mapping[str, Labels] | None = None) -> dict[str, Labels]:
    """Name of the grouping → labels. `extra`: groupings by fields of the data's rows. One with a single group says
    nothing new and is left out."""
    groupings: dict[str, Labels] = {
        "language": {each.id: each.language for each in outcomes if each.language},
        "kind": {each.id: each.kind for each in outcomes if each.kind},
        "language and kind": {each.id: f"{each.language} {each.kind}" for each in outcomes if each.kind},
        "word error rate": {each.id: wer_label(each.wer) for each in outcomes if each.wer is not None},
        **(extra or {}),
    }
    return {name: labels for name, labels in groupings.items() if len(set(labels.values())) > 1}


def wer_label(wer: float) -> str:
    """`0 %`, `0 to 10 %`, `10 to 20 %`, …, `over 50 %`: upper edges belong to their bins, which sort as they rise."""
    if wer <= 0:
        return "0 %"
    below = next((pair for pair in pairwise(WER_EDGES) if wer <= pair[1]), None)
    return f"over {100 * WER_EDGES[-1]:.0f} %" if below is None else f"{100 * below[0]:.0f} to {100 * below[1]:.0f} %"


def word_error_rate(written: str, heard: str, language: str) -> float:
    """Characters where a language writes no spaces, as `earmark bench asr` counts. 4 decimals."""
    return round(word_errors([written], [heard], language=language).rate, 4)


def field_of(row: Mapping[str, Any], field: str) -> object:
    """`metadata.article` looks into `metadata`; None where the row lacks it."""
    value: object = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def labels_by(rows: Iterable[tuple[str, Mapping[str, Any]]], field: str, source: Path) -> Labels:
    """Rows by question id, grouped by a field. Raises BadInput where no row has it."""
    values = {key: field_of(row, field) for key, row in rows}
    if all(value is None for value in values.values()):
        raise BadInput(f"{source}: no row has {field!r}", "name a field of its rows, such as metadata.article")
    return {key: NOT_SAID if value is None else str(value) for key, value in values.items()}


def common_language(texts: Iterable[str]) -> str:
    """What most of the texts look like; `und` where none looks like any. One short question alone is often guessed
    wrong."""
    guesses = Counter(guess_language(text) for text in texts)
    guesses.pop(UNDETERMINED, None)
    return guesses.most_common(1)[0][0] if guesses else UNDETERMINED


def language_said(row: Mapping[str, Any]) -> str:
    """`language` or `metadata.language`; "" where the row has none."""
    return str(field_of(row, "language") or field_of(row, "metadata.language") or "")
