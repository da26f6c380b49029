"""Every container and codec, bursts where they were put; rates and channels that change on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.hearing.decoding import mix_channels
from assistant.hearing.heard import HeardFile
from assistant.hearing.listening import hear
from tests.assistant.hearing.decoded import decode, decoded_bursts
from tests.assistant.hearing.making_media import BURSTS_S, VBR, burst_times, bursts, write_sound

FORMS: dict[str, dict[str, Any]] = {
    "8 bit wav": {"codec": "pcm_u8", "container": "wav"},
    "16 bit wav": {"codec": "pcm_s16le", "container": "wav"},
    "24 bit wav": {"codec": "pcm_s24le", "container": "wav"},
    "32 bit wav": {"codec": "pcm_s32le", "container": "wav"},
    "float wav": {"codec": "pcm_f32le", "container": "wav"},
    "double wav": {"codec": "pcm_f64le", "container": "wav"},
    "RF64": {"codec": "pcm_s16le", "container": "wav", "options": {"rf64": "always"}},
    "w64": {"codec": "pcm_s16le", "container": "w64"},
    "mu-law wav": {"codec": "pcm_mulaw", "container": "wav", "rate_hz": 8_000},
    "eight channels at 192 kHz": {"codec": "pcm_s24le", "container": "wav", "rate_hz": 192_000, "channels": 8},
    "aiff": {"codec": "pcm_s16be", "container": "aiff"},
    "caf": {"codec": "pcm_s16le", "container": "caf"},
    "flac": {"codec": "flac", "container": "flac", "channels": 2},
    "mp3": {"codec": "libmp3lame", "container": "mp3"},
    "VBR mp3": {"codec": "libmp3lame", "container": "mp3", "codec_options": VBR},
    "VBR mp3 without a header of lengths": {
        "codec": "libmp3lame",
        "container": "mp3",
        "codec_options": VBR,
        "options": {"write_xing": "0"},
    },
    "m4a": {"codec": "aac", "container": "ipod", "channels": 2},
    "ADTS": {"codec": "aac", "container": "adts"},
    "ogg opus": {"codec": "libopus", "container": "ogg"},
    "ogg flac": {"codec": "flac", "container": "ogg"},
    "webm": {"codec": "libopus", "container": "webm"},
    "live webm": {"codec": "libopus", "container": "webm", "options": {"live": "1"}},
    "amr": {"codec": "libopencore_amrnb", "container": "amr", "rate_hz": 8_000},
    "3gp": {"codec": "libopencore_amrnb", "container": "3gp", "rate_hz": 8_000},
    "wma": {"codec": "wmav2", "container": "asf"},
    "mp4": {"codec": "aac", "container": "mp4", "picture": "libvpx-vp9"},
    "fragmented mp4": {"codec": "aac", "container": "mp4", "options": {"movflags": "frag_keyframe+empty_moov"}},
    "mkv": {"codec": "aac", "container": "matroska", "picture": "libvpx"},
    "mov": {"codec": "pcm_s16le", "container": "mov"},
    "mpegts": {"codec": "aac", "container": "mpegts"},
    "ac3": {"codec": "ac3", "container": "ac3"},
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_bursts_are_heard_where_they_were_put(form: str, tmp_path: Path) -> None:
    samples = bursts(BURSTS_S, duration_s=9, rate_hz=FORMS[form].get("rate_hz", 48_000))
    path = write_sound(tmp_path / "without-a-suffix", samples, **FORMS[form])

    decoded, note = decode(path)

    assert burst_times(decoded) == pytest.approx(BURSTS_S, abs=0.05)
    assert len(decoded) / 16_000 == pytest.approx(9.0, abs=0.05)
    assert note is None
    assert np.abs(decoded).max() > 0.6


@pytest.mark.parametrize("late_s", [0.3, 2.0, 60.0])
def test_a_late_start_becomes_silence(late_s: float, tmp_path: Path) -> None:
    samples = bursts(BURSTS_S, duration_s=9)
    path = write_sound(tmp_path / "late.mp4", samples, codec="aac", picture="libvpx-vp9", late_s=late_s)

    assert decoded_bursts(path) == pytest.approx([second + late_s for second in BURSTS_S], abs=0.02)


def test_holes_become_silence_and_are_told(tmp_path: Path) -> None:
    samples = bursts(BURSTS_S, duration_s=9)
    path = write_sound(tmp_path / "holes.webm", samples, codec="libopus", holes=[(2.0, 3.0), (5.0, 6.5)])

    decoded, note = decode(path)

    assert burst_times(decoded) == pytest.approx(BURSTS_S, abs=0.02)
    assert note == "2.5 s of holes play as silence"


def test_a_chained_ogg_is_heard_whole_whatever_its_parts_are(tmp_path: Path) -> None:
    parts = [
        write_sound(tmp_path / str(number), bursts([1.0], duration_s=4, rate_hz=rate_hz), rate_hz=rate_hz, **form)
        for number, (rate_hz, form) in enumerate(
            [
                (48_000, {"codec": "libopus", "container": "ogg"}),
                (22_050, {"codec": "flac", "container": "ogg"}),
                (44_100, {"codec": "flac", "container": "ogg", "channels": 2}),
                (48_000, {"codec": "libopus", "container": "ogg"}),
            ]
        )
    ]
    (tmp_path / "chain.ogg").write_bytes(b"".join(part.read_bytes() for part in parts))

    decoded, note = decode(tmp_path / "chain.ogg")

    assert burst_times(decoded) == pytest.approx([1.0, 5.0, 9.0, 13.0], abs=0.03)
    assert note == "its clock starts again 3 time(s): joined"


def test_a_chained_ogg_whose_second_part_is_broken_keeps_the_first(tmp_path: Path) -> None:
    part = write_sound(tmp_path / "part", bursts([1.0], duration_s=4), codec="libopus", container="ogg").read_bytes()
    (tmp_path / "chain.ogg").write_bytes(part + part[:28] + bytes(3000))

    decoded, note = decode(tmp_path / "chain.ogg")

    assert burst_times(decoded) == pytest.approx([1.0], abs=0.02)
    assert note is not None
    assert "could not be read" in note


def test_rate_and_channels_may_change_in_mid_file(tmp_path: Path) -> None:
    plain = {"codec": "libmp3lame", "container": "mp3", "options": {"write_xing": "0", "id3v2_version": "0"}}
    first = write_sound(tmp_path / "1", bursts([1.0], duration_s=4), **plain)
    second = write_sound(
        tmp_path / "2", bursts([1.0], duration_s=4, rate_hz=22_050), rate_hz=22_050, channels=2, **plain
    )
    (tmp_path / "both.mp3").write_bytes(first.read_bytes() + second.read_bytes())

    decoded, _ = decode(tmp_path / "both.mp3")

    assert burst_times(decoded) == pytest.approx([1.0, 5.0], abs=0.1)


def test_a_file_that_was_cut_off_is_heard_up_to_there(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cut.mkv", bursts([1.0, 7.0], duration_s=8), codec="libopus", container="matroska")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    *_, heard = hear(path)

    assert isinstance(heard, HeardFile)
    assert 3.0 < heard.duration_s < 5.0


def test_loud_channels_are_averaged_not_added_up() -> None:
    both = np.full((2, 100), 0.9, dtype=np.float32)

    assert mix_channels(both, channels=1).max() == pytest.approx(0.9)
    assert mix_channels(both[:1], channels=2).shape == (2, 100)
