"""Was this it, in a real Chromium: by mouse and keyboard, with scripts and without; and what was heard to its end."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from assistant.feedback.tables import FeedbackRow
from tests.browser.conftest import Served, until
from tests.browser.test_asking_in_chromium import NOW, PLAYING, teach


def ask(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-answer]")


def kept(served: Served) -> list[tuple[str, float | None]]:
    with served.house.database.read() as session:
        return [(row.kind.value, row.start_s) for row in session.scalars(select(FeedbackRow))]


def test_yes_is_said_of_the_moment_that_was_chosen_and_taken_back(page: Page, served: Served) -> None:
    ask(page, served)
    judgement = page.locator("#judgement")
    expect(judgement).to_contain_text("0:10")
    page.click("[data-next]")
    expect(judgement).to_contain_text("0:16")
    judgement.get_by_role("button", name="Yes").focus()
    page.keyboard.press("Enter")
    expect(judgement).to_contain_text("Thank you. 0:16 was it")
    expect(page.locator("#judgement-line")).to_be_focused()
    assert kept(served) == [("yes", 16.0)]
    expect(page.locator(".was-it [aria-pressed=true]")).to_have_count(1)

    judgement.get_by_role("button", name="Undo").click()
    expect(judgement).to_contain_text("Was this it? 0:16")
    assert kept(served) == []


def test_a_moments_own_button_keeps_the_focus(page: Page, served: Served) -> None:
    ask(page, served)
    button = page.get_by_role("button", name="This was it").nth(1)
    button.focus()
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert kept(served) == []
    page.reload()
    expect(page.locator("#judgement")).to_contain_text("Was this it?")


def test_without_scripts_it_is_said_and_shown(browser: Browser, served: Served) -> None:
    teach(served.house)
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.click("button:has-text('Ask')")
    page.locator("#judgement").get_by_role("button", name="None of it").click()
    assert "/questions/" in page.url
    expect(page.locator("#judgement")).to_contain_text("Thank you. None of it was it")
    assert kept(served) == [("no", None)]
    context.close()


def test_a_moment_that_is_heard_to_its_end_is_told_once(page: Page, served: Served) -> None:
    ask(page, served)
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url) if request.url.endswith("/played") else None)
    page.click("[data-next]")  # of four seconds
    until(page, f"{PLAYING} && {NOW} > 17.5 && {NOW} < 19")
    assert told == [], "not before its end"
    with page.expect_response(lambda reply: reply.url.endswith("/played")) as reply:
        until(page, f"{NOW} > 19.8")
    assert reply.value.status == 204
    until(page, f"{NOW} > 21")
    assert len(told) == 1
    assert kept(served) == [("played", 16.0)]


@pytest.mark.parametrize("jump", ["over its middle", "into it"])
def test_what_was_jumped_over_was_not_heard(page: Page, served: Served, jump: str) -> None:
    ask(page, served)
    page.click("[data-next]")
    until(page, f"{PLAYING} && {NOW} > 16")
    page.evaluate(
        f"document.querySelector('[data-media]:not([hidden])').currentTime = {19 if jump[0] == 'o' else 17.5}"
    )
    until(page, f"{PLAYING} && {NOW} > 20.5")
    assert kept(served) == []
