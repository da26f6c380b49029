"""A real Chromium before a real server; its microphone is fed a sound file."""

import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.product.running import wait_until
from tests.web.house import WebHouse, open_web_house
from tests.web.serving import serving
from web.build_static import is_built

HOW_TO_INSTALL = "Chromium is missing, the browser tests need it: sudo apt-get install chromium"
MICROPHONE_RATE_HZ = 48_000


@dataclass(frozen=True, slots=True)
class Served:
    """A house behind a port."""

    house: WebHouse
    address: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    house = open_web_house(tmp_path)
    with serving(house) as address:
        yield Served(house, address)
    house.database.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    assert is_built(), "the page's libraries are missing: python -m web.build_static"
    with sync_playwright() as running:
        yield running


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found is not None, HOW_TO_INSTALL
    return found


@contextmanager
def opened_chromium(
    playwright: Playwright, *, microphone: Path | None = None, allowed: bool = True, sound_needs_a_touch: bool = False
) -> Iterator[Browser]:
    """Chromium with a microphone that plays a file once, or with none that it would allow."""
    policy = "document-user-activation-required" if sound_needs_a_touch else "no-user-gesture-required"
    arguments = ["--no-sandbox", f"--autoplay-policy={policy}"]
    if microphone is not None:
        arguments.append("--use-fake-device-for-media-stream")
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
        if allowed:
            arguments.append("--use-fake-ui-for-media-stream")
    browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One without a microphone."""
    with opened_chromium(playwright) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A desktop page that fails its test where the content policy was broken or a script failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    opened = context.new_page()
    troubles = watched(opened)
    yield opened
    context.close()
    assert troubles == []


def watched(page: Page) -> list[str]:
    """What went wrong inside a page, as it happens."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: _note(message.type, message.text, troubles))
    return troubles


def _note(kind: str, text: str, troubles: list[str]) -> None:
    if kind == "error" and "Content Security Policy" in text:
        troubles.append(text)


def microphone_file(path: Path, samples: np.ndarray, *, lead_s: float = 0.5, tail_s: float = 8.0) -> Path:
    """What Chromium's fake device plays: 48 kHz mono 16 bit, with some quiet before and after."""
    quiet = np.random.default_rng(1).normal(0, 20, int((lead_s + tail_s) * MICROPHONE_RATE_HZ)).astype(np.int16)
    lead = int(lead_s * MICROPHONE_RATE_HZ)
    whole = np.concatenate([quiet[:lead], samples.astype(np.int16), quiet[lead:]])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_RATE_HZ)
        file.writeframes(whole.tobytes())
    return path


def decoded(path: Path) -> np.ndarray:
    """A sound file as 48 kHz mono int16."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=MICROPHONE_RATE_HZ)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def tone(duration_s: float, frequency_hz: float = 440.0) -> np.ndarray:
    at_s = np.arange(int(duration_s * MICROPHONE_RATE_HZ)) / MICROPHONE_RATE_HZ
    return 12_000 * np.sin(2 * np.pi * frequency_hz * at_s)


def write_film(path: Path, *, duration_s: float) -> Path:
    """A grey picture that grows lighter, and a tone."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 320, 180, "yuv420p"
        sound = container.add_stream("aac", rate=16_000)
        sound.layout = "mono"
        for number in range(int(duration_s * 5)):
            shade = np.full((180, 320, 3), number % 256, np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shade, "rgb24")))
        container.mux(picture.encode())
        samples = tone(duration_s)[::3].astype(np.int16)
        for at in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], format="s16", layout="mono")
            frame.rate, frame.pts = 16_000, at
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


def until(page: Page, expression: str, *, timeout_s: float = 15.0) -> None:
    """Wait for something to hold in the page, asked from outside: its policy forbids what Playwright's own waiting
    does inside. Raises AssertionError."""
    wait_until(lambda: page.evaluate(expression), timeout_s=timeout_s, what=expression)
