"""What the sandboxed child does with one file: decode, find speech, write the playable copy, say what it heard."""

import errno
import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error

from assistant.errors import BadMedia, DiskFull, EarmarkError
from assistant.hearing.decoding import ClockedSound, MediaReader, PicturePacket
from assistant.hearing.heard import HeardFile, HearingLimits, HearingProgress, SpeechClip
from assistant.hearing.messages import Sender
from assistant.hearing.opening import open_container, shown_name
from assistant.hearing.silero import SileroDetector
from assistant.hearing.speech_spans import LONG_CLIPS, SHORT_CLIPS, SpeechSpans
from assistant.recognising.recognizer import SAMPLE_RATE_HZ

PROGRESS_EVERY_S = 5.0
"""Seconds of decoded sound between two words of progress."""


@dataclass(frozen=True, slots=True)
class Errand:
    """`name`: what messages call the file. `playable_to`: folder and stem of our own copy."""

    name: str
    limits: HearingLimits
    playable_to: Path | None
    long_clips: bool


def run_errand(errand: Errand, fd: int, channel: socket.socket) -> None:
    """Hear the open file `fd` and say everything over `channel`, a failure too."""
    sender = Sender(channel)
    shown = shown_name(errand.name)
    try:
        confine(errand.limits)
        for heard in hear_open_file(errand, fd):
            sender.send(heard)
    except EarmarkError as error:
        sender.send_error(error)
    except (MemoryError, av.error.MemoryError):
        megabytes = errand.limits.memory_bytes // 1_000_000
        sender.send_error(
            BadMedia(
                f"{shown}: needs more than {megabytes} MB of memory to decode", "convert it to a plain wav or mp3 first"
            )
        )
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        sender.send_error(DiskFull(f"{shown}: no room on the disk for the copy that is played", "free some disk space"))


def confine(limits: HearingLimits) -> None:
    """Bounds that the system holds, whatever a decoder does."""
    cpu_s = round(limits.max_hours * 3600) + 600
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def hear_open_file(errand: Errand, fd: int) -> Iterator[SpeechClip | HearingProgress | HeardFile]:
    """Everything that is heard in the open file, in order."""
    with open_container(fd, name=errand.name) as container:
        reader = MediaReader(container, name=errand.name, limits=errand.limits)
        sound = ClockedSound(rate_hz=SAMPLE_RATE_HZ, channels=1)
        spans = SpeechSpans(SileroDetector().probabilities, LONG_CLIPS if errand.long_clips else SHORT_CLIPS)
        said_s = -PROGRESS_EVERY_S
        for piece in reader.pieces():
            if isinstance(piece, PicturePacket):
                continue
            for planes in sound.feed(piece):
                yield from spans.feed(planes[0])
                heard_s = sound.emitted / SAMPLE_RATE_HZ
                if heard_s - said_s >= PROGRESS_EVERY_S:
                    said_s = heard_s
                    yield HearingProgress(heard_s, reader.declared_s)
        for planes in sound.flush():
            yield from spans.feed(planes[0])
        yield from spans.finish()
        duration_s = sound.emitted / SAMPLE_RATE_HZ
        yield HearingProgress(duration_s, reader.declared_s)
        yield HeardFile(
            duration_s=duration_s,
            speech_s=spans.speech_s,
            has_picture=reader.picture is not None,
            playable=None,
            note=reader.note,
        )
