"""Somebody hangs up in the middle: what was worked on for them is let go of."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.web.house import WebHouse
from tests.web.serving import serving


@pytest.fixture
def address(house: WebHouse) -> Iterator[str]:
    house.engine.hears_on = threading.Event()
    with serving(house) as address:
        yield address
        house.engine.hears_on = None


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_transcript_that_nobody_reads_is_not_written_on(house: WebHouse, address: str, stream: str) -> None:
    let_go = house.engine.hears_on
    assert let_go is not None
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{address}/v1/audio/transcriptions", files={"file": ("a.mp3", b"sound")}, data={"stream": stream},
            timeout=1.0, trust_env=False,
        )  # fmt: skip
    assert let_go.wait(10)
