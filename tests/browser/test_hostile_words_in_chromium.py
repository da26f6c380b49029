"""Titles, names, transcripts and questions that would rather be a page: shown as the words they are, in a real browser,
on every page there is. And what a browser still shows of somebody who has signed out."""

import json
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import update

from assistant.access import people
from assistant.access.people import Person, clean_person_name
from assistant.access.role import Role
from assistant.jobs.job import JobState
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import CourseRow, RecordingRow
from tests.browser.conftest import Served, until, watched
from tests.web.house import open_web_house
from tests.web.people import PASSWORD, add_person, with_sign_in
from tests.web.serving import serving
from web.app import ROUTERS
from web.rules import declared_routes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=2>',
    "'><svg/onload=window.pwned=3>",
    "</title></textarea></option></bdi><script>window.pwned=4</script>",
    '<div hx-get="/pwned" hx-trigger="load">x</div>',
    '" hx-get="/pwned" hx-trigger="load" data-x="',
    "' onmouseover=window.pwned=5 autofocus onfocus=window.pwned=6 x='",
    "javascript:window.pwned=7",
    '<a href="javascript:window.pwned=8">near miss</a>',
    "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}<%= 7*7 %>",
    "%(name)s %s %d {0} {name}",
    "<iframe srcdoc='<script>parent.pwned=9</script>'></iframe>",
    '<base href="//evil.example/"><meta http-equiv="refresh" content="0;url=/pwned">',
    "\u202egpj.exe\u2066\u200f near miss \u202d",
    "--><!--<![CDATA[ ]]> &lt;script&gt; &#60;b&#62; \\u003cscript\\u003e",
    "</script><script type=module>window.pwned=10</script>",
    "<template><form action=//evil.example><input name=form_token></form></template>",
)
LONG = "Wort" * 2_500
QUESTIONS = (*HOSTILE, "near miss " + "lang " * 380)


def add_hostile(house_served: Served, words: str, number: int) -> str:
    """A recording that is called, is in a course that is called, and says `words`."""
    house = house_served.house
    lines = ((1.0, 4.0, words), (5.0, 9.0, f"near miss {words}"))
    recording = house.add_recording(
        name=f"{number}.wav", course=f"course {number}", lines=lines, duration_s=11 + number
    )
    with house.database.write() as session:
        found = recordings.recording(session, recording)
        assert found is not None
        session.execute(update(RecordingRow).where(RecordingRow.id == recording).values(name=words, title=words))
        session.execute(update(CourseRow).where(CourseRow.id == found.course_id).values(name=words))
    house.answer_with("near miss", recording, lines[1])
    return recording


@pytest.fixture
def hostile(tmp_path: object) -> Iterator[Served]:
    house = with_sign_in(open_web_house(tmp_path))  # type: ignore[arg-type]
    with serving(house) as address:
        yield Served(house, address)
    house.database.close()


