"""What a report holds, whatever becomes of it, and its text made fit for every kind of file."""

from dataclasses import dataclass

from knowledge.one_line import on_one_line

LONGEST_NAME = 200
Value = str | int | None
_BENDS_LINES = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn what follows around: in a list of names one of them would turn the next."""


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: as long as `columns`; None is a gap. `widths`: of columns on paper, relative. `named`: how many columns
    at the left are text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    widths: tuple[float, ...] = ()
    named: int = 1


@dataclass(frozen=True, slots=True)
class ChartLine:
    """`values`: one a week, None where nothing is shown."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`unit`: what the upright axis counts. `weeks`: what stands below."""

    title: str
    unit: str
    weeks: tuple[str, ...]
    lines: tuple[ChartLine, ...]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """`facts`: which filter, which day, and what is not shown: printed in each file. `summary`: tables for people;
    `grid`: every figure by itself, for programs. `page`: what stands below each, with `%(number)s`. `replaced`: what a
    file says where its fonts lack characters."""

    title: str
    facts: tuple[tuple[str, str], ...]
    chart: Chart | None
    summary: tuple[Table, ...]
    grid: Table
    language: str
    page: str
    replaced: str


def plain_text(text: str, *, longest: int = LONGEST_NAME) -> str:
    """One line without what no file can hold (control characters, halves of characters) or should (marks that turn the
    line around); what is too long ends in an ellipsis."""
    line = on_one_line("".join(each for each in text if each not in _BENDS_LINES))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
