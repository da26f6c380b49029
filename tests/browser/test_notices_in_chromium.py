"""A new answer by the eyes of who asked: the banner, the count, the list; with a script and without."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.assistant.notices import answered
from tests.browser.conftest import Served
from tests.browser.test_pages_in_chromium import assert_fits, serious_findings
from tests.browser.test_rights_in_chromium import HOSTILE, company, in_browser
from tests.web.people import add_person

__all__ = ["company"]
pytestmark = pytest.mark.browser


def banner(page: Page) -> str:
    return page.locator("main section.note").inner_text() if page.locator("main section.note").count() else ""


@pytest.mark.parametrize(
    ("width", "locale", "scheme", "scripts"),
    [(390, "zh-CN", "dark", True), (1280, "en", "light", False)],
)
def test_who_asked_is_led_to_the_answer(
    browser: Browser, company: Served, width: int, locale: str, scheme: str, scripts: bool
) -> None:
    house = company.house
    anna = add_person(house, HOSTILE)
    house.add_recording()
    questions = [house.asking.text(f"{HOSTILE} {number}", courses=frozenset(), asker=anna.id).id for number in range(4)]
    for question in questions:
        answered.answer(house.database, question, course_id=answered.course(house.database, "Workplace safety"))
    options = {"viewport": {"width": width, "height": 800}, "locale": locale, "color_scheme": scheme}
    with in_browser(browser, company, anna, **options, java_script_enabled=scripts) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        expect(page.locator("main section.note a")).to_have_count(4)
        assert page.locator(".bar .me .chip").inner_text().startswith("4")
        if scripts:
            for path in ("/", "/me"):
                page.goto(f"{company.address}{path}")
                assert serious_findings(page) == [], path
                assert_fits(page, path)
            page.goto(company.address)
        page.locator("main section.note a").first.click()
        expect(page).to_have_url(f"{company.address}/questions/{questions[-1]}")
        expect(page.locator(".bar .me .chip")).to_contain_text("3")
        page.goto(f"{company.address}/me#answers")
        assert page.locator("#answers li").count() == 4
        assert page.locator("#answers li strong").count() == 3
