"""A file's whole sound as the decoder gives it, in this process: for short files of our own making."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assistant.hearing.decoding import ClockedSound, MediaReader
from assistant.hearing.heard import HearingLimits
from assistant.hearing.opening import open_links, open_regular
from tests.assistant.hearing.making_media import Floats, burst_times


def decode(
    path: Path, *, rate_hz: int = 16_000, clock: Callable[[], float] = time.thread_time
) -> tuple[Floats, str | None]:
    """The samples at `rate_hz` and the note; `clock` is what decoding time is measured with."""
    fd = open_regular(path)
    try:
        with contextlib.closing(open_links(fd, name=path.name)) as links:
            reader = MediaReader(links, name=path.name, limits=HearingLimits(), clock=clock)
            sound = ClockedSound(rate_hz=rate_hz, channels=1)
            parts = [planes[0] for piece in reader.pieces() for planes in sound.feed(piece)]
            parts += [planes[0] for planes in sound.flush()]
            return np.concatenate(parts), reader.note
    finally:
        os.close(fd)


def decoded_bursts(path: Path) -> list[float]:
    """The seconds at which the decoder hears the bursts."""
    return burst_times(decode(path)[0])
