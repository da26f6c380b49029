"""A report on paper: what it is about, its chart, its tables, numbered pages. Every text is escaped on its way in."""

import io
from functools import partial
from typing import Any

from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus.tables import LongTable, TableStyle

from web.reports.charts import for_paper
from web.reports.report_file import ReportFile, Table, Value, plain_text
from web.reports.typesetting import LATIN, lacks_characters, markup_of, runs_of, width_of

_MARGIN = 18 * mm
_INK, _SOFT, _GRID = HexColor(0x1F2328), HexColor(0x565D65), HexColor(0xCFCABD)
_TEXT = ParagraphStyle("text", fontName=LATIN, fontSize=9, leading=12.5, textColor=_INK, wordWrap="CJK")
_HEADING = ParagraphStyle("heading", _TEXT, fontSize=12, leading=16, spaceBefore=12, spaceAfter=4)
_TITLE = ParagraphStyle("title", _TEXT, fontSize=19, leading=25, spaceAfter=6)
_NUMBER = ParagraphStyle("number", _TEXT, alignment=2)


def as_pdf(report: ReportFile) -> bytes:
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=report.title,
        author="Earmark",
        creator="Earmark",
        lang=report.language,
    )
    number_page = partial(_number_page, report)
    document.build(_story(report, document.width), onFirstPage=number_page, onLaterPages=number_page)
    return file.getvalue()


def _story(report: ReportFile, width: float) -> list[Flowable]:
    story: list[Flowable] = [_paragraph(report.title, _TITLE)]
    facts = list(report.facts)
    if _is_lacking(report):
        facts.append(("□", report.replaced))
    story += [_paragraph(f"{name}: {value}", _TEXT) for name, value in facts]
    if report.chart is not None:
        chart: Drawing = for_paper(report.chart, width=width)
        story += [Spacer(1, 10), chart]
    for table in report.summary:
        if table.rows:
            story += [_paragraph(table.title, _HEADING), _table(table, width)]
    return story


def _table(table: Table, width: float) -> LongTable:
    whole = sum(table.widths)
    widths = [width * part / whole for part in table.widths]
    rows = [[_cell(value, at < table.named) for at, value in enumerate(row)] for row in (table.columns, *table.rows)]
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _GRID),
        ("LINEBELOW", (0, 0), (-1, 0), 1, _SOFT),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    return LongTable(rows, colWidths=widths, style=TableStyle(style), repeatRows=1)


def _cell(value: Value, is_text: bool) -> Paragraph:
    return _paragraph("–" if value is None else str(value), _TEXT if is_text else _NUMBER)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(markup_of(plain_text(text, longest=2000)), style)


def _is_lacking(report: ReportFile) -> bool:
    texts = [value for table in report.summary for row in table.rows for value in row if isinstance(value, str)]
    return any(lacks_characters(plain_text(text)) for text in texts)


def _number_page(report: ReportFile, canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.saveState()
    canvas.setFillColor(_SOFT)
    _write_line(canvas, document.leftMargin, plain_text(report.title, longest=60))
    number = report.page % {"number": document.page}
    _write_line(canvas, document.leftMargin + document.width - width_of(number, 8), number)
    canvas.restoreState()


def _write_line(canvas: Canvas, x: float, text: str) -> None:
    for font, stretch in runs_of(text):
        canvas.setFont(font, 8)
        canvas.drawString(x, 10 * mm, stretch)
        x += width_of(stretch, 8)
