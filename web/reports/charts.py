"""Lines by week, drawn once for the page (SVG) and for paper (PDF). Each line has a dash, a marker and a number of its
own, so that none needs its colour; where a week is hidden the line is broken."""

import math
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Literal

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, Shape, String
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib.colors import HexColor

from web.reports.report_file import Chart, ChartLine, plain_text
from web.reports.typesetting import runs_of, width_of

MOST_LINES = 5
WIDE, NARROW = 760.0, 360.0
"""Widths: of a page, and of a telephone, where a wide one would be too small to read."""
_PLOT_HEIGHT = 190.0
_LEFT, _RIGHT, _TOP, _WEEKS_HEIGHT, _ROW = 40.0, 40.0, 30.0, 26.0, 19.0
_TEXT, _SMALL = 12.0, 11.0
_PAPER, _INK, _SOFT, _GRID = HexColor(0xFBFAF6), HexColor(0x1F2328), HexColor(0x565D65), HexColor(0xDDD8CC)
"""The same in light and dark: dark ink on paper reads on both."""
_LINES: tuple[tuple[Any, tuple[float, ...], str], ...] = (
    (HexColor(0x005F9E), (1, 0), "FilledCircle"),
    (HexColor(0xB34700), (8, 4), "FilledSquare"),
    (HexColor(0x00755A), (2, 3), "FilledTriangle"),
    (HexColor(0x8A3B78), (10, 3, 2, 3), "FilledDiamond"),
    (HexColor(0x4D4D4D), (4, 4), "FilledStarFive"),
)
"""A solid line is a dash without gaps: the drawing of a line after a dashed one would keep the dashes else."""
_FONTS = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
_CELL = 7.4
"""Of a narrow character in the chart's own text; a wide one takes two."""

_Anchor = Literal["start", "middle", "end"]
_Write = Callable[[float, float, str, float, _Anchor], Iterator[Shape]]
"""x, y, text, size, and which end of it lies there."""


def as_svg(chart: Chart, *, width: float = WIDE) -> str:
    """A document of its own. Nothing in it is a style or a script, which a page's policy would refuse."""
    drawing = _drawn(chart, width, _as_one)
    canvas: Any = renderSVG.SVGCanvas((drawing.width, drawing.height))
    renderSVG.draw(drawing, canvas)
    for name, text in (("title", chart.title), ("desc", chart.unit)):
        canvas.svg.getElementsByTagName(name)[0].firstChild.data = plain_text(text)
    for element in canvas.svg.getElementsByTagName("*"):
        _use_attributes(element)
    markup: str = canvas.svg.toxml()
    return markup


def for_paper(chart: Chart, *, width: float) -> Drawing:
    return _drawn(chart, width, _in_runs)


def _use_attributes(element: Any) -> None:
    """Each style of an element as the attribute of the same name."""
    for part in element.getAttribute("style").split(";"):
        name, _, value = part.partition(":")
        if value:
            element.setAttribute(name.strip(), _FONTS if name.strip() == "font-family" else value.strip())
    if element.hasAttribute("style"):
        element.removeAttribute("style")


def _drawn(chart: Chart, width: float, write: _Write) -> Drawing:
    lines = chart.lines[:MOST_LINES]
    legend = _ROW * len(lines)
    floor = legend + _WEEKS_HEIGHT + 8
    drawing = Drawing(width, floor + _PLOT_HEIGHT + _TOP)
    paper = Rect(0, 0, width, drawing.height, rx=8, ry=8)
    paper.fillColor, paper.strokeColor = _PAPER, _GRID
    drawing.add(paper)
    for shape in write(12, drawing.height - 18, _fit(chart.unit, width - 24), _SMALL, "start"):
        drawing.add(shape)
    top, step = _scale(max((value for line in lines for value in line.values if value is not None), default=1))
    across = (width - _LEFT - _RIGHT) / max(1, len(chart.weeks) - 1)

    def place(at: int, value: float) -> tuple[float, float]:
        return _LEFT + at * across, floor + value / top * _PLOT_HEIGHT

    for shape in (*_grid(width, top, step, place, write), *_week_names(chart.weeks, across, place, write)):
        drawing.add(shape)
    for number, line in enumerate(lines):
        for shape in (*_curve(number, line, place), *_legend(number, line, legend, width, write)):
            drawing.add(shape)
    for shape in _numbers(lines, place, write):
        drawing.add(shape)
    return drawing


