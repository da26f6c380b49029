"""A report as CSV and as XLSX. What somebody typed is text in both, never a formula and never a link."""

import csv
import io
from collections.abc import Iterator

import xlsxwriter

from assistant.audit.exporting import harmless_cell
from web.reports.report_file import ReportFile, Value

_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the alphabet of the machine."""
_AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
_LONGEST_SHEET_NAME = 31
_FORBIDDEN_IN_SHEET_NAMES = str.maketrans("", "", "[]:*?/\\'")


def as_csv(report: ReportFile) -> str:
    """What it is about, an empty line, a heading, a line for each figure of the grid."""
    sheet = io.StringIO()
    sheet.write(_BYTE_ORDER_MARK)
    writer = csv.writer(sheet)
    for row in (*_opening(report), (), report.grid.columns, *report.grid.rows):
        writer.writerow([harmless_cell(value) for value in row])
    return sheet.getvalue()


def as_xlsx(report: ReportFile) -> bytes:
    """A sheet with what it is about, then one for each table."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _AS_TEXT) as book:
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        first = book.add_worksheet(_sheet_name(report.title))
        first.set_column(0, 0, 28)
        first.set_column(1, 1, 90)
        _write(first, _opening(report))
        for table in (*report.summary, report.grid):
            sheet = book.add_worksheet(_sheet_name(table.title))
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, table.named - 1, 40)
            sheet.set_column(table.named, len(table.columns) - 1, 14)
            _write(sheet, (table.columns,), cell_format=heading)
            _write(sheet, table.rows, below=1)
    return file.getvalue()


def _opening(report: ReportFile) -> Iterator[tuple[Value, ...]]:
    yield (report.title,)
    yield from report.facts


def _write(
    sheet: "xlsxwriter.worksheet.Worksheet",
    rows: Iterator[tuple[Value, ...]] | tuple[tuple[Value, ...], ...],
    *,
    below: int = 0,
    cell_format: "xlsxwriter.format.Format | None" = None,
) -> None:
    for at, row in enumerate(rows, below):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(at, column, value, cell_format)
            elif value is not None:
                sheet.write_string(at, column, value, cell_format)


def _sheet_name(title: str) -> str:
    return title.translate(_FORBIDDEN_IN_SHEET_NAMES)[:_LONGEST_SHEET_NAME].strip()
