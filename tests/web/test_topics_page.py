"""What people ask about, on its page and in its files: who sees it, what a filter chooses, what nobody can make of
names, and why nothing is shown where nothing is."""

import csv
import io
import re
from dataclasses import dataclass, replace

import openpyxl
import pytest
from pypdf import PdfReader
from sqlalchemy import Connection, event
from starlette.testclient import TestClient

from assistant.access.caller import Caller, Way
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.audit.event import AuditAction
from assistant.audit.reading import AuditFilter, Entry, read
from knowledge.recordings import store as recordings
from tests.web.asked_topics import LAST, WEEKS, cell, nothing_published, publish, put_behind, topic
from tests.web.conftest import browser_of
from tests.web.house import WebHouse
from tests.web.people import add_person, close_course, signed_in, with_sign_in
from web.asked_about import Wanted, take_asked

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+49 or -1",
    "<b>bold</b><script>alert(1)</script>",
    '</para><para><img src="file:///etc/passwd"/>&lt;',
    '<a href="https://evil.example">x</a> https://evil.example',
    "NUL\x00 bell\x07 escape\x1b[31m",
    "turned \u202egnorts\u202c around",
    "{{ 7 * 7 }} %(name)s %s {0}",
    "请假要提前几天申请？",
    "مرحبا 😀 ภาษา",
    "x" * 10_000,
]
KINDS = ("csv", "xlsx", "pdf")


@dataclass
class Office:
    house: WebHouse
    hanna: Person
    page: TestClient
    course: str

    def files(self, query: str = "") -> dict[str, str]:
        """The text of each export."""
        replies = {kind: self.page.get(f"/topics/export.{kind}?{query}") for kind in KINDS}
        assert {reply.status_code for reply in replies.values()} == {200}
        return {
            "csv": replies["csv"].content.decode("utf-8"),
            "xlsx": "\n".join("\t".join(map(str, row)) for row in xlsx_rows(replies["xlsx"].content)),
            "pdf": pdf_text(replies["pdf"].content),
        }

    def noted(self) -> list[Entry]:
        with self.house.database.read() as session:
            return list(read(session, AuditFilter(action=AuditAction.EXPORTED.value)).entries)


@pytest.fixture
def office(house: WebHouse) -> Office:
    house.add_recording(course="Safety")
    with house.database.write() as session:
        course = recordings.course_by_name(session, "Safety", create=False).id
    house = with_sign_in(house)
    hanna = add_person(house, "Hanna", Role.HR)
    return Office(house, hanna, signed_in(house, hanna), course)


def xlsx_rows(content: bytes) -> list[list[object]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}, "a formula"
    assert all(cell.hyperlink is None for cell in cells)
    return [[cell.value for cell in row if cell.value is not None] for sheet in book for row in sheet.iter_rows()]


def pdf_text(content: bytes) -> str:
    """Its words in a row: lines are broken where the page ends."""
    reader = PdfReader(io.BytesIO(content))
    assert not any("/Annots" in page for page in reader.pages), "a link"
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def rows_of(text: str) -> list[dict[str, str]]:
    """The grid of a CSV, behind its empty line."""
    lines = list(csv.reader(io.StringIO(text, newline="")))
    start = lines.index([]) + 1
    return [dict(zip(lines[start], line, strict=True)) for line in lines[start + 1 :]]


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.TRAINER, Role.COMPLIANCE])
def test_to_others_there_are_no_topics(office: Office, role: Role) -> None:
    publish(office.house.database, [topic("a", "Shoes"), topic("b", "Gloves")], [cell("a", LAST), cell("b", LAST)])
    other = signed_in(office.house, add_person(office.house, "Olaf", role))
    paths = ("/topics", "/topics/a", "/topics/chart.svg", "/topics/a/merge?into=b", "/topics/a/split")
    for path in (*paths, *(f"/topics/export.{kind}" for kind in KINDS)):
        assert other.get(path).status_code == 404, path
    for path in ("name", "merge", "unmerge", "split"):
        assert other.post(f"/topics/a/{path}", data={"name": "Mine", "into": "b"}).status_code == 404
    assert 'href="/topics"' not in other.get("/").text
    assert office.noted() == []
    page = office.page.get("/topics").text
    assert "Shoes" in page
    assert "Mine" not in page


def test_the_menu_leads_whoever_may_there(office: Office) -> None:
    assert 'href="/topics"' in office.page.get("/").text
    admin = signed_in(office.house, add_person(office.house, "Ada", Role.ADMIN))
    assert 'href="/topics"' in admin.get("/").text


