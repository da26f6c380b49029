"""A question asked in vain and its answer, in real browsers: a voice, a worker, a trainer, and who asked is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from sqlalchemy import select

from assistant.access import course_rights, people
from assistant.access.caller import HERE
from assistant.access.passwords import hash_password
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.inbox import answers
from assistant.inbox.sorting import sort_open_questions
from assistant.inbox.tables import OpenItemRow
from knowledge.database import Database, new_id, utc_now
from knowledge.finding.moment import Verdict
from knowledge.recordings import store as recordings
from tests.browser.conftest import Served, decoded, microphone_file, opened_chromium, until
from tests.browser.test_asking_in_chromium import DATA, NOW, PLAYING
from tests.browser.test_pages_in_chromium import assert_fits, serious_findings
from tests.browser.test_rights_in_chromium import HOSTILE, company, in_browser
from tests.product.running import earmark, wait_until
from tests.product.running import serving as serving_product
from tests.web.house import WebHouse, write_tone
from tests.web.people import PASSWORD, add_person

__all__ = ["company"]
pytestmark = pytest.mark.browser
SUBTITLES = """1
00:00:01,000 --> 00:00:06,000
The canteen opens at half past eleven.

2
00:00:20,000 --> 00:00:27,000
The swimming hall across the street gives us a discount.
"""
KEY, AGAIN = "Who has the key of the roof garden?", "Who has got the key of the roof garden?"
DOG = "May I bring my dog to work with me?"
CANTEEN = 20.0


@contextmanager
def signed_in(browser: Browser, address: str, name: str) -> Iterator[Page]:
    context = browser.new_context(locale="en", permissions=["microphone"])
    page = context.new_page()
    page.goto(address)
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button").click()
    expect(page.locator("#question")).to_be_visible()
    yield page
    context.close()


def open_home(home: Path, folder: Path) -> None:
    """A course with one recording whose words came with it, its trainer, and two who may hear it."""
    write_tone(folder / "welcome.wav", duration_s=40)
    (folder / "welcome.srt").write_text(SUBTITLES)
    indexed = earmark(home, "index", folder / "welcome.wav", "--course", "Welcome", "--json", timeout_s=300)
    assert indexed.code == 0, indexed.err
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    with database.write() as session:
        made = {
            name: people.add_local(session, name, role=role, password_hash=hash_password(PASSWORD, name=""))
            for name, role in (("Tina", Role.TRAINER), ("Emil", Role.EMPLOYEE), ("Erna", Role.EMPLOYEE))
        }
        course = recordings.course_by_name(session, "Welcome", create=False)
        course_rights.set_trainers(session, course.id, [made["Tina"].id])
    database.close()


def ask(page: Page, address: str, text: str) -> None:
    page.goto(address)
    page.fill("#question", text)
    page.click("#ask-button")
    page.wait_for_selector("[data-answer]", timeout=30_000)


def open_question(page: Page, address: str, number: int = 0) -> str:
    """Opens what came last, as it comes to the desk by itself. What it asks."""
    if not page.url.endswith("/jobs"):
        page.goto(f"{address}/jobs")
    title = page.locator("#open-questions .row-title").nth(number)
    expect(title).to_be_visible(timeout=30_000)
    asked = title.inner_text()
    page.locator("#open-questions").get_by_role("link", name="Answer", exact=True).nth(number).click()
    expect(page.locator("h1")).to_have_text(asked)
    return asked


def follow_banner(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("main section.note a").first.click(timeout=10_000)
    expect(page.locator("#verdict")).to_contain_text("A trainer has answered this")


def test_what_nobody_could_answer_is_answered_told_and_found_first(playwright: Playwright, tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_home(home, tmp_path)
    spoken = decoded(DATA / "questions" / "spoken-pool.flac")
    question = microphone_file(tmp_path / "question.wav", spoken, lead_s=1.5, tail_s=60)
    with (
        serving_product(home, tmp_path / "serve.log", EARMARK_SIGN_IN="local") as server,
        opened_chromium(playwright, microphone=question) as browser,
        signed_in(browser, server.address, "Emil") as emil,
        signed_in(browser, server.address, "Erna") as erna,
        signed_in(browser, server.address, "Tina") as tina,
    ):
        address = server.address
        tina.goto(f"{address}/jobs")
        expect(tina.locator("#open-questions")).to_contain_text("Nothing is open.")

        # by voice; answered with a moment
        emil.keyboard.press("Space")
        expect(emil.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
        emil.wait_for_timeout(5500)
        emil.keyboard.press("Space")
        emil.wait_for_selector("[data-answer]", timeout=60_000)
        if emil.locator("[data-answer]").get_attribute("data-verdict") == "answered":  # misheard into something else
            emil.locator("#judgement").get_by_role("button", name="None of it").click()
        asked = open_question(tina, address)
        tina.fill("input[name=words]", "swimming hall")
        tina.get_by_role("button", name="Search").click()
        tina.get_by_role("button", name="Answer with this moment").first.click()
        expect(tina.locator("#answered-lately + ul")).to_contain_text(asked)
        follow_banner(emil, address)
        emil.locator(".taught a").click()
        until(emil, f"{PLAYING} && {NOW} >= {CANTEEN} && {NOW} < {CANTEEN + 5}", timeout_s=20)

        # typed; answered with a line
        ask(emil, address, KEY)
        assert open_question(tina, address) == KEY
        tina.fill("textarea[name=line]", "Ms Okafor at the front desk.")
        tina.locator("section[aria-labelledby=with-line] button").click()
        expect(tina.locator("#answered-lately + ul")).to_contain_text("Ms Okafor at the front desk.")
        follow_banner(emil, address)
        expect(emil.locator(".taught")).to_contain_text("Ms Okafor at the front desk.")
        expect(emil.locator(".taught")).to_contain_text("Tina")
        ask(erna, address, AGAIN)
        expect(erna.locator(".taught")).to_contain_text("Ms Okafor at the front desk.")
        judgement = erna.locator("#judgement")
        expect(judgement).to_contain_text("Was this it? what the trainer answered")
        judgement.get_by_role("button", name="Yes").click()
        expect(judgement).to_contain_text("What the trainer answered was it.")

        # answered with a recording that is made for it
        ask(emil, address, DOG)
        assert open_question(tina, address) == DOG
        tina.set_input_files("input[type=file]", DATA / "questions" / "spoken-dog.flac")
        tina.locator("section[aria-labelledby=with-recording] button").click()
        wait_until(lambda: _is_told(emil, address), timeout_s=60, what="the recording is findable, and Emil told")
        follow_banner(emil, address)
        ask(erna, address, DOG)
        expect(erna.locator("#verdict")).to_contain_text("A trainer has answered this")
        expect(erna.locator("[data-moment] .title").first).to_have_text("spoken-dog")


def _is_told(page: Page, address: str) -> bool:
    page.goto(address)
    return page.locator("main section.note a").count() > 0


class TestByEyes:
    @pytest.fixture
    def tina(self, company: Served) -> Person:
        return add_person(company.house, "Tina", Role.TRAINER)

    @pytest.fixture
    def items(self, company: Served, tina: Person) -> list[str]:
        """Addresses: open, answered with a line, set aside; hostile words in each."""
        house = company.house
        recording = house.add_recording()
        with house.database.write() as session:
            course = recordings.course_by_name(session, "Workplace safety", create=True)
            course_rights.set_trainers(session, course.id, [tina.id])
        house.answer_with("words", recording, verdict=Verdict.CLOSEST)
        return _three_items(house, course.id)

    @pytest.mark.parametrize(
        ("width", "locale", "scheme"), [(390, "zh-CN", "dark"), (390, "en", "light"), (1280, "en", "dark")]
    )
    def test_no_page_has_a_serious_finding(
        self, browser: Browser, company: Served, tina: Person, items: list[str], width: int, locale: str, scheme: str
    ) -> None:
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": 800},
            "locale": locale,
            "color_scheme": scheme,
        }
        with in_browser(browser, company, tina, **options) as page:
            page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
            for path in ("/jobs", "/inbox", *items):
                assert page.goto(f"{company.address}{path}").status == 200  # type: ignore[union-attr]
                for fold in page.locator("details").all():
                    fold.evaluate("(one) => { one.open = true }")
                assert serious_findings(page) == [], path
                assert_fits(page, path)

    def test_the_desk_renews_its_list_and_keeps_the_focus(
        self, browser: Browser, company: Served, tina: Person, items: list[str]
    ) -> None:
        with in_browser(browser, company, tina) as page:
            page.goto(f"{company.address}/jobs")
            answer = page.locator("#open-questions").get_by_role("link", name="Answer", exact=True).first
            answer.focus()
            company.house.asking.text("where is the ladder", courses=frozenset(), asker=new_id())
            sort_open_questions(company.house.database, now=utc_now())
            expect(page.locator("#open-questions")).to_contain_text("where is the ladder", timeout=15_000)
            expect(page.locator(f"#answer-{items[0].rsplit('/', 1)[-1]}")).to_be_focused()

    def test_without_scripts_a_line_answers(
        self, browser: Browser, company: Served, tina: Person, items: list[str]
    ) -> None:
        with in_browser(browser, company, tina, java_script_enabled=False) as page:
            page.goto(f"{company.address}{items[0]}")
            page.fill("textarea[name=line]", "In the grey cupboard.")
            page.locator("section[aria-labelledby=with-line] button").click()
            expect(page.locator("#answered-lately + ul")).to_contain_text("In the grey cupboard.")


def _three_items(house: WebHouse, course_id: str) -> list[str]:
    """The first is open, the second answered, the third set aside."""
    for asked in (f"words {HOSTILE}", "请假要提前几天申请？ مرحبا", "🙈 " + "w" * 300):
        house.asking.text(asked, courses=frozenset(), asker=new_id())
        sort_open_questions(house.database, now=utc_now())
    with house.database.read() as session:
        first, second, third = session.scalars(select(OpenItemRow.id).order_by(OpenItemRow.id))
    answers.answer_with_line(
        house.database, HERE, second, question=HOSTILE, line=HOSTILE, course_id=course_id, now=utc_now()
    )
    answers.set_aside(house.database, HERE, third, now=utc_now())
    return [f"/inbox/{each}" for each in (first, second, third)]
