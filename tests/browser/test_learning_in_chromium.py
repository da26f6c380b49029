"""My learning from end to end, in a real browser: switched on, bookmarked, asked, rated by keyboard, deleted."""

import pytest
from playwright.sync_api import Browser, Page, expect

from assistant.learning import acts
from assistant.learning.kept import CardKind, Moment
from knowledge.database import utc_now
from tests.browser.conftest import Served, until, watched
from tests.browser.test_pages_in_chromium import CHINESE, LONG_TITLE, assert_fits, serious_findings
from tests.web.house import LINES, WebHouse

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)> {{ 7*7 }} " + "a-very-long-word" * 20


def test_a_moment_is_kept_and_asked_until_it_is_known(page: Page, served: Served) -> None:
    recording = served.house.add_recording()
    served.house.answer_with("near miss", recording)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(f"{served.address}/me/learning")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator("h2").first).to_have_text("0 cards due today")

    page.goto(served.address)
    page.fill("#question", "how do I report a near miss")
    page.press("#question", "Enter")
    page.get_by_role("button", name="Come back to this").click()
    expect(page.locator(".keep .chip")).to_have_text("bookmarked")
    page.locator(".keep").get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Come back to this").click()
    expect(page.locator(".keep .chip")).to_have_text("bookmarked")

    page.goto(f"{served.address}/recordings/{recording}")
    until(page, "document.querySelector('audio').readyState >= 1")
    page.evaluate("document.querySelector('audio').currentTime = 17")
    until(page, "document.querySelector('#keep-at').value === '0:17'")
    page.locator(".keep-here").get_by_role("button").click()
    expect(page.locator("#kept")).to_contain_text("0:16 is bookmarked")

    page.goto(f"{served.address}/me/learning/marks")
    expect(page.locator("main .list > li")).to_have_count(2)
    note = page.locator("textarea").first
    note.fill(HOSTILE)
    with page.expect_navigation():
        page.get_by_role("button", name="Save").first.click()
    expect(page.locator("textarea").first).to_have_value(HOSTILE)
    expect(page.locator(".said").first).to_have_text(LINES[3][2])
    page.get_by_role("button", name="with a gap").first.click()
    page.locator(".list [role=status] a").click()

    check = page.locator("[data-check]")
    expect(check.locator(".asked")).not_to_contain_text("shift lead signs it before the shift ends")
    expect(check.locator("mark")).to_be_hidden()
    until(page, "document.documentElement.dataset.scripted === 'yes'")
    page.keyboard.press("3")
    expect(check).to_be_visible()  # nobody rates what was not shown
    page.keyboard.press("Space")
    expect(check.locator("mark").first).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Undo the last rating")).to_be_visible()
    expect(check.locator("mark").first).to_be_hidden()
    until(page, "document.documentElement.dataset.scripted === 'yes'")
    page.keyboard.press("Space")
    expect(check.locator("mark").first).to_be_visible()
    page.keyboard.press("4")
    expect(page.locator("main h2")).to_have_text("Nothing is due")
    page.get_by_role("button", name="Undo the last rating").click()
    expect(check).to_be_visible()

    page.goto(f"{served.address}/me/learning")
    page.click("text=Delete all of it …")
    page.locator("form[action$='/delete'] input[type=checkbox]").check()
    page.locator("form[action$='/delete'] button").click()
    expect(page.get_by_role("button", name="Switch it on")).to_be_visible()


def test_all_of_it_works_without_a_script(browser: Browser, served: Served) -> None:
    recording = served.house.add_recording()
    served.house.answer_with("near miss", recording)
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(f"{served.address}/me/learning")
    page.get_by_role("button", name="Switch it on").click()
    page.goto(served.address)
    page.fill("#question", "how do I report a near miss")
    page.press("#question", "Enter")
    page.get_by_role("button", name="Come back to this").click()
    expect(page.locator(".keep .chip")).to_have_text("bookmarked")
    page.goto(f"{served.address}/me/learning/asked")
    page.locator("details summary").click()
    page.get_by_role("button", name="in my own words").click()
    expect(page.locator("h1")).to_have_text("Recall cards")
    page.click("text=Check me")
    page.click("text=Show the answer")
    expect(page.locator(".said")).to_have_text(LINES[2][2])
    page.get_by_role("button", name="Easy").click()
    expect(page.locator("main h2")).to_have_text("Nothing is due")
    context.close()


@pytest.mark.parametrize(
    ("width", "locale", "scheme"),
    [(390, "zh-CN", "dark"), (390, "en", "light"), (1280, "en", "dark"), (1280, "zh-CN", "light")],
)
def test_no_page_of_learning_has_a_serious_finding(
    browser: Browser, served: Served, width: int, locale: str, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    troubles = watched(page)
    page.goto(f"{served.address}/me/learning")
    assert serious_findings(page) == []
    page.locator("main form button.primary").click()
    recording = furnish(served.house, page)
    question = page.url
    for path in ("", "/asked", "/marks", "/cards", "/check", question, f"{served.address}/recordings/{recording}"):
        page.goto(path if path.startswith("http") else f"{served.address}/me/learning{path}")
        for summary in page.locator("main details > summary").all():
            summary.click()
        assert serious_findings(page) == [], path
        assert_fits(page, path)
    context.close()
    assert troubles == []


def furnish(house: WebHouse, page: Page) -> str:
    """Something on each page, some of it Chinese, long or hostile; the page shows an answer then. A recording's id."""
    recording = house.add_recording()
    chinese = house.add_recording(name=LONG_TITLE, course="安全生产", lines=CHINESE, language="zh", duration_s=33)
    house.answer_with("near miss", recording)
    house.answer_with("near miss", chinese, CHINESE[1])
    page.goto(page.url.replace("/me/learning", "/"))
    page.fill("#question", "how do I report a near miss")
    page.press("#question", "Enter")
    page.wait_for_url("**/questions/*")
    asker = next(one["value"] for one in page.context.cookies() if one["name"] == "earmark_asker")
    for key, (start_s, end_s, _) in ((recording, LINES[2]), (chinese, CHINESE[1])):
        moment = Moment(key, start_s, end_s)
        mark = acts.bookmark(house.database, asker, moment, question_id=page.url.split("/")[-1], now=utc_now())
        acts.note(house.database, asker, mark.id, HOSTILE)
        for kind in CardKind:
            acts.make_card(
                house.database,
                asker,
                moment,
                kind,
                question_id=page.url.split("/")[-1],
                recall=house.services.recall,
                now=utc_now(),
            )
    return recording
