"""A media file in, timed clips of speech out."""

import os
from collections.abc import Generator
from pathlib import Path

from assistant.hearing.child import Errand
from assistant.hearing.heard import Heard, HearingLimits
from assistant.hearing.media_files import FoundMedia, MediaFile, RefusedMedia, find_media
from assistant.hearing.opening import open_regular
from assistant.hearing.sandbox import SANDBOX
from assistant.hearing.speech_spans import LONG_CLIPS, CuttingRules

__all__ = [
    "PLAYABLE_TYPES",
    "FoundMedia",
    "MediaFile",
    "RefusedMedia",
    "find_media",
    "hear",
    "open_regular",
    "prewarm",
]

PLAYABLE_TYPES = {".m4a": "audio/mp4", ".mp4": "video/mp4", ".webm": "video/webm"}
"""The suffixes of our own copies, with their media types."""
NO_LIMITS_SET = HearingLimits()


def prewarm() -> None:
    """Start the decoders' server now, so that the first file is heard without waiting for it."""
    SANDBOX.start()


def hear(
    path: Path,
    *,
    limits: HearingLimits = NO_LIMITS_SET,
    playable_to: Path | None = None,
    cutting: CuttingRules = LONG_CLIPS,
    name: str | None = None,
) -> Generator[Heard, None, None]:
    """Clips and progress in order, one HeardFile last. Closing the generator kills the child that decodes.

    `playable_to`: folder and stem of our own seekable copy; HeardFile.playable has its suffix. `cutting`: how speech
    becomes clips. `name`: what messages call the file.
    Raises BadMedia, DiskFull.
    """
    shown = name or path.name
    fd = open_regular(path, name=shown)
    try:
        errand = Errand(name=shown, limits=limits, playable_to=playable_to, cutting=cutting)
        yield from SANDBOX.run(errand, fd)
    finally:
        os.close(fd)