_Place = Callable[[int, float], tuple[float, float]]


def _grid(width: float, top: int, step: int, place: _Place, write: _Write) -> Iterator[Shape]:
    for value in range(0, top + 1, step):
        _, y = place(0, value)
        yield Line(_LEFT, y, width - _RIGHT, y, strokeColor=_GRID if value else _SOFT, strokeWidth=1)
        yield from write(_LEFT - 8, y - 4, str(value), _SMALL, "end")


def _week_names(weeks: tuple[str, ...], across: float, place: _Place, write: _Write) -> Iterator[Shape]:
    every = max(1, math.ceil(72 / across))
    for at in range(len(weeks) - 1, -1, -every):
        x, y = place(at, 0)
        anchor: _Anchor = "end" if at == len(weeks) - 1 else "middle" if x > 2 * _LEFT else "start"
        yield Line(x, y, x, y - 4, strokeColor=_SOFT)
        yield from write(x if anchor != "end" else x + _RIGHT - 10, y - 18, weeks[at], _SMALL, anchor)


def _curve(number: int, line: ChartLine, place: _Place) -> Iterator[Shape]:
    colour, dash, marker = _LINES[number]
    for stretch in _stretches(line.values):
        points = [place(at, value) for at, value in stretch]
        if len(points) > 1:
            flat = [part for point in points for part in point]
            yield PolyLine(flat, strokeColor=colour, strokeWidth=2, strokeDashArray=list(dash), strokeLineJoin=1)
        for x, y in points:
            yield _marker(marker, x, y, colour)


def _numbers(lines: tuple[ChartLine, ...], place: _Place, write: _Write) -> Iterator[Shape]:
    """Each line's at its end, pushed up where they would lie on one another."""
    ends = [(place(*found[-1][-1]), number) for number, line in enumerate(lines) if (found := _stretches(line.values))]
    lowest = -math.inf
    for (x, y), number in sorted(ends, key=lambda end: end[0][1]):
        lowest = max(y - 4, lowest + _TEXT)
        yield from write(x + 7, lowest, str(number + 1), _TEXT, "start")


def _legend(number: int, line: ChartLine, height: float, width: float, write: _Write) -> Iterator[Shape]:
    colour, dash, marker = _LINES[number]
    y = height - _ROW * number - 8
    yield from write(14, y - 4, str(number + 1), _TEXT, "start")
    yield Line(30, y, 66, y, strokeColor=colour, strokeWidth=2, strokeDashArray=list(dash))
    yield _marker(marker, 48, y, colour)
    yield from write(76, y - 4, _fit(line.name, width - 90), _TEXT, "start")


def _marker(kind: str, x: float, y: float, colour: Any) -> Any:
    return makeMarker(kind, x=x, y=y, size=6, fillColor=colour, strokeColor=colour)  # type: ignore[no-untyped-call]


def _stretches(values: tuple[int | None, ...]) -> list[list[tuple[int, int]]]:
    """Weeks that follow each other with nothing hidden between: (place, value)."""
    found: list[list[tuple[int, int]]] = [[]]
    for at, value in enumerate(values):
        if value is not None:
            found[-1].append((at, value))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _scale(highest: int) -> tuple[int, int]:
    """Where the axis ends and how far its lines are apart: round numbers, four or five of them."""
    rough = max(1.0, highest / 4)
    power = 10 ** math.floor(math.log10(rough))
    step = next(int(power * factor) for factor in (1, 2, 5, 10) if power * factor >= rough)
    return step * max(1, math.ceil(highest / step)), step


def _fit(text: str, room: float) -> str:
    """As much of a name as there is room for."""
    line, used = "", 0.0
    for character in plain_text(text):
        used += _CELL * (2 if unicodedata.east_asian_width(character) in "WF" else 1)
        if used > room:
            return line.rstrip() + "…"
        line += character
    return line


def _as_one(x: float, y: float, text: str, size: float, anchor: _Anchor) -> Iterator[Shape]:
    """A browser finds fonts by itself."""
    yield String(x, y, text, fontName="Helvetica", fontSize=size, fillColor=_INK, textAnchor=anchor)


def _in_runs(x: float, y: float, text: str, size: float, anchor: _Anchor) -> Iterator[Shape]:
    """On paper each stretch has its font."""
    x -= {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width_of(text, size)
    for font, stretch in runs_of(text):
        yield String(x, y, stretch, fontName=font, fontSize=size, fillColor=_INK)
        x += width_of(stretch, size)