def signed_in(context: BrowserContext, address: str, person: Person) -> Page:
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.fill("input[name=name]", person.name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    until(page, "location.pathname === '/'")
    return page


def pages_without_a_thing() -> list[str]:
    """Whatever page there is, one that is new among them; what leads away or is for programs not."""
    left_out = {"/metrics", "/healthz", "/readyz", "/me/data.json", "/me/learning/data.json"}
    return sorted(
        route.path
        for route, _ in declared_routes(ROUTERS)
        if "GET" in route.methods and "{" not in route.path and route.path not in left_out
    )


class Eyes:
    """What a page must not do, watched from outside."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.troubles = watched(page)
        self._own = urlsplit(address).netloc
        page.on("dialog", lambda dialog: (self.troubles.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self._request(request.url))

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and (parts.netloc != self._own or parts.path == "/pwned"):
            self.troubles.append(f"asked for {url}")

    def look(self, path: str) -> None:
        assert self.troubles == [], path
        assert self.page.evaluate("window.pwned ?? null") is None, path
        strange = self.page.evaluate(
            """[...document.querySelectorAll(
                 'iframe, base, meta[http-equiv], [onerror], [onload], [onfocus], [onmouseover], [autofocus][onfocus],'
                 + ' [hx-get="/pwned"], [href^="javascript:"], form[action*="evil"], main script, img[src="x"]'
               )].map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert strange == [], path
        assert "root:x:0" not in self.page.content(), path


@pytest.mark.timeout(560)
def test_words_stay_words_on_every_page(browser: Browser, hostile: Served) -> None:
    house = hostile.house
    names = [clean_person_name(words) for words in HOSTILE]
    ada = add_person(house, names[1], Role.ADMIN, groups=[words for words in names if words])
    for name in names[2:]:
        add_person(house, name, Role.TRAINER)
    made = [add_hostile(hostile, words, number) for number, words in enumerate((*HOSTILE, LONG))]
    for words in HOSTILE[:4]:
        error = {"type": "bad-media", "detail": f"{words}: no sound track", "way_out": words}
        house.add_job(state=JobState.FAILED, name=words, error=error)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    page = signed_in(context, hostile.address, ada)
    eyes = Eyes(page, hostile.address)

    for words in QUESTIONS:
        page.goto(hostile.address)
        page.fill("#question", f"near miss {words}"[:1900])
        page.click("#ask-button")
        page.wait_for_selector("[data-answer]")
        for fold in page.locator("details").all():
            fold.evaluate("(one) => { one.open = true }")
        page.mouse.move(400, 400)
        eyes.look(f"the answer to {words}")
        page.reload()
        eyes.look(f"the page of the answer to {words}")

    paths = pages_without_a_thing()
    paths += [f"/recordings/{one}?t=5" for one in made]
    with house.database.read() as session:
        paths += [f"/courses/{course.id}/terms" for course in recordings.list_courses(session)]
    for words in HOSTILE:
        odd = quote(words, safe="")
        paths += [
            f"/recordings/{odd}", f"/questions/{odd}", f"/recordings?course={odd}", f"/courses?heard={odd}",
            f"/sign-in?back={odd}", f"/{odd}", f"/jobs?skipped={odd}", f"/recordings/{made[0]}?t={odd}",
            f"/recordings/{made[0]}/lines?at={odd}", f"/media/{odd}",
        ]  # fmt: skip
    for path in paths:
        page.goto(f"{hostile.address}{path}")
        eyes.look(path)
    page.goto(f"{hostile.address}/recordings")
    assert HOSTILE[0] in page.inner_text("main"), "shown as the words they are"
    assert "{{ 7*7 }}" in page.inner_text("main")

    page.goto(f"{hostile.address}/recordings/{made[0]}")
    for words in HOSTILE:
        page.fill("input[name=wanted]", words)
        page.press("input[name=wanted]", "Enter")
        page.wait_for_load_state("networkidle")
        eyes.look(f"looking for {words}")
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_longest_words_stay_on_the_page(browser: Browser, hostile: Served, width: int) -> None:
    ada = add_person(hostile.house, "A" * 120, Role.ADMIN)
    recording = add_hostile(hostile, LONG, 1)
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="en")
    page = signed_in(context, hostile.address, ada)
    for path in ("/", "/recordings", "/courses", "/jobs", f"/recordings/{recording}"):
        page.goto(f"{hostile.address}{path}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide} px"
    context.close()


def test_going_back_after_signing_out_shows_nothing(browser: Browser, hostile: Served) -> None:
    ada = add_person(hostile.house, "Ada", Role.ADMIN)
    recording = hostile.house.add_recording(name="zibeline.wav", course="Quagswag")
    context = browser.new_context(locale="en")
    page = signed_in(context, hostile.address, ada)
    for path in ("/recordings", "/courses", f"/recordings/{recording}"):
        page.goto(f"{hostile.address}{path}")
        assert "zibeline" in page.content().lower() or "quagswag" in page.content().lower()
    page.click("form[action='/sign-out'] button")
    until(page, "location.pathname === '/sign-in'")
    for _ in range(3):
        page.go_back()
        until(page, "document.readyState === 'complete'")
        text = page.content().lower()
        assert "zibeline" not in text
        assert "quagswag" not in text
    assert json.loads(page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
    context.close()


def test_a_page_that_polls_leads_to_signing_in_when_the_session_is_over(browser: Browser, hostile: Served) -> None:
    tina = add_person(hostile.house, "Tina", Role.TRAINER)
    context = browser.new_context(locale="en")
    page = signed_in(context, hostile.address, tina)
    with hostile.house.database.write() as session:
        people.set_groups(session, tina.id, [])
    page.goto(f"{hostile.address}/jobs")
    with hostile.house.database.write() as session:
        people.suspend(session, tina.id)
    page.evaluate("htmx.trigger('#jobs', 'refresh')")
    until(page, "location.pathname === '/sign-in'")
    context.close()