def test_where_nobody_signs_in_this_machine_sees_them(house: WebHouse) -> None:
    publish(house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    with browser_of(house) as browser:
        assert "Shoes" in browser.get("/topics").text
        assert browser.get("/topics/export.csv").status_code == 200


def test_each_number_is_the_sum_of_shown_cells_by_every_way(office: Office) -> None:
    cells = [cell("a", week, 10 + at, course=office.course) for at, week in enumerate(WEEKS[-4:])]
    publish(office.house.database, [topic("a", "Shoes"), topic("b", "Gloves")], [*cells, cell("b", LAST, 9)])
    page = office.page.get("/topics?weeks=4").text
    assert "<b>55</b>" in page, "10 + 11 + 12 + 13 + 9"
    assert '<td class="number" data-label="Questions">46</td>' in page
    grid = rows_of(office.files("weeks=4")["csv"])
    assert sum(int(row["Questions"]) for row in grid) == 55
    assert [row["Week"] for row in grid if row["Topic"] == "Shoes"] == [str(week) for week in WEEKS[-4:]]
    assert {row["Course"] for row in grid} == {"Safety", "no course had anything for it"}


def test_a_filter_chooses_cells_and_stays_in_the_address(office: Office) -> None:
    here = [cell("a", week, 10, course=office.course) for week in WEEKS]
    publish(office.house.database, [topic("a", "Shoes"), topic("b", "Gloves")], [*here, cell("b", WEEKS[0], 9)])
    span = f"since={WEEKS[0]}&until={WEEKS[1]}"

    def totals(query: str) -> int:
        shown = sum(int(row["Questions"]) for row in rows_of(office.files(query)["csv"]))
        assert f"<b>{shown}</b>" in office.page.get(f"/topics?{query}").text
        return shown

    assert totals("") == 129
    assert totals(span) == 29
    assert totals(f"{span}&course={office.course}") == 20
    assert totals(f"weeks=4&{span}") == 40, "the last weeks go before a span"
    page = office.page.get(f"/topics?{span}&course={office.course}").text
    assert f'href="/topics/export.csv?course={office.course}&amp;since={WEEKS[0]}&amp;until={WEEKS[1]}"' in page
    assert f'href="/topics/a?course={office.course}&amp;since=' in page
    assert f'<option value="{office.course}" selected>' in page


def test_htmx_gets_the_part_that_changes_and_the_way_back_the_whole(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    part = office.page.get("/topics?weeks=4", headers={"hx-request": "true"}).text
    assert "Shoes" in part
    assert "<html" not in part
    again = {"hx-request": "true", "hx-history-restore-request": "true"}
    assert "<html" in office.page.get("/topics?weeks=4", headers=again).text


@pytest.mark.parametrize(
    "query",
    [
        *("weeks=0", "weeks=-4", "weeks=four", "weeks=999", "weeks=１２", "weeks=4.5"),
        *("since=yesterday", "since=2026-W54", "since=2026-W00", "until=2025-W53", "since=0001-W01", "since=9999-W52"),
        *("since=2026-W40&until=2026-W39", "since=2026-W48", "since=2010-W01", "since=2026-W40%00"),
    ],
)
def test_weeks_that_are_none_are_refused_with_what_to_write(office: Office, query: str) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    for path in ("/topics", "/topics/a", "/topics/chart.svg", "/topics/export.pdf"):
        reply = office.page.get(f"{path}?{query}")
        assert reply.status_code == 400, (path, reply.text[:200])
    assert office.noted() == [], "nothing left as a file"


def test_weeks_that_have_not_closed_are_no_gaps(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    assert f"{WEEKS[-2]} – {LAST}" in office.page.get(f"/topics?since={WEEKS[-2]}&until=2027-W09").text


def test_a_course_that_is_not_open_has_no_name_here(office: Office) -> None:
    closed = close_course(office.house, "Dismissals")
    cells = [cell("a", LAST, 10, course=closed), cell("a", LAST, 7, course="gone"), cell("a", LAST, 5)]
    publish(office.house.database, [topic("a", "Shoes")], cells)
    texts = {**office.files(), "page": office.page.get("/topics").text, "topic": office.page.get("/topics/a").text}
    for text in texts.values():
        assert "Dismissals" not in text
        assert closed not in text
        assert "courses that are not open to you" in text
    assert office.page.get(f"/topics?course={closed}").status_code == 404
    assert "<b>17</b>" in office.page.get("/topics?course=other").text, "the two are one line"
    admin = signed_in(office.house, add_person(office.house, "Ada", Role.ADMIN))
    assert "Dismissals" in admin.get("/topics").text


@pytest.mark.parametrize("name", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_a_hostile_name_is_text_everywhere(office: Office, name: str) -> None:
    course = close_course(office.house, f"course {name}"[:100].replace("\x00", ""), people_ids=[office.hanna.id])
    made = replace(topic("a", name, example=name), invented=True)
    publish(office.house.database, [made, topic("b", "Gloves")], [cell("a", LAST, course=course), cell("b", LAST)])
    put_behind(office.house.database, "a", name, "where are the gloves")
    for path in ("/topics", "/topics/a", "/topics/b", "/topics/a/merge?into=b", "/topics/a/split"):
        page = office.page.get(path)
        assert page.status_code == 200
        assert not re.search(r"<script>alert|<b>bold|<img src=.file|\x00|\u202e|>49<", page.text), path
    chart = office.page.get("/topics/chart.svg")
    assert chart.headers["content-type"] == "image/svg+xml"
    assert not re.search(r"<script|<b>|<img|\x00| style=", chart.text)
    texts = office.files()
    [row] = [row for row in rows_of(texts["csv"]) if row["Topic"] != "Gloves"]
    assert not row["Topic"].startswith(("=", "@", "+", "-"))
    for text in texts.values():
        assert not re.search("[\x00\x07\x1b\u202e]", text)
        assert "invented" in text
    if name.isascii() and name.isprintable() and len(name) < 200:
        assert row["Topic"].lstrip("'").startswith(name)
        assert name in texts["xlsx"]
        assert name.replace(" ", "") in texts["pdf"].replace(" ", "")


def test_chinese_can_be_read_in_every_file_and_what_no_font_has_is_said(office: Office) -> None:
    publish(office.house.database, [topic("a", "请假要提前几天申请？")], [cell("a", LAST)])
    texts = office.files()
    for text in texts.values():
        assert "请假要提前几天申请？" in text.replace(" ", "")
    assert "□" not in texts["pdf"]
    publish(office.house.database, [topic("b", "مرحبا")], [cell("b", LAST)])
    texts = office.files()
    assert "□: stands for characters that the fonts of this file lack" in texts["pdf"]
    assert "مرحبا" in texts["xlsx"]


def test_each_file_says_what_it_is_of(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST, course=office.course)])
    for kind, text in office.files(f"weeks=4&course={office.course}").items():
        assert f"{WEEKS[-4]} – {LAST}" in text, kind
        assert "Safety" in text
        assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", text)
        assert "groups of fewer than 5 people are not shown" in text
        assert "invented" not in text
    content = office.page.get("/topics/export.csv").content
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes it for another alphabet else"


def test_a_pdf_of_many_topics_has_numbered_pages(office: Office) -> None:
    many = [topic(f"t{number}", f"Topic {number}") for number in range(120)]
    publish(office.house.database, many, [cell(each.id, LAST) for each in many])
    text = office.files()["pdf"]
    assert "Page 1" in text
    assert "Page 4" in text
    assert all(each.name in text for each in many)


def test_files_are_in_the_language_of_the_page(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    office.page.headers["accept-language"] = "zh"
    for text in office.files().values():
        assert "大家在问什么" in text.replace(" ", "")
        assert "不足5人的组不显示" in text.replace(" ", "")


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_is_noted_and_none_is_made_of_nothing(office: Office, kind: str) -> None:
    assert office.page.get(f"/topics/export.{kind}").status_code == 404
    assert office.noted() == []
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    assert office.page.get(f"/topics/export.{kind}?topic=a&weeks=4").status_code == 200
    [entry] = office.noted()
    assert (entry.actor, entry.object_kind, entry.object_id) == (office.hanna.audit_id, "topics", "a")
    assert entry.details == {"kind": kind, "weeks": f"{WEEKS[-4]} {LAST}"}


@pytest.mark.parametrize(
    ("enough_people", "closed", "said"),
    [
        (False, False, "No week has closed yet."),
        (False, True, "fewer than 5 people had asked anything"),
        (True, True, "no topic was asked about by 5 people or more"),
    ],
)
def test_hr_is_told_why_nothing_is_shown(office: Office, enough_people: bool, closed: bool, said: str) -> None:
    nothing_published(office.house.database, enough_people=enough_people, closed=closed)
    page = office.page.get("/topics")
    assert page.status_code == 200
    assert said in page.text
    assert "export." not in page.text
    assert office.page.get("/topics/chart.svg").status_code == 404


def test_a_gap_is_said_to_be_one_and_never_a_nought(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", WEEKS[0], 10), cell("a", LAST, 12)])
    page = office.page.get("/topics").text
    assert "between 10 and 12 questions a week; 2 of 12 weeks shown" in page
    assert page.count('<span aria-label="not shown">–</span>') == 10
    assert page.count("<circle ") == 2, "two weeks that stand alone"
    assert "<polyline" not in page
    rows = [row for row in xlsx_rows(office.page.get("/topics/export.xlsx").content) if row[:1] == [str(WEEKS[1])]]
    assert rows == [[str(WEEKS[1])]], "empty, and no 0"


def test_grouping_by_words_alone_is_said(office: Office) -> None:
    publish(office.house.database, [topic("a", "请假")], [cell("a", LAST)], unembedded="zh")
    for path in ("/topics", "/topics/a"):
        assert "does not know this language: Chinese" in office.page.get(path).text
    for text in office.files().values():
        assert "grouped by their words alone" in text


def test_an_invented_log_is_called_so_wherever_it_is_shown(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes", invented=True)], [cell("a", LAST)])
    for path in ("/topics", "/topics/a"):
        assert "These questions are invented, to show" in office.page.get(path).text
    for text in office.files().values():
        assert "Shoes [invented]" in text
        assert "These questions are invented" in text
    assert "[invented]" in office.page.get("/topics/chart.svg").text


def test_taking_figures_away_keeps_no_writer_waiting(office: Office) -> None:
    """Between the beginning of the write and its commit nothing is read but the audit log's end."""
    database = office.house.database
    publish(database, [topic("a", "Shoes")], [cell("a", LAST)])
    hanna, held = Caller(office.hanna.id, Role.HR, Way.SESSION), list[str]()

    @event.listens_for(database.engine, "before_cursor_execute")
    def hear(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if connection.get_execution_options().get("earmark_writes"):
            held.append(statement)

    take_asked(database, hanna, Wanted(), kind="csv")
    assert "audit" in " ".join(held)
    assert not [each for each in held if "topic" in each.casefold()]


def test_names_merges_and_splits_are_shaped_by_hr(office: Office) -> None:
    publish(
        office.house.database,
        [topic("a", "Shoes"), topic("b", "Boots")],
        [cell("a", LAST, 10), cell("b", LAST, 7)],
    )
    assert office.page.post("/topics/a/name", data={"name": "Safety shoes"}).status_code == 303
    assert "Safety shoes" in office.page.get("/topics").text
    what = office.page.get("/topics/b/merge?into=a")
    assert "These two become one" in what.text
    assert office.page.post("/topics/b/merge", data={"into": "a"}).status_code == 303
    page = office.page.get("/topics").text
    assert "Boots" not in page
    assert '<td class="number" data-label="Questions">17</td>' in page
    assert "merged; its figures are counted in another one" in office.page.get("/topics/b").text
    assert "Merged into this one:" in office.page.get("/topics/a").text
    assert office.page.post("/topics/b/unmerge").status_code == 303
    assert "Boots" in office.page.get("/topics").text


def test_a_topic_is_split_into_the_halves_that_were_shown_and_no_others(office: Office) -> None:
    database = office.house.database
    publish(database, [topic("a", "Shoes")], [cell("a", LAST)])
    assert office.page.get("/topics/a/split").status_code == 400, "nothing stands behind it"
    put_behind(database, "a", "which shoes may I wear", "who pays for gloves")
    page = office.page.get("/topics/a/split").text
    assert "which shoes may I wear" in page
    assert "who pays for gloves" in page
    found = re.search(r'name="agreed" value="([^"]+)"', page)
    assert found
    put_behind(database, "a", "which shoes may I wear in the rain", "which shoes may I wear in the snow")
    reply = office.page.post("/topics/a/split", data={"agreed": found[1]})
    assert reply.status_code == 409
    assert "the topic has changed meanwhile" in reply.text
    again = re.search(r'name="agreed" value="([^"]+)"', office.page.get("/topics/a/split").text)
    assert again
    assert office.page.post("/topics/a/split", data={"agreed": again[1]}).status_code == 303
    assert office.page.post("/topics/a/split", data={}).status_code == 409


def test_what_cannot_be_shaped_is_refused(office: Office) -> None:
    publish(office.house.database, [topic("a", "Shoes")], [cell("a", LAST)])
    for name in ("", "  ", "x" * 201):
        assert office.page.post("/topics/a/name", data={"name": name}).status_code == 400
    for path in ("/topics/none", "/topics/none/merge?into=a", "/topics/a/merge?into=none", "/topics/none/split"):
        assert office.page.get(path).status_code == 404, path
    assert office.page.post("/topics/a/merge", data={"into": "none"}).status_code == 404
    assert office.page.post("/topics/none/name", data={"name": "x"}).status_code == 404


def test_a_long_list_is_shown_in_two_goes(office: Office) -> None:
    many = [topic(f"t{number}", f"Topic no. {number}.") for number in range(60)]
    publish(office.house.database, many, [cell(each.id, LAST) for each in many])
    page = office.page.get("/topics?weeks=4").text
    assert "10 topics more" in page
    assert "<b>600</b>" in page, "the total is of all of them"
    whole = office.page.get("/topics?weeks=4&all=yes").text
    assert all(each.name in whole for each in many)
