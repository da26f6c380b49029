"""Asking in a real browser: by the microphone, the space bar, typing; and hearing the answer from its second on."""

import io
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from assistant.errors import RecognizerDown
from knowledge.finding.moment import Verdict
from tests.browser.conftest import Served, decoded, microphone_file, opened_chromium, tone, until, watched, write_film
from tests.product.running import earmark
from tests.product.running import serving as serving_product
from tests.web.house import LINES, WebHouse, trial_state

pytestmark = pytest.mark.browser
DATA = Path(__file__).parents[2] / "data"
NOW = "document.querySelector('[data-media]:not([hidden])').currentTime"
PLAYING = "!document.querySelector('[data-media]:not([hidden])').paused"


@pytest.fixture(scope="module")
def speaking(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears two seconds of a tone."""
    file = microphone_file(tmp_path_factory.mktemp("microphone") / "question.wav", tone(2.0), tail_s=30)
    with opened_chromium(playwright, microphone=file) as browser:
        yield browser


@pytest.fixture
def spoken_page(speaking: Browser) -> Iterator[Page]:
    context = speaking.new_context(locale="en")
    page = context.new_page()
    troubles = watched(page)
    yield page
    context.close()
    assert troubles == []


def teach(house: WebHouse) -> str:
    recording_id = house.add_recording()
    house.answer_with("near miss", recording_id)
    house.answer_with("near miss", recording_id, LINES[3])
    other = house.add_recording(name="accidents.wav", duration_s=31.0)
    house.answer_with("near miss", other, LINES[1])
    return recording_id


def sound_of(content: bytes) -> tuple[int, int, np.ndarray]:
    """Rate, channels, samples of a WAV."""
    with wave.open(io.BytesIO(content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return file.getframerate(), file.getnchannels(), samples


def test_holding_the_button_asks_and_the_answer_plays_from_its_second(spoken_page: Page, served: Served) -> None:
    teach(served.house)
    spoken_page.goto(served.address)

    button = spoken_page.locator("[data-mic-button]")
    button.hover()
    spoken_page.mouse.down()
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    expect(spoken_page.locator("[data-seconds-left]")).to_contain_text("s left")
    spoken_page.wait_for_timeout(2500)
    spoken_page.mouse.up()
    spoken_page.wait_for_selector("[data-answer]")
    until(spoken_page, PLAYING)
    until(spoken_page, f"{NOW} > 10.2")

    rate, channels, samples = sound_of(served.house.asking.sounds[0][1])
    assert (rate, channels) == (16_000, 1)
    assert 2.0 < len(samples) / rate < 4.5
    assert np.abs(samples).max() > 2_000
    assert 10.0 <= spoken_page.evaluate(NOW) < 15.0
    assert "/questions/" in spoken_page.url
    assert spoken_page.input_value("#question") == served.house.asking.heard
    assert spoken_page.locator("a.line[aria-current]").inner_text().endswith(LINES[2][2])
    took_ms = spoken_page.evaluate("performance.getEntriesByName('earmark:release-to-sound')[0].duration")
    assert 0 < took_ms < 5_000


def test_the_space_bar_taps_to_start_and_to_stop(spoken_page: Page, served: Served) -> None:
    teach(served.house)
    spoken_page.goto(served.address)

    spoken_page.keyboard.press("Space")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    spoken_page.wait_for_timeout(1200)
    spoken_page.keyboard.press("Space")
    spoken_page.wait_for_selector("[data-answer]")

    assert len(served.house.asking.sounds) == 1


@pytest.mark.parametrize("by_space", [False, True])
def test_the_first_press_on_a_fresh_page_is_heard(
    playwright: Playwright, served: Served, tmp_path: Path, by_space: bool
) -> None:
    """As people's browsers are set: a page runs sound only after it was touched; passing over it is no touch."""
    file = microphone_file(tmp_path / "question.wav", tone(2.0), tail_s=30)
    with opened_chromium(playwright, microphone=file, sound_needs_a_touch=True) as browser:
        page = browser.new_page()
        page.goto(served.address)
        page.locator("[data-mic-button]").hover()
        page.wait_for_timeout(300)

        page.keyboard.down("Space") if by_space else page.mouse.down()
        expect(page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
        page.wait_for_timeout(1500)
        page.keyboard.up("Space") if by_space else page.mouse.up()
        page.wait_for_selector("[data-answer]")

    [(_, content)] = served.house.asking.sounds
    assert len(content) > 5_000


def test_a_browser_that_keeps_nothing_sends_all_the_same(spoken_page: Page, served: Served) -> None:
    spoken_page.add_init_script("IDBObjectStore.prototype.put = () => { throw new DOMException('', 'DataCloneError') }")
    spoken_page.goto(served.address)

    spoken_page.keyboard.press("Space")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    spoken_page.wait_for_timeout(1000)
    spoken_page.keyboard.press("Space")
    spoken_page.wait_for_selector("[data-answer]")

    assert len(served.house.asking.sounds) == 1


def test_the_switch_of_languages_leads_back_to_the_answer(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.press("#question", "Enter")
    page.wait_for_selector("[data-answer]")
    answered = page.url

    page.click('[action="/language"] button')

    expect(page.locator("html")).to_have_attribute("lang", "zh")
    assert page.url == answered


def test_a_click_without_a_pointer_starts_and_stops(spoken_page: Page, served: Served) -> None:
    teach(served.house)
    spoken_page.goto(served.address)
    spoken_page.locator("h1").click()  # a page that nobody touched may run no sound
    spoken_page.evaluate("document.querySelector('[data-mic-button]').click()")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    spoken_page.wait_for_timeout(1500)
    spoken_page.evaluate("document.querySelector('[data-mic-button]').click()")
    spoken_page.wait_for_selector("[data-answer]")
    assert len(served.house.asking.sounds) == 1


def test_the_answer_is_hushed_while_the_next_question_is_spoken_and_back_leads_to_it(
    spoken_page: Page, served: Served
) -> None:
    teach(served.house)
    spoken_page.goto(served.address)
    for _ in range(2):
        spoken_page.locator("[data-mic-button]").click()
        expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
        assert not spoken_page.evaluate("[...document.querySelectorAll('audio, video')].some(m => !m.paused)")
        spoken_page.wait_for_timeout(1500)
        before = spoken_page.url
        spoken_page.locator("[data-mic-button]").click()
        spoken_page.wait_for_url(lambda url, before=before: url != before)
        until(spoken_page, PLAYING)
    second = spoken_page.url
    spoken_page.go_back()
    spoken_page.wait_for_url(lambda url: "/questions/" in url and url != second)
    spoken_page.wait_for_selector("[data-answer]")
    spoken_page.go_back()
    spoken_page.wait_for_url(served.address + "/")
    expect(spoken_page.locator("[data-answer]")).to_have_count(0)


def test_back_pressed_before_the_page_has_its_scripts_leads_back(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.press("#question", "Enter")
    page.wait_for_url("**/questions/*")
    held: list[Route] = []
    page.route("**/htmx.min.js*", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.wait_for_selector("[data-answer]")
    page.evaluate("history.back()")
    page.wait_for_url(served.address + "/", wait_until="commit")

    for route in held:
        route.continue_()
    page.unroute("**/htmx.min.js*")

    expect(page.locator("[data-answer]")).to_have_count(0)


def test_where_the_recogniser_is_down_the_microphone_is_not_offered(page: Page, served: Served) -> None:
    served.house.engine.now = replace(trial_state(), recogniser=replace(trial_state().recogniser, state="down"))
    page.goto(served.address)
    expect(page.locator("[data-mic-status]")).to_contain_text("the recogniser is not running")
    expect(page.locator("[data-mic-button]")).to_be_hidden()


def test_a_server_that_does_not_answer_is_named(browser: Browser, served: Served) -> None:
    context = browser.new_context(locale="en")
    page = context.new_page()
    page.goto(served.address)
    page.route("**/ask", lambda route: route.abort())
    page.fill("#question", "a near miss")
    page.locator("#ask-button").click()
    expect(page.locator("[data-no-answer]")).to_contain_text("The server does not answer")
    page.unroute("**/ask")
    teach(served.house)
    page.locator("#ask-button").click()
    page.wait_for_selector("[data-answer]")
    expect(page.locator("[data-no-answer]")).to_be_hidden()
    context.close()


def test_escape_throws_away_what_was_said(spoken_page: Page, served: Served) -> None:
    spoken_page.goto(served.address)

    spoken_page.keyboard.press("Space")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    spoken_page.wait_for_timeout(500)
    spoken_page.keyboard.press("Escape")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "idle")

    assert served.house.asking.sounds == []
    assert spoken_page.locator("[data-kept]").is_hidden()


def test_a_question_that_did_not_arrive_survives_a_reload_and_is_sent_then(spoken_page: Page, served: Served) -> None:
    teach(served.house)
    served.house.asking.failure = RecognizerDown("the recogniser is not running", "try again")
    spoken_page.goto(served.address)
    spoken_page.keyboard.press("Space")
    expect(spoken_page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
    spoken_page.wait_for_timeout(1000)
    spoken_page.keyboard.press("Space")
    expect(spoken_page.locator("[data-kept]")).to_be_visible()

    served.house.asking.failure = None
    spoken_page.reload()
    expect(spoken_page.locator("[data-kept-text]")).to_contain_text("has not reached the server")
    spoken_page.click("[data-kept-send]")
    spoken_page.wait_for_selector("[data-answer]")

    assert len(served.house.asking.sounds) == 1
    spoken_page.reload()
    spoken_page.wait_for_timeout(300)
    assert spoken_page.locator("[data-kept]").is_hidden()


def test_a_file_that_failed_is_told_by_its_answer_and_never_as_recorded(spoken_page: Page, served: Served) -> None:
    question = {"name": "mine.wav", "mimeType": "audio/wav", "buffer": b"RIFF"}
    status = spoken_page.locator("[data-mic-status]")
    served.house.asking.failure = RecognizerDown("the recogniser is not running", "try again")
    spoken_page.goto(served.address)
    spoken_page.set_input_files("[data-sound-file]", question)  # type: ignore[arg-type]
    spoken_page.wait_for_selector("[data-error]")
    expect(status).to_be_empty()

    spoken_page.route("**/ask", lambda route: route.abort())
    spoken_page.set_input_files("[data-sound-file]", question)  # type: ignore[arg-type]
    expect(status).to_contain_text("The server does not answer")
    assert spoken_page.locator("[data-kept]").is_hidden()


def test_without_permission_the_page_says_so_and_typing_works(
    playwright: Playwright, served: Served, tmp_path: Path
) -> None:
    teach(served.house)
    file = microphone_file(tmp_path / "question.wav", tone(1.0))
    with opened_chromium(playwright, microphone=file, allowed=False) as browser:
        page = browser.new_context(locale="en", permissions=[]).new_page()
        page.goto(served.address)
        page.keyboard.press("Space")
        expect(page.locator("[data-mic-status]")).to_contain_text("does not let this page use the microphone")
        page.fill("#question", "a near miss")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-answer]")


def test_without_a_microphone_the_page_says_so(page: Page, served: Served) -> None:
    page.goto(served.address)

    page.keyboard.press("Space")

    expect(page.locator("[data-mic-status]")).to_contain_text("Type your question")


def test_on_an_insecure_page_the_reason_is_told(page: Page, served: Served) -> None:
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")

    page.goto(served.address)

    expect(page.locator("[data-mic-status]")).to_contain_text("only to secure pages")
    expect(page.locator("[data-mic-side]")).to_be_hidden()


def test_typing_asks_in_place_and_the_back_button_returns(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)

    page.fill("#question", "How do I report a near miss?")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-answer]")

    assert "/questions/" in page.url
    assert page.title().startswith("How do I report a near miss?")
    assert not page.evaluate(PLAYING)
    until(page, f"{NOW} >= 10")
    assert page.evaluate(NOW) == pytest.approx(10.0, abs=0.05)
    page.go_back()
    expect(page.locator("[data-answer]")).to_have_count(0)


def test_moments_are_walked_and_each_plays_from_its_own_second(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-answer]")

    page.click("[data-play] >> nth=0")
    until(page, f"{PLAYING} && {NOW} >= 10 && {NOW} < 12")
    page.click("[data-next]")
    until(page, f"{PLAYING} && {NOW} >= 16 && {NOW} < 18")
    expect(page.locator("[data-transcript] mark")).to_have_text(LINES[3][2])
    page.click("[data-next]")
    until(page, f"{PLAYING} && {NOW} >= 5 && {NOW} < 7")
    expect(page.locator("[data-player-title]")).to_have_text("accidents")
    page.click("[data-previous]")
    until(page, f"{PLAYING} && {NOW} >= 16 && {NOW} < 18")
    page.click("[data-moment][aria-current] [data-earlier]")
    until(page, f"{PLAYING} && {NOW} >= 6 && {NOW} < 8")
    page.click("[data-moment][aria-current] [data-play]")
    until(page, f"!({PLAYING})")


def test_a_moment_with_a_picture_shows_it_and_one_without_does_not(page: Page, served: Served) -> None:
    film = write_film(served.house.folder / "film.mp4", duration_s=30)
    served.house.answer_with("near miss", served.house.add_recording(name="film.mp4", source=film))
    served.house.answer_with("near miss", served.house.add_recording(), LINES[1])
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-answer]")

    page.click("[data-play] >> nth=0")
    until(page, f"{PLAYING} && {NOW} >= 10 && {NOW} < 12")
    expect(page.locator("video")).to_be_visible()
    assert page.evaluate("document.querySelector('video').videoWidth") == 320
    page.click("[data-next]")
    until(page, f"{PLAYING} && {NOW} >= 5 && {NOW} < 7")
    expect(page.locator("video")).to_be_hidden()
    page.click("[data-previous]")
    until(page, f"{PLAYING} && {NOW} >= 10 && {NOW} < 12")
    expect(page.locator("video")).to_be_visible()


def test_the_space_bar_plays_where_the_focus_is_in_the_player(page: Page, served: Served) -> None:
    teach(served.house)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-answer]")

    page.locator("[data-transcript]").focus()
    page.keyboard.press("Space")

    until(page, PLAYING)
    expect(page.locator("[data-microphone]")).not_to_have_attribute("data-state", "listening")


def test_a_link_with_a_second_opens_and_plays_there_and_keys_work(page: Page, served: Served) -> None:
    recording_id = teach(served.house)

    page.goto(f"{served.address}/recordings/{recording_id}?t=16")

    until(page, f"{PLAYING} && {NOW} >= 16 && {NOW} < 18")
    expect(page.locator("a.line[aria-current]")).to_contain_text(LINES[3][2])
    page.keyboard.press("Space")
    until(page, f"!({PLAYING})")
    page.keyboard.press("j")
    until(page, f"{NOW} < 9")
    page.keyboard.press("l")
    until(page, f"{NOW} > 15")
    page.click("a.line >> nth=1")
    until(page, f"{PLAYING} && {NOW} >= 5 && {NOW} < 7")
    page.locator("a.line >> nth=1").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, f"{NOW} >= 10 && {NOW} < 12")


