"""Files of a report: what any text becomes in each, and charts that need no colour."""

import csv
import io
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from web.reports.charts import MOST_LINES, NARROW, WIDE, as_svg
from web.reports.pdf import as_pdf
from web.reports.report_file import LONGEST_NAME, Chart, ChartLine, ReportFile, Table, plain_text
from web.reports.spreadsheets import as_csv, as_xlsx
from web.reports.typesetting import CHINESE, KOREAN, LATIN, MISSING, lacks_characters, runs_of

WEEKS = tuple(f"2026-W{number:02}" for number in range(36, 48))
SVG = "{http://www.w3.org/2000/svg}"
any_text = st.text(st.characters(exclude_categories=()), max_size=60)


def chart(*values: Sequence[int | None], name: str = "Shoes") -> Chart:
    lines = tuple(ChartLine(f"{name} {number}", tuple(each)) for number, each in enumerate(values))
    return Chart("Topics", "Questions a week", WEEKS[: len(values[0])], lines)


def report(*names: str) -> ReportFile:
    rows = tuple((plain_text(name), 10, None) for name in names)
    table = Table("Topics", ("Topic", "Questions", "Answered"), rows, widths=(4, 1, 1))
    grid = Table("Figures", table.columns, rows)
    return ReportFile("Title", (("Weeks", "all"),), None, (table,), grid, "en", "Page %(number)s", "not in the fonts")


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def cells_of(content: bytes) -> list[object]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cell.value for row in book["Figures"].iter_rows(min_row=2) for cell in row]


@settings(max_examples=60, deadline=None)
@given(any_text)
def test_any_text_makes_files_that_open(text: str) -> None:
    name = plain_text(text)
    made = report(text)
    as_csv(made).encode("utf-8")
    assert cells_of(as_xlsx(made)) == [name, 10, None]
    assert len(PdfReader(io.BytesIO(as_pdf(made))).pages) == 1
    drawn(as_svg(chart((1, 2), name=text)))


@given(any_text)
def test_plain_text_is_one_line_that_nothing_turns(text: str) -> None:
    plain = plain_text(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    assert len(plain) <= LONGEST_NAME
    assert plain_text(plain) == plain


@pytest.mark.parametrize("name", ["=1+1", "＝1+1", "@SUM(A1)", "+1", "-1", " =1", "\u202e=1", "\x00=1", "\ufeff=1"])
def test_no_name_is_a_formula_whatever_stands_before_it(name: str) -> None:
    made = report(name)
    row = list(csv.reader(io.StringIO(as_csv(made), newline="")))[-1]
    assert row[0] == f"'{plain_text(name)}"
    assert cells_of(as_xlsx(made))[0] == plain_text(name)


def test_an_apostrophe_in_a_title_is_no_end_of_a_sheets_name() -> None:
    made = report("x")
    odd = ReportFile("What's [new]: a/b? " * 4, made.facts, None, made.summary, made.grid, "en", "%(number)s", "")
    assert openpyxl.load_workbook(io.BytesIO(as_xlsx(odd))).sheetnames[1:] == ["Topics", "Figures"]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Shoes", [(LATIN, "Shoes")]),
        ("Grüße, €5", [(LATIN, "Grüße, €5")]),
        ("请假 leave", [(CHINESE, "请假"), (LATIN, " leave")]),
        ("한국어", [(KOREAN, "한국어")]),
        ("ありがとう 駅", [(CHINESE, "ありがとう"), (LATIN, " "), (CHINESE, "駅")]),
        ("Nguyễn", [(LATIN, "Nguyen")]),
        ("e\u0301", [(LATIN, "é")]),
        ("ש", [(CHINESE, MISSING)]),
        ("👩‍🔧", [(CHINESE, MISSING * 2)]),
    ],
)
def test_each_character_has_a_font_or_is_seen_to_be_missing(text: str, runs: list[tuple[str, str]]) -> None:
    assert runs_of(text) == runs
    assert lacks_characters(text) == any(MISSING in stretch for _, stretch in runs)


def test_a_week_that_is_not_shown_breaks_the_line() -> None:
    svg = drawn(as_svg(chart((5, 6, None, 7, 8, None, 9))))
    curves = [each for each in svg.iter(f"{SVG}polyline") if each.get("stroke-dasharray")]
    assert len(curves) == 2, "the last week stands alone, by its marker"
    assert [len(re.findall(r"[\d.]+", each.get("points", ""))) for each in curves] == [4, 4], "two points each"


def test_lines_differ_without_their_colours() -> None:
    svg = as_svg(chart(*((at, at + 1) for at in range(1, 9))))
    dashes = re.findall(r'stroke-dasharray="([^"]+)"', svg)
    assert len(set(dashes)) == MOST_LINES
    texts = [each.text for each in drawn(svg).iter(f"{SVG}text")]
    for number in range(1, MOST_LINES + 1):
        assert texts.count(str(number)) >= 2, "at the end of its line, and before its name"
    assert str(MOST_LINES + 1) not in texts or texts.count(str(MOST_LINES + 1)) == 1, "no more lines than can be told"


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_chart_holds_nothing_that_a_pages_policy_refuses(width: float) -> None:
    svg = as_svg(chart((1, None, 3), name='<script>alert(1)</script>" onload="x'), width=width)
    elements = [each.tag for each in drawn(svg).iter()]
    assert not any("script" in tag or "style" in tag for tag in elements)
    names = {name for each in drawn(svg).iter() for name in each.attrib}
    assert not [name for name in names if name == "style" or name.startswith("on")]
    assert "DOCTYPE" not in svg


@pytest.mark.parametrize("values", [(1,), (0, 0), (10_000_000, 1), (None, None, 4), (3,) * 52])
def test_any_span_and_size_can_be_drawn(values: tuple[int | None, ...]) -> None:
    weeks = tuple(str(number) for number in range(len(values)))
    svg = drawn(as_svg(Chart("T", "Q", weeks, (ChartLine("Shoes", values),))))
    spots = [(each.get("cx"), each.get("cy")) for each in svg.iter(f"{SVG}circle")]
    assert spots
    for x, y in spots:
        assert 0 <= float(x or -1) <= WIDE
        assert 0 <= float(y or -1) <= float(svg.get("height") or 0)
