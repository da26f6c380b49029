"""Our own copy of a recording, indexed and seekable, written while it is decoded and on the same clock.

Sound is encoded anew (AAC in mp4, Opus in webm), because only then does every second of it lie where the transcript
says. A picture is taken over as it is where browsers can play it, else encoded small with libvpx; never with a GPL
encoder. Knows nothing of what is said.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.audio.codeccontext
import av.audio.frame
import av.audio.stream
import av.codec
import av.container
import av.error
import av.packet
import av.stream
import av.video.codeccontext
import av.video.frame
import av.video.reformatter
import av.video.stream

from assistant.hearing.decoding import ClockedSound, PicturePacket, Planes, SoundPiece

SOUND_RATES_HZ = (16_000, 24_000, 48_000)
"""What both AAC and Opus know."""
WIDEST, HIGHEST = 1280, 720
FASTEST_PICTURES_S = 1 / 25
PICTURE_BITS_S = 800_000
PICTURE_TICK = Fraction(1, 1000)
EIGHT_BIT = frozenset({"yuv420p", "yuvj420p"})
DISK_ERRORS = frozenset({27, 28, 122})  # EFBIG, ENOSPC, EDQUOT


@dataclass(frozen=True, slots=True)
class CopyForm:
    container: str
    suffix: str
    options: dict[str, str]
    sound_codec: str
    sound_options: dict[str, str]


# The fast coder encodes six times as fast (926 times real time against 141), which halves the time a file takes.
AAC: tuple[str, dict[str, str]] = ("aac", {"aac_coder": "fast"})
SOUND_ONLY = CopyForm("mp4", ".m4a", {"movflags": "faststart"}, *AAC)
WITH_PICTURE = CopyForm("mp4", ".mp4", {"movflags": "faststart"}, *AAC)
FREE_PICTURE = CopyForm("webm", ".webm", {"cues_to_front": "1"}, "libopus", {"compression_level": "3"})


def form_for(picture: av.video.stream.VideoStream | None) -> tuple[CopyForm, bool]:
    """Which copy to write, and whether the picture is taken over as it is."""
    if picture is None:
        return SOUND_ONLY, False
    codec, plain = picture.codec_context.codec.canonical_name, picture.codec_context.pix_fmt in EIGHT_BIT
    if codec in ("h264", "vp9", "av1") and plain:
        return WITH_PICTURE, True
    return FREE_PICTURE, codec == "vp8" and plain


class PlayableCopy:
    """Being written; `finish` gives it its name, `abandon` leaves nothing behind."""

    def __init__(
        self, stem: Path, *, sound: av.audio.stream.AudioStream, picture: av.video.stream.VideoStream | None
    ) -> None:
        form, taken_over = form_for(picture)
        self.path = stem.with_name(f"{stem.name}{form.suffix}")
        self._part = stem.with_name(f"{stem.name}{form.suffix}.part")
        self._container = av.open(f"file:{self._part}", mode="w", format=form.container, options=form.options)
        self._sound = SoundTrack(self._container, form, sound)
        self._picture: TakenPicture | NewPicture | None = None
        if picture is not None:
            track = TakenPicture if taken_over else NewPicture
            self._picture = track(self._container, picture)
        self.picture_lost: str | None = None

    @property
    def has_picture(self) -> bool:
        return self._picture is not None and self._picture.written > 0

    def add_sound(self, piece: SoundPiece) -> None:
        self._container.mux(list(self._sound.add(piece)))

    def add_picture(self, piece: PicturePacket) -> None:
        """Takes a packet of the picture; a picture that cannot be kept is left out from there on, the sound goes on."""
        if self._picture is None or self.picture_lost is not None:
            return
        try:
            self._container.mux(list(self._picture.add(piece)))
        except (av.error.FFmpegError, ValueError) as error:
            if getattr(error, "errno", None) in DISK_ERRORS:
                raise
            self.picture_lost = str(error)

    def finish(self) -> Path:
        """Write what is left and the index, and give the copy its name."""
        self._container.mux(list(self._sound.finish()))
        if self._picture is not None and self.picture_lost is None:
            self._container.mux(list(self._picture.finish()))
        self._container.close()
        with self._part.open("rb") as written:
            os.fsync(written.fileno())
        return self._part.replace(self.path)

    def abandon(self) -> None:
        with contextlib.suppress(av.error.FFmpegError, OSError):
            self._container.close()
        self._part.unlink(missing_ok=True)

    @property
    def bytes_written(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0


class SoundTrack:
    """The sound, at most stereo, at the next rate that is not below the file's own."""

    def __init__(
        self, container: av.container.OutputContainer, form: CopyForm, source: av.audio.stream.AudioStream
    ) -> None:
        source_rate_hz = source.codec_context.sample_rate or SOUND_RATES_HZ[-1]
        rate_hz = next((rate for rate in SOUND_RATES_HZ if rate >= source_rate_hz), SOUND_RATES_HZ[-1])
        channels = 1 if source.codec_context.channels == 1 else 2
        self._layout = "mono" if channels == 1 else "stereo"
        self._track = container.add_stream(form.sound_codec, rate=rate_hz, options=form.sound_options)
        assert isinstance(self._track, av.audio.stream.AudioStream)
        self._track.codec_context.layout = self._layout
        self._track.codec_context.bit_rate = 64_000 * channels
        self._sound = ClockedSound(rate_hz=rate_hz, channels=channels)
        self._rate_hz, self._written = rate_hz, 0

    def add(self, piece: SoundPiece) -> Iterator[av.packet.Packet]:
        for planes in self._sound.feed(piece):
            yield from self._encode(planes)

    def finish(self) -> Iterator[av.packet.Packet]:
        for planes in self._sound.flush():
            yield from self._encode(planes)
        yield from self._track.encode(None)

    def _encode(self, planes: Planes) -> Iterator[av.packet.Packet]:
        frame = av.audio.frame.AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout)
        frame.sample_rate, frame.time_base = self._rate_hz, Fraction(1, self._rate_hz)
        frame.pts, self._written = self._written, self._written + planes.shape[1]
        yield from self._track.encode(frame)


