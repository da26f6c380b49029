"""Every page by machine's eyes: no serious accessibility findings, nothing cut off; progress survives a reload."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from assistant.jobs.job import JobState, JobStep
from assistant.jobs.tables import JobRow
from knowledge.database import utc_now
from tests.browser.conftest import Served
from tests.web.house import write_tone

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
CHINESE = ((1.0, 4.0, "欢迎 参加 安全 培训。"), (10.0, 15.5, "险肇 事故 当天 必须 上报， 填写 黄色 表格。"))
LONG_TITLE = "班组长安全培训——关于险肇事故报告与后续整改措施的年度强制性培训课程第三部分.wav"


def furnish(served: Served) -> dict[str, str]:
    """A house with something on every page. Path by name."""
    house = served.house
    recording_id = house.add_recording()
    chinese = house.add_recording(name=LONG_TITLE, course="安全生产", lines=CHINESE, language="zh", duration_s=33)
    house.answer_with("near miss", recording_id)
    house.answer_with("near miss", chinese, CHINESE[1])
    error = {"type": "bad-media", "detail": "welcome.mov: no sound track", "way_out": "export it with sound"}
    house.add_job(state=JobState.FAILED, name="welcome.mov", error=error)
    house.add_job(
        state=JobState.RUNNING, step=JobStep.RECOGNISING, done=2650.0, total=4325.0, timed_at=utc_now(), timed_from=0.0
    )
    return {
        "ask": "/",
        "recordings": "/recordings",
        "recording": f"/recordings/{recording_id}?t=10",
        "courses": "/courses",
        "jobs": "/jobs",
        "api": "/api/docs",
        "missing": "/recordings/none",
    }


def serious_findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical; added from outside, since the policy allows no foreign script."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(({ violations }) => violations)")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]} ({one['nodes'][0]['failureSummary']})"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def assert_fits(page: Page, what: str) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{what} scrolls sideways by {wide} px"


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_finding(browser: Browser, served: Served, width: int, locale: str, scheme: Any) -> None:
    paths = furnish(served)
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale, color_scheme=scheme)
    page = context.new_page()
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.click("#ask-button")
    page.wait_for_selector("[data-answer]")
    for fold in page.locator("details").all():
        fold.evaluate("(one) => { one.open = true }")
    assert serious_findings(page) == []
    assert_fits(page, "an answer")

    for name, path in paths.items():
        page.goto(f"{served.address}{path}")
        assert serious_findings(page) == [], name
        assert_fits(page, name)
    context.close()


def test_at_four_hundred_percent_nothing_is_lost(browser: Browser, served: Served) -> None:
    """1280 px at 400 % are 320 px."""
    paths = furnish(served)
    context = browser.new_context(viewport={"width": 320, "height": 256}, locale="en")
    page = context.new_page()
    for name, path in paths.items():
        page.goto(f"{served.address}{path}")
        assert_fits(page, name)
    context.close()


def test_every_control_is_large_enough_for_a_thumb(browser: Browser, served: Served) -> None:
    paths = furnish(served)
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, locale="en")
    page = context.new_page()
    for path in (paths["ask"], paths["jobs"], paths["recording"]):
        page.goto(f"{served.address}{path}")
        small = page.evaluate(
            """[...document.querySelectorAll('button, .button, select, input[type=text], nav a, a.line')]
               .filter((one) => one.checkVisibility())
               .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect().height])
               .filter(([, height]) => height < 43.5)"""
        )
        assert small == [], path
    context.close()


def test_the_tab_key_reaches_everything_on_the_first_page(page: Page, served: Served) -> None:
    furnish(served)
    page.goto(served.address)
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))

    assert {
        "Skip to the content",
        "Ask",
        "Recordings",
        "Courses",
        "Trainer’s desk",
        "中文",
        "question",
        "ask-button",
    } <= reached


def test_progress_goes_on_by_itself_and_survives_a_reload(page: Page, served: Served) -> None:
    furnish(served)
    page.goto(f"{served.address}/jobs")
    expect(page.locator("[data-state=running]")).to_contain_text("44:10 of 1:12:05")

    move(served, done=3600.0)
    expect(page.locator("[data-state=running]")).to_contain_text("1:00:00 of 1:12:05")
    page.reload()
    expect(page.locator("[data-state=running]")).to_contain_text("1:00:00 of 1:12:05")
    move(served, state=JobState.DONE)
    expect(page.locator("[data-state=running]")).to_have_count(0)
    expect(page.locator("#jobs")).to_have_attribute("data-busy", "no")


def test_chosen_files_are_sent_with_their_course_and_appear_as_jobs(page: Page, served: Served, tmp_path: Path) -> None:
    talk = write_tone(tmp_path / "Forklift talk.wav", duration_s=1.0)
    script = tmp_path / "Forklift talk.txt"
    script.write_text("forks down")
    page.goto(f"{served.address}/jobs")

    page.set_input_files("[data-files]", [talk, script])
    expect(page.locator("[data-sending]")).to_contain_text("Forklift talk.wav + Forklift talk.txt")
    page.fill("input[name=course]", "Forklifts")
    page.click("[data-send]")

    job = page.locator("#jobs .job")
    expect(job).to_contain_text("Forklift talk.wav")
    expect(job).to_contain_text("Forklifts")
    expect(page.locator("[data-sending] li")).to_have_count(0)
    kept = next((served.house.services.home / "files").iterdir())
    assert (kept / "script.txt").read_text() == "forks down"


def test_a_refused_upload_says_why_in_its_row(page: Page, served: Served, tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    page.goto(f"{served.address}/jobs")

    page.set_input_files("[data-files]", [empty])
    page.click("[data-send]")

    expect(page.locator("[data-sending] li")).to_contain_text("empty.wav: the file is empty")


def test_an_upload_that_is_too_large_says_so(page: Page, served: Served, tmp_path: Path) -> None:
    page.goto(f"{served.address}/jobs")
    page.route(
        "**/recordings",
        lambda route: route.fulfill(status=413, content_type="text/plain", body="Larger than 4,000 MB. Send less.\n"),
    )
    (tmp_path / "film.mp4").write_bytes(b"x")
    page.set_input_files("[data-files]", [tmp_path / "film.mp4"])
    page.click("[data-send]")

    expect(page.locator("[data-sending] li")).to_contain_text("Larger than 4,000 MB. Send less.")


def test_the_focus_stays_where_it_is_while_progress_goes_on(page: Page, served: Served) -> None:
    furnish(served)
    page.goto(f"{served.address}/jobs")
    page.focus("[data-state=running] button")

    move(served, done=3600.0)
    expect(page.locator("[data-state=running]")).to_contain_text("1:00:00 of 1:12:05")

    expect(page.locator("[data-state=running] button")).to_be_focused()


def test_progress_stays_and_goes_on_where_it_could_not_be_asked_for_once(page: Page, served: Served) -> None:
    furnish(served)
    page.goto(f"{served.address}/jobs")
    page.route("**/jobs/list", lambda route: route.fulfill(status=503, body="<div data-error>down</div>"), times=1)
    with page.expect_response("**/jobs/list") as asked:
        pass
    assert asked.value.status == 503
    expect(page.locator("#jobs .job")).not_to_have_count(0)

    move(served, done=3600.0)
    expect(page.locator("[data-state=running]")).to_contain_text("1:00:00 of 1:12:05")


def test_a_failed_job_is_tried_again_in_place(page: Page, served: Served) -> None:
    furnish(served)
    page.goto(f"{served.address}/jobs")

    page.click("[data-state=failed] button")

    expect(page.locator("[data-state=failed]")).to_have_count(0)


def move(served: Served, **values: object) -> None:
    """What a worker would write."""
    with served.house.database.write() as session:
        session.execute(update(JobRow).where(JobRow.state == JobState.RUNNING).values(**values))
