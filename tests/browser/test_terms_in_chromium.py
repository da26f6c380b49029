"""The map of terms in a real browser: a click on a term plays the second where it is explained."""

import pytest
from playwright.sync_api import Page

from knowledge.recordings import store as recordings
from tests.browser.conftest import Served, until

pytestmark = pytest.mark.browser
MEDIA = "document.querySelector('[data-media]:not([hidden])')"
LINES = (
    (1.0, 4.0, "Good morning to all of you."),
    (5.0, 9.0, "The valve stays shut."),
    (12.5, 16.0, "What is a valve?"),
    (20.0, 24.0, "The valve of the boiler."),
    (25.0, 29.0, "Our boiler has it."),
)


def course_of(served: Served) -> str:
    with served.house.database.read() as session:
        (course,) = recordings.list_courses(session)
    return course.id


@pytest.fixture
def recording(served: Served) -> str:
    return served.house.add_recording(lines=LINES, duration_s=30.0)


def test_a_click_on_a_term_plays_from_the_second_where_it_is_explained(
    page: Page, served: Served, recording: str
) -> None:
    page.goto(f"{served.address}/courses/{course_of(served)}")
    page.click("text=Map of terms")
    page.locator(".term-map a", has_text="valve").first.click()
    page.wait_for_url(f"**/recordings/{recording}?t=12.5")
    until(page, f"{MEDIA}.currentTime > 12.5 && !{MEDIA}.paused")
    assert page.evaluate(f"{MEDIA}.currentTime") < 20


def test_the_list_leads_around_a_term_and_to_its_second_by_keyboard(page: Page, served: Served, recording: str) -> None:
    page.goto(f"{served.address}/courses/{course_of(served)}/terms")
    assert page.locator(".term-map a[tabindex='-1']").count() == page.locator(".term-map a").count() > 0
    page.locator(".terms h3 a", has_text="valve").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/terms?term=valve")
    assert page.locator(".term-map .chosen text").text_content() == "valve"
    page.locator(".terms p > a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/recordings/{recording}?t=12.5")
    until(page, f"{MEDIA}.currentTime > 12.5")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_does_not_scroll_sideways(page: Page, served: Served, width: int) -> None:
    long = "Wort" * 9
    lines = tuple((5.0 * number, 5.0 * number + 4, f"the {long}{number % 9} and the valve") for number in range(20))
    served.house.add_recording(lines=lines, duration_s=101.0, playable=False)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{served.address}/courses/{course_of(served)}/terms")
    assert page.locator(".terms li").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