class TakenPicture:
    """The file's own packets, moved onto our clock."""

    def __init__(self, container: av.container.OutputContainer, source: av.video.stream.VideoStream) -> None:
        # The name of the format, not of whichever decoder reads it: the packets are only taken over.
        self._track = container.add_stream_from_template(source, opaque=True)
        self._last_dts: int | None = None
        self.written = 0

    def add(self, piece: PicturePacket) -> Iterator[av.packet.Packet]:
        packet = piece.packet
        if packet.pts is None or not packet.size:
            return
        shift = round(piece.shift_s / packet.time_base)
        dts = (packet.pts if packet.dts is None else packet.dts) + shift
        if self._last_dts is not None and dts <= self._last_dts:
            return  # a clock that starts again: the muxer wants order
        packet.pts, packet.dts, self._last_dts = max(packet.pts + shift, dts), dts, dts
        packet.stream = self._track
        self.written += 1
        yield packet

    def finish(self) -> Iterator[av.packet.Packet]:
        yield from ()


class NewPicture:
    """The picture encoded anew as VP8, bounded in width, rate and bits."""

    def __init__(self, container: av.container.OutputContainer, source: av.video.stream.VideoStream) -> None:
        scale = min(1.0, WIDEST / max(source.width, 1), HIGHEST / max(source.height, 1))
        self._width, self._height = (max(2, round(side * scale) // 2 * 2) for side in (source.width, source.height))
        track = container.add_stream("libvpx", rate=25, options={"deadline": "realtime", "cpu-used": "10"})
        assert isinstance(track, av.video.stream.VideoStream)
        track.width, track.height, track.pix_fmt = self._width, self._height, "yuv420p"
        track.codec_context.time_base = PICTURE_TICK
        track.codec_context.bit_rate = PICTURE_BITS_S
        track.codec_context.gop_size = 125
        track.codec_context.thread_count = 1  # its threads wait by spinning: twenty times the processor time
        self._track = track
        self._source = source
        self._shift_s = 0.0
        self._next_s = -1.0
        self.written = 0

    def add(self, piece: PicturePacket) -> Iterator[av.packet.Packet]:
        self._shift_s = piece.shift_s
        try:
            frames = piece.packet.decode()
        except av.error.InvalidDataError:
            return
        for frame in frames:
            if isinstance(frame, av.video.frame.VideoFrame):
                yield from self._encode(frame)

    def finish(self) -> Iterator[av.packet.Packet]:
        with contextlib.suppress(av.error.EOFError, av.error.InvalidDataError):
            for frame in self._source.codec_context.decode(None):
                yield from self._encode(frame)
        if self.written:
            yield from self._track.encode(None)

    def _encode(self, frame: av.video.frame.VideoFrame) -> Iterator[av.packet.Packet]:
        if frame.time is None or frame.time + self._shift_s < self._next_s:
            return
        at_s = max(0.0, frame.time + self._shift_s)
        self._next_s = at_s + FASTEST_PICTURES_S - 0.002
        small = frame.reformat(width=self._width, height=self._height, format="yuv420p")
        small.pts, small.time_base = round(at_s / PICTURE_TICK), PICTURE_TICK
        self.written += 1
        yield from self._track.encode(small)