def test_finding_inside_a_recording_leads_to_the_place(page: Page, served: Served) -> None:
    recording_id = teach(served.house)
    page.goto(f"{served.address}/recordings/{recording_id}")

    page.fill("#wanted", "PALLET")
    page.keyboard.press("Enter")
    page.click("#found a.line")

    until(page, f"{PLAYING} && {NOW} >= 5 && {NOW} < 7")
    assert page.url.endswith(recording_id)


def test_an_honest_no_shows_no_player_until_asked(page: Page, served: Served) -> None:
    served.house.answer_with("parrot", served.house.add_recording(), verdict=Verdict.ABSENT)
    page.goto(served.address)
    page.fill("#question", "who feeds the parrot")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-verdict=absent]")

    expect(page.locator("[data-player]")).to_be_hidden()
    page.click(".nearest > summary")
    expect(page.locator("[data-player]")).to_be_visible()


def test_without_scripts_typing_and_playing_work(browser: Browser, served: Served) -> None:
    teach(served.house)
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(served.address)

    page.fill("#question", "near miss")
    page.click("#ask-button")

    assert "/questions/" in page.url
    assert page.locator("[data-media=sound]").get_attribute("src").endswith("#t=10")  # type: ignore[union-attr]
    page.click("[data-play] >> nth=0")
    assert "t=10.000" in page.url
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1280])
def test_why_opens_by_keyboard_and_its_numbers_after_it(browser: Browser, served: Served, width: int) -> None:
    """Without scripts: a disclosure needs none."""
    teach(served.house)
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 800}, locale="zh-CN")
    page = context.new_page()
    troubles = watched(page)
    page.goto(served.address)
    page.fill("#question", "near miss")
    page.press("#question", "Enter")
    why = page.locator(".moment .why").first
    summary = why.locator("> summary")
    expect(summary).to_have_text("为什么是这一段？")
    expect(why.locator("dl").first).to_be_hidden()

    summary.focus()
    page.keyboard.press("Enter")
    expect(why.locator("dl").first).to_contain_text("torque")
    expect(why.locator("meter").first).to_have_js_property("value", 0.72)
    expect(why.locator("table")).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(why.locator("table")).to_contain_text("逐词的意思")
    box = why.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width
    context.close()
    assert troubles == []


