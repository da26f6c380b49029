"""Files that lie, lure, or are broken: each made from bytes at run time."""

import struct
from pathlib import Path

import av
import numpy as np

from tests.assistant.hearing.making_media import bursts, picture_packets, picture_track, write_sound

SILENCE = bytes(16_000 * 2 * 3)
"""Three seconds at 16 kHz, 16 bit."""


def wav_bytes(
    data: bytes = SILENCE,
    *,
    rate_hz: int = 16_000,
    channels: int = 1,
    bits: int = 16,
    code: int = 1,
    said_bytes: int | None = None,
) -> bytes:
    """A WAV with exactly this header, true or not."""
    said = len(data) if said_bytes is None else said_bytes
    block = max(1, channels * bits // 8)
    fields = (16, code, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    head = b"RIFF" + struct.pack("<I", 36 + said & 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<IHHIIHH", *fields)
    return head + b"data" + struct.pack("<I", said) + data


def noise_bytes(n: int) -> bytes:
    return np.random.default_rng(7).bytes(n)


def picture_without_sound(path: Path) -> Path:
    with av.open(str(path), "w", format="mp4") as out:
        track = picture_track(out, "libvpx-vp9")
        for packet in picture_packets(track, 2.0):
            out.mux(packet)
    return path


def half_an_mp4(path: Path) -> Path:
    write_sound(path, bursts([1.0], duration_s=3), codec="aac", container="mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path
