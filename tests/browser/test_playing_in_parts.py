"""Players get a recording in short parts, each asked for anew: nobody hears the seams, and who may not hear on is
stopped at the next."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

from tests.browser.conftest import Served, until, write_film
from tests.web.house import write_tone

pytestmark = pytest.mark.browser
DURATION_S = 150.0
MEDIA = "document.querySelector('[data-media]:not([hidden])')"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("played")
    return {
        "sound": write_tone(folder / "tone.wav", duration_s=DURATION_S),
        "film": write_film(folder / "film.mp4", duration_s=DURATION_S),
    }


def parts_asked_for(page: Page) -> list[tuple[int, int, int]]:
    """(first, last, size) of each part that comes, as it comes; Chromium announces more of one than came where its
    cache holds the beginning."""
    found: list[tuple[int, int, int]] = []

    def note(response: Response) -> None:
        told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("content-range", ""))
        if "/media/" in response.url and told:
            found.append((int(told[1]), int(told[2]), int(told[3])))

    page.on("response", note)
    return found


def plays_on(page: Page, second: float, *, for_s: float) -> None:
    page.evaluate(f"{MEDIA}.currentTime = {second}")
    until(page, f"{MEDIA}.currentTime >= {second + for_s} && !{MEDIA}.seeking && {MEDIA}.error === null")


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("kind", ["sound", "film"])
def test_nobody_hears_the_seams(page: Page, served: Served, sources: dict[str, Path], kind: str, rate: int) -> None:
    source = sources[kind]
    recording_id = served.house.add_recording(source=source, name=source.name, duration_s=DURATION_S)
    parts = parts_asked_for(page)
    page.goto(f"{served.address}/recordings/{recording_id}")
    page.evaluate(f"{MEDIA}.playbackRate = {rate}; {MEDIA}.play()")
    until(page, f"{MEDIA}.currentTime > 1")
    page.evaluate(f"{MEDIA}.addEventListener('waiting', () => {{ {MEDIA}.dataset.stalled = 'yes' }})")
    _first, last, size = parts[0]
    seam_s = (last + 1) / size * DURATION_S
    assert 0 < seam_s <= 30

    until(page, f"{MEDIA}.buffered.end({MEDIA}.buffered.length - 1) > {seam_s + 5}")
    page.evaluate(f"delete {MEDIA}.dataset.stalled; {MEDIA}.currentTime = {seam_s - 2}")
    until(page, f"!{MEDIA}.seeking")
    page.evaluate(f"delete {MEDIA}.dataset.stalled")
    until(page, f"{MEDIA}.currentTime > {seam_s + 2}")
    assert page.evaluate(f"{MEDIA}.dataset.stalled") is None

    plays_on(page, 140, for_s=2)
    plays_on(page, 70, for_s=2)
    plays_on(page, 147, for_s=2.5)
    until(page, f"{MEDIA}.ended")
    assert len(parts) > 3


def test_who_may_not_hear_on_is_stopped_at_the_next_part(page: Page, served: Served, sources: dict[str, Path]) -> None:
    recording_id = served.house.add_recording(source=sources["sound"], name="tone.wav", duration_s=DURATION_S)
    parts = parts_asked_for(page)
    removed = False

    def remove_then_ask(route: object) -> None:
        """Between the first part and the next."""
        nonlocal removed
        if parts and not removed:
            removed = True
            page.context.request.post(
                f"{served.address}/recordings/{recording_id}/remove", headers={"origin": served.address}
            )
        route.continue_()  # type: ignore[attr-defined]

    page.route("**/media/*", remove_then_ask)
    page.goto(f"{served.address}/recordings/{recording_id}")
    page.evaluate(f"{MEDIA}.play()")
    until(page, f"{MEDIA}.error !== null || ({MEDIA}.currentTime > 5)", timeout_s=30)
    page.wait_for_timeout(2000)
    assert removed
    assert len(parts) == 1
    first, last, size = parts[0]
    assert (last - first + 1) / size * DURATION_S <= 30