def test_a_spoken_question_is_answered_by_the_sound_of_the_demo_course(playwright: Playwright, tmp_path: Path) -> None:
    home = tmp_path / "home"
    recording = next(DATA.rglob("fire-and-evacuation.opus"))
    indexed = earmark(home, "index", recording, "--json", timeout_s=600)
    assert indexed.code == 0, indexed.err
    spoken = decoded(DATA / "questions" / "spoken-fire.flac")
    question = microphone_file(tmp_path / "question.wav", spoken, lead_s=1.5, tail_s=60)
    with (
        serving_product(home, tmp_path / "serve.log") as server,
        opened_chromium(playwright, microphone=question) as browser,
    ):
        page = browser.new_context(locale="en").new_page()
        page.goto(server.address)
        page.keyboard.press("Space")
        expect(page.locator("[data-microphone]")).to_have_attribute("data-state", "listening")
        page.wait_for_timeout(6000)
        page.keyboard.press("Space")
        page.wait_for_selector("[data-answer]", timeout=60_000)
        first = page.locator("[data-moment]").first
        begins_s = float(first.get_attribute("data-start") or "nan")
        assert 60 <= begins_s <= 76
        verdict = page.locator("[data-answer]").get_attribute("data-verdict")
        if verdict == "absent":
            page.locator("[data-answer] details.nearest summary").click()
        if verdict != "answered":
            first.locator("[data-play]").click()
        until(page, f"{PLAYING} && {NOW} > {begins_s}", timeout_s=20)
        assert page.evaluate(NOW) < begins_s + 5
