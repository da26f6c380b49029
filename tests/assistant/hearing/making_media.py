"""Media made at run time: sound with tone bursts at known seconds, in every container that Earmark hears."""

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BURST_S = 0.06
FAST_PICTURE = {"deadline": "realtime", "cpu-used": "8"}
VBR = {"global_quality": "500", "flags": "+qscale"}
HOLES = ((2.0, 3.0), (5.0, 6.5))


def bursts(at_s: Iterable[float], *, duration_s: float, rate_hz: int = 48_000, tone_hz: float = 1000.0) -> Floats:
    """Quiet noise with a loud short tone at each second of `at_s`: float32, shape (n_samples,)."""
    samples = np.random.default_rng(5).normal(0, 1e-4, round(duration_s * rate_hz))
    tone = 0.7 * np.sin(2 * np.pi * tone_hz * np.arange(round(BURST_S * rate_hz)) / rate_hz)
    for second in at_s:
        start = round(second * rate_hz)
        samples[start : start + len(tone)] += tone[: len(samples) - start]
    return samples.astype(np.float32)


def burst_times(samples: Floats, *, rate_hz: int = 16_000) -> list[float]:
    """Where the bursts begin: seconds."""
    envelope = np.abs(samples)
    loud = np.flatnonzero(envelope > 0.2)
    starts = loud[np.concatenate([[True], np.diff(loud) > 0.2 * rate_hz])] if len(loud) else loud
    return [float(start) / rate_hz for start in starts]


def write_sound(
    path: Path,
    samples: Floats,
    *,
    codec: str,
    container: str | None = None,
    rate_hz: int = 48_000,
    channels: int = 1,
    late_s: float = 0.0,
    holes: Sequence[tuple[float, float]] = (),
    picture: str | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """`samples` at `rate_hz` as a file. `late_s` shifts the sound's timestamps; the `holes` have no packets at all."""
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        video = picture_track(out, picture) if picture else None
        track = out.add_stream(codec, rate=rate_hz, options=codec_options or {})
        track.codec_context.layout = {1: "mono", 2: "stereo", 8: "7.1"}[channels]
        if not codec.startswith(("pcm", "flac")):
            track.codec_context.bit_rate = 96_000
        if video is not None:
            length_s = len(samples) / rate_hz + late_s
            for packet in picture_packets(video, length_s):
                out.mux(packet)
        resampler = av.AudioResampler(
            format=track.codec_context.format, layout=track.codec_context.layout, rate=rate_hz
        )
        for start in range(0, len(samples), 960):
            if any(first <= start / rate_hz < end for first, end in holes):
                continue
            block = np.repeat(samples[start : start + 960], channels).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=track.codec_context.layout.name)
            frame.sample_rate, frame.pts = rate_hz, start + round(late_s * rate_hz)
            frame.time_base = Fraction(1, rate_hz)
            for ready in resampler.resample(frame):
                out.mux(track.encode(ready))
        out.mux(track.encode(None))
    if picture == "libsvtav1":
        leave_real_time()
    return path


def leave_real_time() -> None:
    """Where it may (for root), libsvtav1 makes its process SCHED_FIFO 99 for good: a browser that a later test starts
    inherits it and starves the machine."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


def picture_track(out: av.container.OutputContainer, codec: str) -> av.video.stream.VideoStream:
    track = out.add_stream(codec, rate=10, options=FAST_PICTURE if codec.startswith("libvpx") else {})
    track.width, track.height, track.pix_fmt = 320, 180, "yuv420p"
    track.codec_context.gop_size = 10
    track.codec_context.thread_count = 1
    return track


def picture_packets(track: av.video.stream.VideoStream, length_s: float) -> Iterable[av.Packet]:
    for number in range(int(length_s * 10)):
        shade = np.full((180, 320, 3), number * 7 % 256, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(shade, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 10)
        yield from track.encode(frame)
    yield from track.encode(None)


BURSTS_S = (1.0, 3.5, 7.25)
CLOCK_CASES: dict[str, dict[str, Any]] = {
    "mp4 whose sound starts late": {"codec": "aac", "container": "mp4", "picture": "libvpx-vp9", "late_s": 2.0},
    "m4a that starts late": {"codec": "aac", "container": "mp4", "late_s": 2.0},
    "VBR mp3": {"codec": "libmp3lame", "container": "mp3", "codec_options": VBR},
    "webm with holes": {"codec": "libopus", "container": "webm", "holes": HOLES},
    "webm with holes and a picture": {"codec": "libopus", "container": "webm", "holes": HOLES, "picture": "libvpx"},
    "live webm": {"codec": "libopus", "container": "webm", "options": {"live": "1"}, "picture": "libvpx"},
    "mkv whose picture is encoded anew": {"codec": "aac", "container": "matroska", "picture": "mpeg4", "late_s": 1.5},
    "chained ogg": {"codec": "libopus", "container": "ogg"},
    "8 kHz amr": {"codec": "libopencore_amrnb", "container": "amr", "rate_hz": 8_000},
}


def make_clock_case(name: str, folder: Path) -> Path:
    """A file with bursts, with whatever makes its clock hard to follow."""
    form = CLOCK_CASES[name]
    samples = bursts(BURSTS_S, duration_s=9, rate_hz=form.get("rate_hz", 48_000))
    path = write_sound(folder / "original", samples, **form)
    if name.startswith("chained"):
        path.write_bytes(path.read_bytes() * 2)
    return path


def known_bursts(name: str) -> list[float]:
    """The seconds at which a case's bursts were put."""
    late_s = CLOCK_CASES[name].get("late_s", 0.0)
    parts = 2 if name.startswith("chained") else 1
    return [second + late_s + 9.0 * part for part in range(parts) for second in BURSTS_S]
