"""What Chromium plays at a second is what the decoder heard at that second, within a tenth."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from assistant.hearing.heard import HeardFile
from assistant.hearing.listening import hear
from tests.assistant.hearing.decoded import decoded_bursts
from tests.assistant.hearing.making_media import CLOCK_CASES, known_bursts, make_clock_case
from tests.assistant.hearing.range_server import serving

LEAD_S = 0.4
PAGE = """<!doctype html><title>clock</title><video id="media" src="copy" preload="auto"></video>"""
TAP = """
registerProcessor('tap', class extends AudioWorkletProcessor {
  process(inputs) {
    const channel = inputs[0][0];
    if (channel) for (let i = 0; i < channel.length; i++)
      if (Math.abs(channel[i]) > 0.2) { this.port.postMessage(currentTime + i / sampleRate); break; }
    return true;
  }
});
"""
HEAR_BURST = """async ([from_s, until_s]) => {
  const media = document.getElementById('media');
  if (!window.context) {
    window.context = new AudioContext();
    await context.audioWorklet.addModule('tap.js');
    window.tap = new AudioWorkletNode(context, 'tap');
    context.createMediaElementSource(media).connect(tap);
    tap.connect(context.destination);
  }
  media.pause();
  media.currentTime = from_s;
  await new Promise(done => media.addEventListener('seeked', done, {once: true}));
  let burst = null;
  tap.port.onmessage = event => { if (burst === null && !media.paused) burst = event.data; };
  const pairs = [];
  await media.play();
  while (media.currentTime < until_s && !media.ended) {
    pairs.push([context.currentTime, media.currentTime]);
    await new Promise(done => setTimeout(done, 5));
  }
  media.pause();
  if (burst === null) return null;
  const offsets = pairs.slice(pairs.length >> 2).map(([heard, shown]) => shown - heard).sort((a, b) => a - b);
  return burst + offsets[offsets.length >> 1];
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("case", sorted(CLOCK_CASES))
def test_a_click_is_heard_in_chromium_when_the_transcript_says(case: str, tmp_path: Path, page: Page) -> None:
    original = make_clock_case(case, tmp_path)
    *_, heard = hear(original, playable_to=tmp_path / "copy")
    assert isinstance(heard, HeardFile)
    assert heard.playable is not None
    reported_s = decoded_bursts(original)
    assert reported_s == pytest.approx(known_bursts(case), abs=0.05)

    with serving({"": PAGE, "copy": heard.playable, "tap.js": TAP}) as address:
        page.goto(address + "/")
        played_s = [page.evaluate(HEAR_BURST, [second - LEAD_S, second + 0.3]) for second in reported_s]

    errors_s = [played - reported for played, reported in zip(played_s, reported_s, strict=True)]
    print(f"{case}: played minus reported (s): {[round(error, 3) for error in errors_s]}")
    assert max(abs(error) for error in errors_s) < 0.1
