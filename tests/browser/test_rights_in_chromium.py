"""Rights by a trainer's and an employee's eyes, in two browsers before one server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from assistant.access import course_rights
from assistant.access.people import Person
from assistant.access.role import Role
from knowledge.recordings import store as recordings
from tests.browser.conftest import Served, watched
from tests.browser.test_pages_in_chromium import assert_fits, serious_findings
from tests.web.house import open_web_house
from tests.web.people import PASSWORD, add_person, close_course, with_sign_in
from tests.web.serving import serving
from web.visitors import SESSION_COOKIE

pytestmark = pytest.mark.browser
HOSTILE = "Zoë <img src=x onerror=alert(1)> %(name)s"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Served]:
    """A house where people sign in."""
    house = with_sign_in(open_web_house(tmp_path))
    with serving(house) as address:
        yield Served(house, address)
    house.database.close()


@contextmanager
def in_browser(browser: Browser, company: Served, person: Person, **options: object) -> Iterator[Page]:
    """The person's own browser, signed in; fails where the content policy was broken or a script failed."""
    context: BrowserContext = browser.new_context(**({"locale": "en"} | options))  # type: ignore[arg-type]
    page = context.new_page()
    troubles = watched(page)
    page.goto(f"{company.address}/sign-in")
    page.fill("input[name=name]", person.name)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button").click()
    expect(page.locator("#question")).to_be_visible()
    yield page
    context.close()
    assert troubles == []


def test_a_trainer_closes_a_course_and_an_employee_loses_it(browser: Browser, company: Served) -> None:
    house = company.house
    tina, emil = add_person(house, "Tina", Role.TRAINER), add_person(house, "Emil")
    nora = add_person(house, "Nora")
    recording = house.add_recording(course="Pricing")
    with house.database.write() as session:
        course = recordings.course_by_name(session, "Pricing", create=True)
        course_rights.set_trainers(session, course.id, [tina.id])
    with in_browser(browser, company, tina) as trainer, in_browser(browser, company, emil) as employee:
        employee.goto(f"{company.address}/recordings/{recording}")
        expect(employee.locator("h1")).to_have_text("safety induction")

        trainer.goto(f"{company.address}/courses")
        trainer.click("text=Pricing")
        trainer.fill("#wanted", "nora")
        trainer.press("#wanted", "Enter")
        trainer.click("text=Name for this course")
        trainer.get_by_role("button", name="Close it to all others").click()
        expect(trainer.locator("#follows")).to_contain_text("1 person will not hear it any more.")
        trainer.click("text=Yes, do it")
        expect(trainer.locator("#hearers")).to_have_text("2 of 3 people here may hear it")

        assert employee.reload().status == 404  # type: ignore[union-attr]
        employee.goto(f"{company.address}/courses")
        expect(employee.locator("main")).not_to_contain_text("Pricing")
        with in_browser(browser, company, nora) as other:
            other.goto(f"{company.address}/recordings/{recording}")
            expect(other.locator("h1")).to_have_text("safety induction")


def test_a_trainer_looks_as_somebody_else_without_a_script(browser: Browser, company: Served) -> None:
    house = company.house
    tina, zoe = add_person(house, "Tina", Role.TRAINER), add_person(house, HOSTILE)
    house.add_recording(course="Pricing")
    course = close_course(house, "Pricing", trainers=[tina.id])
    with in_browser(browser, company, tina, java_script_enabled=False) as page:
        page.goto(f"{company.address}/courses/{course}")
        page.fill("#wanted", "zoë")
        page.press("#wanted", "Enter")
        page.click("text=What they see")
        expect(page.locator("main")).to_contain_text(f"The course Pricing is not there for {HOSTILE}")
        page.click("text=Back to the course")
        page.fill("#wanted", "zoë")
        page.press("#wanted", "Enter")
        page.click("text=Name for this course")
        page.click(f'a[href$="/as/{zoe.id}"]')
        expect(page.locator("main")).to_contain_text(f"This is what {HOSTILE} sees.")
        expect(page.locator("main")).to_contain_text("safety induction")
        assert page.locator("main a").all_inner_texts() == ["Back to the course"]
        assert page.locator("main form").count() == 0


@pytest.mark.parametrize(
    ("width", "locale", "scheme"), [(390, "zh-CN", "dark"), (390, "en", "light"), (1280, "en", "dark")]
)
def test_no_page_of_rights_has_a_serious_finding(
    browser: Browser, company: Served, width: int, locale: str, scheme: str
) -> None:
    house = company.house
    ada, emil = add_person(house, "Ada", Role.ADMIN), add_person(house, HOSTILE, groups=["Night shift at the plant"])
    house.add_recording(course="Pricing in the northern region")
    course = close_course(
        house, "Pricing in the northern region", people_ids=[emil.id], groups=["Night shift at the plant"]
    )
    group = next(iter(emil.groups))
    paths = (
        *("/courses", f"/courses/{course}", f"/courses/{course}/as/{emil.id}"),
        *("/people", f"/people/{emil.id}", f"/people/{emil.id}/as"),
        *("/groups", f"/groups/{group}", f"/groups/{group}/remove?names=yes", "/audit"),
    )
    options = {"viewport": {"width": width, "height": 800}, "locale": locale, "color_scheme": scheme}
    with in_browser(browser, company, ada, **options) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        for path in paths:
            assert page.goto(f"{company.address}{path}").status == 200  # type: ignore[union-attr]
            assert serious_findings(page) == [], path
            assert_fits(page, path)


def test_a_voice_that_was_not_sent_is_not_there_for_who_signs_in_next(browser: Browser, company: Served) -> None:
    """The same browser, whose session ended without signing out."""
    anna, bert = add_person(company.house, "Anna"), add_person(company.house, "Bert")
    kept = """async (wanted) => {
        const sounds = await import("/static/ask/kept_sound.js");
        if (wanted === "keep") await sounds.keep(new Blob(["voice"]), {});
        return (await sounds.unsent()).length;
    }"""
    with in_browser(browser, company, anna) as page:
        assert page.evaluate(kept, "keep") == 1
        page.reload()
        expect(page.locator("[data-kept]")).to_be_visible()
        page.context.clear_cookies(name=SESSION_COOKIE)
        page.goto(f"{company.address}/sign-in")
        page.fill("input[name=name]", bert.name)
        page.fill("input[name=password]", PASSWORD)
        page.locator("main form button").click()
        expect(page.locator("#question")).to_be_visible()
        expect(page.locator("[data-kept]")).to_be_hidden()
        assert page.evaluate(kept, "look") == 0
