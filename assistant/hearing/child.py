"""What the sandboxed child does with one file: decode, find speech, write the playable copy, say what it heard."""

import contextlib
import errno
import resource
import socket
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error

from assistant.errors import BadMedia, DiskFull, EarmarkError, PartDown
from assistant.hearing.decoding import ClockedSound, MediaReader, PicturePacket
from assistant.hearing.heard import Heard, HeardFile, HearingLimits, HearingProgress
from assistant.hearing.messages import Sender
from assistant.hearing.opening import WAY_OUT, open_links, shown_name
from assistant.hearing.playable import PlayableCopy
from assistant.hearing.silero import SileroDetector
from assistant.hearing.speech_spans import CuttingRules, SpeechSpans
from assistant.recognising.recognizer import SAMPLE_RATE_HZ

PROGRESS_EVERY_S = 5.0
"""Seconds of decoded sound between two words of progress."""
SLOWEST_DISK_BYTES_S = 2_000_000
"""Moving a copy's index to its front writes it once more."""


@dataclass(frozen=True, slots=True)
class Errand:
    """`name`: what messages call the file. `playable_to`: folder and stem of our own copy."""

    name: str
    limits: HearingLimits
    playable_to: Path | None
    cutting: CuttingRules


def run_errand(errand: Errand, fd: int, channel: socket.socket) -> None:
    """Hear the open file `fd` and say everything over `channel`, a failure too."""
    sender = Sender(channel)
    shown = shown_name(errand.name)
    try:
        confine(errand.limits)
        for heard in hear_open_file(errand, fd, sender):
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
        sender.send_error(_trouble_with_copy(shown, error))
    except av.error.FFmpegError as error:
        sender.send_error(BadMedia(f"{shown}: cannot be decoded ({error})", WAY_OUT))


def _trouble_with_copy(shown: str, error: OSError) -> PartDown:
    """Reading raises no OSError of its own: this is about the file that is written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"{shown}: no room on the disk for the copy that is played", "free some disk space")
    reason = error.strerror or "unknown reason"
    return PartDown(
        f"{shown}: the copy that is played cannot be written ({reason})", "look at the home folder's rights"
    )


def confine(limits: HearingLimits) -> None:
    """Bounds that the system holds, whatever a decoder does."""
    cpu_s = round(limits.max_hours * 3600) + 600
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def hear_open_file(errand: Errand, fd: int, sender: Sender) -> Iterator[Heard]:
    """Everything that is heard in the open file, in order."""
    with contextlib.closing(open_links(fd, name=errand.name)) as links:
        reader = MediaReader(links, name=errand.name, limits=errand.limits, want_picture=errand.playable_to is not None)
        with _copy_of(reader, errand.playable_to) as copy:
            speech = SpeechSpans(SileroDetector().probabilities, errand.cutting)
            duration_s = yield from _hear_all(reader, speech, copy)
            yield HearingProgress(duration_s, reader.declared_s)
            if copy is not None:
                sender.ask_for_patience(copy.bytes_written / SLOWEST_DISK_BYTES_S)
            yield HeardFile(
                duration_s=duration_s,
                speech_s=speech.speech_s,
                playable=None if copy is None else copy.finish(),
                has_picture=reader.picture is not None if copy is None else copy.has_picture,
                note=_note(reader, copy),
            )


def _hear_all(reader: MediaReader, speech: SpeechSpans, copy: PlayableCopy | None) -> Generator[Heard, None, float]:
    """Clips and progress as they come; at the end the seconds that were heard."""
    sound = ClockedSound(rate_hz=SAMPLE_RATE_HZ, channels=1)
    said_s = 0.0
    for piece in reader.pieces():
        if isinstance(piece, PicturePacket):
            if copy is not None:
                copy.add_picture(piece)
            continue
        for planes in sound.feed(piece):
            yield from speech.feed(planes[0])
            if sound.emitted / SAMPLE_RATE_HZ - said_s >= PROGRESS_EVERY_S:
                said_s = sound.emitted / SAMPLE_RATE_HZ
                yield HearingProgress(said_s, reader.declared_s)
        if copy is not None:
            copy.add_sound(piece)
    for planes in sound.flush():
        yield from speech.feed(planes[0])
    yield from speech.finish()
    return sound.emitted / SAMPLE_RATE_HZ


@contextlib.contextmanager
def _copy_of(reader: MediaReader, stem: Path | None) -> Iterator[PlayableCopy | None]:
    """The copy to write into, of which nothing is left where hearing fails."""
    if stem is None:
        yield None
        return
    copy = PlayableCopy(stem, sound=reader.sound, picture=reader.picture)
    try:
        yield copy
    except BaseException:
        copy.abandon()
        raise


def _note(reader: MediaReader, copy: PlayableCopy | None) -> str | None:
    lost = copy and copy.picture_lost and f"the picture could not be kept to the end ({copy.picture_lost})"
    return "; ".join(note for note in (reader.note, lost) if note) or None
