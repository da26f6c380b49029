"""The demo with its invented log, by the eyes of HR and of a trainer, in a real Chromium; and an admin's many pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.access.role import Role
from knowledge.sentence_embedder import SentenceEmbedder
from tests.browser.conftest import Served
from tests.browser.test_pages_in_chromium import assert_fits, serious_findings
from tests.browser.test_rights_in_chromium import in_browser
from tests.earmark.invented_home import put_log_in, shelve_course
from tests.web.house import open_web_house
from tests.web.people import add_person, with_sign_in
from tests.web.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]
INVENTED = "These questions are invented, to show what this page is for."
LINES = 3
"""At most so many of 44 px in the frame's head, and its edges."""


@pytest.fixture
def demo(tmp_path: Path, packaged_embedder: SentenceEmbedder) -> Iterator[Served]:
    house = with_sign_in(open_web_house(tmp_path))
    shelve_course(house.database, packaged_embedder)
    put_log_in(house.database, packaged_embedder, tmp_path)
    with serving(house) as address:
        yield Served(house, address)
    house.database.close()


def downloaded(page: Page, kind: str) -> bytes:
    with page.expect_download() as coming:
        page.click(f"text={kind}")
    return Path(coming.value.path()).read_bytes()


def test_hr_and_trainers_see_something_and_that_it_is_invented(browser: Browser, demo: Served) -> None:
    hanna, tina = add_person(demo.house, "Hanna", Role.HR), add_person(demo.house, "Tina", Role.TRAINER)
    with in_browser(browser, demo, hanna) as page:
        page.click("nav >> text=Topics")
        expect(page.get_by_text(INVENTED)).to_be_visible()
        assert page.locator("table.topics th .chip", has_text="invented").count() >= 8
        assert INVENTED in downloaded(page, "CSV").decode("utf-8-sig")
        assert downloaded(page, "PDF").startswith(b"%PDF")
        page.select_option("#pick-weeks", "4")
        expect(page.get_by_text(INVENTED)).to_be_visible()
        page.get_by_role("link", name="electric car").first.click()
        expect(page.get_by_text(INVENTED)).to_be_visible()
        assert serious_findings(page) == []
    with in_browser(browser, demo, tina) as page:
        page.click("nav >> text=Trainer’s desk")
        page.click("text=All open questions and answers")
        for part in ("#open-questions", ".chart"):
            expect(page.locator(part).get_by_text(INVENTED)).to_be_visible()
        assert page.locator("main li.card", has_text="invented").count() >= 8
        page.locator("#open-questions a.row-title").first.click()
        expect(page.get_by_text(INVENTED)).to_be_visible()
        assert serious_findings(page) == []


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_all_that_an_admin_may_open_is_near_on_a_telephone_and_a_desk(
    browser: Browser, demo: Served, language: str
) -> None:
    ada = add_person(demo.house, "Ada Lovelace", Role.ADMIN)
    with in_browser(browser, demo, ada, locale=language) as page:
        for width, lines in ((390, LINES), (1280, 1)):
            page.set_viewport_size({"width": width, "height": 844})
            for path in ("/topics", "/inbox", "/me/learning"):
                page.goto(f"{demo.address}{path}")
                assert_fits(page, f"{path} {width} {language}")
                head = page.locator(".bar").bounding_box()
                assert head is not None
                assert head["height"] < 44 * (lines + 1)
            page.locator(".more summary").click()
            shown = page.locator(".more .card").bounding_box()
            assert shown is not None
            assert shown["x"] >= 0
            assert shown["x"] + shown["width"] <= width
            page.locator(".more a[href='/audit']").click()
            page.wait_for_url("**/audit")
            assert page.locator(".more summary.here").count() == 1
