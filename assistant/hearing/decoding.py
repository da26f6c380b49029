"""A container's sound, decoded bit by bit onto the clock that a browser shows.

Trusts nothing that the file says of itself: seconds are counted in decoded samples, a change of rate or channels in
mid-stream is followed, and what can no longer be decoded ends with a note instead of losing what came before.
Knows nothing of speech.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import av.audio.frame
import av.audio.resampler
import av.audio.stream
import av.container
import av.error
import av.packet
import av.stream
import av.video.stream
import numpy as np
from numpy.typing import NDArray

from assistant.errors import BadMedia
from assistant.hearing.clock import Timeline
from assistant.hearing.heard import HearingLimits
from assistant.hearing.opening import PICTURE_CODECS, SOUND_CODECS, WAY_OUT, shown_name

PICTURE_ALONE = ("no audio track (a picture without sound)", f"export it with its sound, or {WAY_OUT}")
NOTHING_TO_HEAR = ("no audio track (nothing to hear in it)", f"export it with its sound, or {WAY_OUT}")
"""What is wrong and what to do, behind the file's name: the pages say these in their language."""
LOWEST_RATE_HZ = 4_000
HIGHEST_RATE_HZ = 384_000
MOST_CHANNELS = 64
WITHOUT_CLOCK = frozenset({"wav", "w64", "aiff", "caf", "flac", "mp3", "aac", "amr", "amrnb", "amrwb", "ac3"})
"""Containers without timestamps: what a browser plays first is second 0, and the sound runs on."""
BROADCAST = frozenset({"mpegts"})
"""Containers whose clock starts anywhere: their first timestamp is second 0."""
LONGEST_PIECE_S = 10.0

