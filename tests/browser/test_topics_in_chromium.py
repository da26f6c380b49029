"""Topics by the eyes and hands of HR, in a real Chromium."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from assistant.access.people import Person
from assistant.access.role import Role
from knowledge.recordings import store as recordings
from tests.browser.conftest import Served, until
from tests.browser.test_pages_in_chromium import assert_fits, serious_findings
from tests.browser.test_rights_in_chromium import in_browser
from tests.web.asked_topics import LAST, WEEKS, cell, publish, put_behind, topic
from tests.web.house import open_web_house
from tests.web.people import add_person, with_sign_in
from tests.web.serving import serving

pytestmark = pytest.mark.browser
HOSTILE = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)> مرحبا"
NAMES = ("Reporting accidents", "Near misses", "请假要提前几天申请？", HOSTILE)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Served]:
    """A house whose people asked about four things in two courses, each topic hidden in one week of twelve."""
    house = with_sign_in(open_web_house(tmp_path))
    house.add_recording(course="Safety")
    with house.database.read() as session:
        [course] = recordings.list_courses(session)
    made = [topic(f"t{at}", name, example=name) for at, name in enumerate(NAMES)]
    cells = [
        cell(each.id, week, 40 - 8 * at + number, course=course.id if number % 2 else None)
        for at, each in enumerate(made)
        for number, week in enumerate(WEEKS)
        if number != 3 + at
    ]
    publish(house.database, made, cells, unembedded="zh")
    put_behind(house.database, "t0", "how do I report an accident", HOSTILE)
    with serving(house) as address:
        yield Served(house, address)
    house.database.close()


@pytest.fixture
def hanna(company: Served) -> Person:
    return add_person(company.house, "Hanna", Role.HR)


def names_shown(page: Page) -> list[str]:
    return page.locator("table.topics th[scope=row] > a").all_inner_texts()


def test_hr_reads_filters_merges_and_takes_along(browser: Browser, company: Served, hanna: Person) -> None:
    with in_browser(browser, company, hanna) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.click("nav >> text=Topics")
        expect(page.locator("h1")).to_have_text("What people ask about")
        assert names_shown(page) == list(NAMES)
        until(page, "document.querySelector('.chart img').naturalWidth > 0")

        page.select_option("#pick-weeks", "4")
        expect(page.locator(".lead")).to_contain_text(f"{WEEKS[-4]} – {LAST}")
        assert page.url.endswith("/topics?course=&weeks=4")
        page.go_back()
        expect(page.locator(".lead")).to_contain_text(f"{WEEKS[0]} – {LAST}")

        page.click(f"text={NAMES[0]}")
        page.fill("input[name=name]", "Accidents")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_have_text("Accidents")
        page.select_option("select[name=into]", label="Near misses")
        page.get_by_role("button", name="Merge …").click()
        expect(page.locator("#follows")).to_contain_text("These two become one")
        page.get_by_role("button", name="Yes, merge them").click()
        expect(page.locator("#merged-away")).to_contain_text("Near misses")

        page.goto(f"{company.address}/topics")
        assert names_shown(page) == ["Near misses", *NAMES[2:]]
        with page.expect_download() as coming:
            page.click("text=CSV")
        rows = list(csv.reader(io.StringIO(Path(coming.value.path()).read_text("utf-8-sig"), newline="")))
        total = sum(int(row[3]) for row in rows if len(row) == 7 and row[3].isdecimal())
        assert page.locator(".tiles b").first.inner_text().replace(",", "") == str(total)

        page.click("text=Near misses")
        page.get_by_role("button", name="Take the merge back").click()
        page.goto(f"{company.address}/topics")
        assert names_shown(page) == ["Accidents", *NAMES[1:]]


def test_a_choice_made_while_the_page_loads_is_kept(browser: Browser, company: Served, hanna: Person) -> None:
    with in_browser(browser, company, hanna) as page:
        held: list[Route] = []
        page.route("**/htmx.min.js", lambda route: held.append(route))
        page.goto(f"{company.address}/topics", wait_until="commit")
        page.select_option("#pick-weeks", "4")
        until(page, "document.querySelector('.chart img').naturalWidth > 0")
        for route in held:
            route.continue_()
        expect(page.locator(".lead")).to_contain_text(f"{WEEKS[-4]} – {LAST}")
        assert page.url.endswith("/topics?course=&weeks=4")


def test_a_filter_works_without_a_script(browser: Browser, company: Served, hanna: Person) -> None:
    with in_browser(browser, company, hanna, java_script_enabled=False) as page:
        page.goto(f"{company.address}/topics")
        page.select_option("#pick-weeks", "4")
        page.select_option("#pick-course", label="Safety")
        page.locator("#pick button").click()
        expect(page.locator(".lead")).to_contain_text(f"{WEEKS[-4]} – {LAST}")
        expect(page.locator("#pick-course")).to_have_value(page.url.split("course=")[1].split("&")[0])
        page.click("text=From one week to another")
        page.fill("input[name=since]", str(WEEKS[0]))
        page.fill("input[name=until]", str(WEEKS[1]))
        page.locator("details.pick button").click()
        expect(page.locator(".lead")).to_contain_text(f"{WEEKS[0]} – {WEEKS[1]}")
        expect(page.locator("#pick-weeks")).to_have_value("")


@pytest.mark.parametrize(
    ("width", "locale", "scheme"), [(390, "zh-CN", "dark"), (390, "en", "light"), (1280, "en", "dark")]
)
def test_no_page_of_topics_has_a_serious_finding(
    browser: Browser, company: Served, hanna: Person, width: int, locale: str, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 800}, "locale": locale, "color_scheme": scheme}
    with in_browser(browser, company, hanna, **options) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        for path in ("/topics", "/topics/t0", "/topics/t3", "/topics/t0/merge?into=t3", "/topics/t0/split"):
            assert page.goto(f"{company.address}{path}").status == 200  # type: ignore[union-attr]
            for fold in page.locator("details").all():
                fold.evaluate("(one) => { one.open = true }")
            assert serious_findings(page) == [], path
            assert_fits(page, path)


def test_a_chart_opened_by_itself_looks_as_on_the_page(browser: Browser, company: Served, hanna: Person) -> None:
    """The policy that comes with it forbids styles; `in_browser` fails where it had to."""
    with in_browser(browser, company, hanna) as page:
        page.goto(f"{company.address}/topics/chart.svg")
        drawn = page.evaluate("[...document.querySelectorAll('polyline')].map((one) => getComputedStyle(one).stroke)")
        assert len(set(drawn)) == len(NAMES), "each line its own"
        assert page.locator("text >> nth=0").evaluate("(one) => getComputedStyle(one).fontSize") == "11px"