Planes = NDArray[np.float32]
"""float32, shape (channels, n_samples), in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """A decoded frame on our clock. `breaks`: it does not join the sound before it.

    `drop_s`: so much of what comes next was there already.
    """

    frame: av.audio.frame.AudioFrame
    start_s: float
    breaks: bool
    drop_s: float


@dataclass(frozen=True, slots=True)
class PicturePacket:
    """A packet of the picture as the file has it; `shift_s` brings its timestamps onto our clock."""

    packet: av.packet.Packet
    shift_s: float


Piece = SoundPiece | PicturePacket


class MediaReader:
    """The pieces of one open file, in its order, and what was noticed on the way.

    `links`: its containers, one unless it is chained. The picture is that of the first.
    """

    def __init__(
        self,
        links: Iterator[av.container.InputContainer],
        *,
        name: str,
        limits: HearingLimits,
        want_picture: bool = False,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._want_picture = want_picture
        self._links = links
        self._container = container = next(links)
        self._name = shown_name(name)
        self._limits = limits
        self._pace = Pace(limits, name=self._name, clock=clock)
        self.sound = _sound_stream(container, name=self._name)
        self.picture = _picture_stream(container)
        self._timeline = Timeline(
            own_clock=container.format.name.split(",")[0] not in WITHOUT_CLOCK,
            earliest_s=self._earliest_s(),
            longest_s=limits.max_hours * 3600,
        )
        self._shift_s = self._broadcast_shift_s()
        self._declared = container.duration
        self._damaged = 0
        self._stopped_early: str | None = None

    @property
    def decoded_s(self) -> float:
        return self._timeline.end_s

    @property
    def declared_s(self) -> float | None:
        """What the file says of its length: a hint."""
        declared = self._declared
        return declared / av.time_base if declared and 0 < declared / av.time_base < 1e6 else None

    @property
    def note(self) -> str | None:
        """What was skipped or repaired, in plain words."""
        notes = [
            self._damaged and f"{self._damaged} damaged piece(s) skipped",
            self._stopped_early,
            self._timeline.restarts and f"its clock starts again {self._timeline.restarts} time(s): joined",
            self._timeline.holes_s > 1 and f"{self._timeline.holes_s:.1f} s of holes play as silence",
        ]
        return "; ".join(note for note in notes if note) or None

    def pieces(self) -> Iterator[Piece]:
        """Everything in the file, once. Raises BadMedia where nothing at all could be heard."""
        while True:
            yield from self._pieces_of_link()
            if not self._next_link():
                break
        if self.decoded_s == 0:
            reason = " (every piece of it is damaged)" if self._damaged else ""
            raise BadMedia(f"{self._name}: no sound could be decoded{reason}", WAY_OUT)

    def _pieces_of_link(self) -> Iterator[Piece]:
        for packet, frames in self._read():
            if packet.stream is self.picture:
                yield PicturePacket(packet, self._timeline.to_clock(self._shift_s))
            for frame in frames:
                yield from self._place(frame)
                self._check_length()

    def _next_link(self) -> bool:
        """Go on with the next part of a chained file, right after the sound before it."""
        try:
            container = next(self._links, None)
            if container is None:
                return False
            self.sound = _sound_stream(container, name=self._name)
        except BadMedia:
            self._stopped_early = f"its parts after {self.decoded_s:.1f} s could not be read"
            return False
        self._container, self.picture = container, None
        self._timeline.begin_again()
        return True

    def _read(self) -> Iterator[tuple[av.packet.Packet, list[av.audio.frame.AudioFrame]]]:
        streams = [self.sound, self.picture] if self.picture is not None and self._want_picture else [self.sound]
        demuxed = self._container.demux(*streams)
        while True:
            try:
                with self._pace:
                    packet = next(demuxed, None)
                    frames = [] if packet is None or packet.stream is not self.sound else self._decode(packet)
            except (av.error.FFmpegError, ValueError) as error:
                self._stopped_early = f"damaged at {self.decoded_s:.1f} s, the rest could not be read ({error})"
                return
            if packet is None:
                return
            yield packet, frames

    def _decode(self, packet: av.packet.Packet) -> list[av.audio.frame.AudioFrame]:
        try:
            return [frame for frame in packet.decode() if isinstance(frame, av.audio.frame.AudioFrame)]
        except (av.error.FFmpegError, ValueError):
            self._damaged += 1
            return []

    def _place(self, frame: av.audio.frame.AudioFrame) -> Iterator[SoundPiece]:
        if not frame.samples or not frame.layout.nb_channels:
            return
        self._check_shape(frame.sample_rate, frame.layout.nb_channels)
        pts_s = None if frame.time is None or not math.isfinite(frame.time) else frame.time + self._shift_s
        place = self._timeline.place(pts_s, frame.samples, frame.sample_rate)
        self._pace.decoded(frame.samples / frame.sample_rate)
        if place.drop_samples < frame.samples:
            yield SoundPiece(frame, place.start_s, place.breaks, place.drop_samples / frame.sample_rate)

    def _check_shape(self, rate_hz: int, channels: int) -> None:
        if channels > MOST_CHANNELS:
            raise BadMedia(
                f"{self._name}: {channels} channels; up to {MOST_CHANNELS} can be heard", "export it in mono or stereo"
            )
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise BadMedia(
                f"{self._name}: says it has {rate_hz:,} samples a second; only 4,000 to 384,000 can be heard",
                "its header is probably wrong: export it again, for instance as a 16 kHz wav",
            )

    def _check_length(self) -> None:
        if self.decoded_s > self._limits.max_hours * 3600:
            raise BadMedia(
                f"{self._name}: longer than {self._limits.max_hours:g} hours of sound",
                "split the recording, or raise the setting max_hours",
            )

    def _earliest_s(self) -> float:
        stream = self.picture
        if stream is None or stream.start_time is None or stream.time_base is None:
            return 0.0
        return float(stream.start_time * stream.time_base)

    def _broadcast_shift_s(self) -> float:
        if self._container.format.name.split(",")[0] not in BROADCAST:
            return 0.0
        return -float((self._container.start_time or 0) / av.time_base)


class Pace:
    """Decoding time against decoded time: refuses a file that is slow by design.

    Counts processor time inside the decoder alone, so that neither a waiting reader nor a busy machine matters.
    """

    def __init__(self, limits: HearingLimits, *, name: str, clock: Callable[[], float]) -> None:
        self._limits, self._name, self._clock = limits, name, clock
        self._spent_s = self._decoded_s = self._entered_s = 0.0

    def __enter__(self) -> None:
        self._entered_s = self._clock()

    def __exit__(self, *_: object) -> None:
        self._spent_s += self._clock() - self._entered_s
        if self._spent_s < self._limits.slow_for_s:
            return
        if self._decoded_s < self._spent_s * self._limits.slowest_decoding:
            raise BadMedia(
                f"{self._name}: decoding is slower than {self._limits.slowest_decoding:g} times real time",
                "convert it to a plain wav, mp3 or mp4 first",
            )
        self._spent_s = self._decoded_s = 0.0

    def decoded(self, seconds: float) -> None:
        self._decoded_s += seconds


class ClockedSound:
    """Pieces in, even samples out: one rate, one channel layout, silence where nothing is, nothing twice."""

    def __init__(self, *, rate_hz: int, channels: int) -> None:
        self._rate_hz, self._channels = rate_hz, channels
        self._resampler: av.audio.resampler.AudioResampler | None = None
        self._shape: tuple[object, ...] = ()
        self._to_drop = 0
        self.emitted = 0

    def feed(self, piece: SoundPiece) -> Iterator[Planes]:
        """The samples up to and with this piece, in stretches of at most LONGEST_PIECE_S."""
        shape = (
            piece.frame.sample_rate,
            piece.frame.layout.nb_channels,
            piece.frame.layout.name,
            piece.frame.format.name,
        )
        if piece.breaks or shape != self._shape:
            yield from self.flush()
            yield from self._silence_until(piece.start_s)
            self._shape, self._resampler = shape, self._new_resampler()
        self._to_drop += round(piece.drop_s * self._rate_hz)
        yield from self._resampled(piece.frame)

    def flush(self) -> Iterator[Planes]:
        """What the resampler still holds."""
        if self._resampler is not None:
            yield from self._resampled(None)
            self._resampler = None

    def _new_resampler(self) -> av.audio.resampler.AudioResampler:
        # The resampler's own mixing to one channel adds channels up (a loud stereo sound clips): mix_channels averages.
        return av.audio.resampler.AudioResampler(format="flt", rate=self._rate_hz)

    def _resampled(self, frame: av.audio.frame.AudioFrame | None) -> Iterator[Planes]:
        assert self._resampler is not None
        if frame is not None:
            frame.pts = None
        for out in self._resampler.resample(frame):
            planes = mix_channels(out.to_ndarray().reshape(-1, out.layout.nb_channels).T, channels=self._channels)
            dropped = min(self._to_drop, planes.shape[1])
            self._to_drop -= dropped
            self.emitted += planes.shape[1] - dropped
            yield planes[:, dropped:]

    def _silence_until(self, start_s: float) -> Iterator[Planes]:
        missing = round(start_s * self._rate_hz) - self.emitted
        while missing > 0:
            n = min(missing, round(LONGEST_PIECE_S * self._rate_hz))
            self.emitted, missing = self.emitted + n, missing - n
            yield np.zeros((self._channels, n), dtype=np.float32)


def mix_channels(planes: Planes, *, channels: int) -> Planes:
    """`planes` with `channels` rows, finite and in [-1, 1] whatever the file held; averaged where needed."""
    finite = np.clip(np.nan_to_num(planes, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    if len(finite) != channels:
        finite = np.repeat(finite.mean(axis=0, keepdims=True), channels, axis=0)
    return np.ascontiguousarray(finite, dtype=np.float32)


def _sound_stream(container: av.container.InputContainer, *, name: str) -> av.audio.stream.AudioStream:
    stream = container.streams.best("audio")
    if isinstance(stream, av.audio.stream.AudioStream):
        codec = _codec_name(stream)
        if codec is not None and codec not in SOUND_CODECS:
            raise BadMedia(f"{name}: its sound is {codec}, which is not taken", WAY_OUT)
        return stream
    detail, way_out = PICTURE_ALONE if container.streams.video else NOTHING_TO_HEAR
    raise BadMedia(f"{name}: {detail}", way_out)


def _codec_name(stream: av.stream.Stream) -> str | None:
    """None where no decoder is known for what the file names."""
    name: str | None = getattr(stream.codec_context, "name", None)
    return name


def _picture_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream | None:
    """The moving picture; a cover image in a sound file is none."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and _codec_name(stream) in PICTURE_CODECS:
            return stream
    return None
