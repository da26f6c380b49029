"""Every bad file gets a message that names it, says why, and what to do; nothing hangs, nothing is followed."""

import http.server
import itertools
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadMedia, EarmarkError
from assistant.hearing.heard import HeardFile, HearingLimits, SpeechClip
from assistant.hearing.listening import find_media, hear, open_regular
from tests.assistant.hearing.decoded import decode
from tests.assistant.hearing.hostile_files import (
    SILENCE,
    half_an_mp4,
    noise_bytes,
    picture_without_sound,
    wav_bytes,
)
from tests.assistant.hearing.making_media import burst_times, bursts, write_sound

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
BROKEN = {
    "empty.wav": (b"", "the file is empty"),
    "random.mp3": (noise_bytes(100_000), "not a sound or video file"),
    "notes.mp3": (b"These are notes, not sound.\n" * 400, "a text, not a recording"),
    "one-hertz.wav": (wav_bytes(rate_hz=1), "says it has 1 samples a second"),
    "four-megahertz.wav": (wav_bytes(rate_hz=4_000_000), "says it has 4,000,000 samples a second"),
    "no-channels.wav": (wav_bytes(channels=0), "no audio track"),
    "many-channels.wav": (wav_bytes(SILENCE * 20, channels=65_535), "no audio track"),
    "hundred-channels.wav": (wav_bytes(SILENCE * 20, channels=100), "100 channels"),
    "no-bits.wav": (wav_bytes(bits=0), "no sound could be decoded"),
    "nothing-in-it.wav": (wav_bytes(b""), "no sound could be decoded"),
    "list.m3u8": (PLAYLIST % b"segment.ts", "a playlist"),
    "list.wav": (PLAYLIST % b"file://%s/segment.ts", "a playlist"),
    "list with a mark.wav": (b"\xef\xbb\xbf" + PLAYLIST % b"segment.ts", "a playlist"),
    "concat.wav": (b"ffconcat version 1.0\nfile segment.ts\n", "a concat script"),
    "old-concat.wav": (b"file 'segment.ts'\nfile 'segment.ts'\n", "a text, not a recording"),
    "session.sdp": (SDP, "a stream description"),
    "session.wav": (SDP, "a stream description"),
    "manifest.mp4": (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>', "an XML file"),
}


def refusal(attempt: Callable[[], object]) -> EarmarkError:
    with pytest.raises(BadMedia) as refused:
        attempt()
    return refused.value


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_or_luring_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    write_sound(tmp_path / "segment.ts", bursts([1.0], duration_s=3), codec="aac", container="mpegts")
    content, reason = BROKEN[name]
    (tmp_path / name).write_bytes(content.replace(b"%s", str(tmp_path).encode()))

    error = refusal(lambda: list(hear(tmp_path / name)))

    assert str(error).startswith(f"{name}: ")
    assert reason in str(error)
    assert error.way_out


def test_a_playlist_never_reaches_the_address_it_names(tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/x.ts".encode()
        for name, content in {
            "a.wav": PLAYLIST % url,
            "b.mp3": b"ffconcat version 1.0\nfile " + url,
            "c.mp4": b" \n" * 600 + PLAYLIST % url,
        }.items():
            (tmp_path / name).write_bytes(content)
            refusal(lambda path=tmp_path / name: list(hear(path)))
        server.shutdown()
        thread.join()

    assert asked == []


def test_a_picture_without_sound_says_so(tmp_path: Path) -> None:
    error = refusal(lambda: list(hear(picture_without_sound(tmp_path / "mute.mp4"))))

    assert "mute.mp4: no audio track (a picture without sound)" in str(error)
    assert "export it with its sound" in str(error)


def test_an_mp4_that_was_cut_off_says_so(tmp_path: Path) -> None:
    error = refusal(lambda: list(hear(half_an_mp4(tmp_path / "half.mp4"))))

    assert "half.mp4: cut off" in str(error)
    assert "copy it again" in str(error)


def test_a_named_pipe_a_link_a_folder_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    write_sound(tmp_path / "good.wav", bursts([1.0], duration_s=2), codec="pcm_s16le")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to("good.wav")

    for path, reason in {
        tmp_path / "pipe.wav": "a named pipe",
        tmp_path / "link.wav": "links are not followed",
        tmp_path: "a folder",
        Path("/dev/zero"): "a device",
        tmp_path / "absent.wav": "there is no such file",
    }.items():
        assert reason in str(refusal(lambda path=path: open_regular(path)))


def test_strange_names_come_out_on_one_short_line(tmp_path: Path) -> None:
    for name in ("line\nbreak\x1b[31m.wav", "y" * 250 + ".wav", "x" * 300 + ".wav", "..\\..\\up.wav"):
        if len(name) < 256:
            (tmp_path / name).write_bytes(b"\x01junk" * 100)
        detail = refusal(lambda name=name: list(hear(tmp_path / name))).detail
        assert detail.isprintable()
        assert len(detail) < 220


@pytest.mark.parametrize("said_bytes", [0, 100, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_is_read_whole_whatever_size_its_header_says(said_bytes: int, tmp_path: Path) -> None:
    (tmp_path / "lie.wav").write_bytes(wav_bytes(said_bytes=said_bytes))

    *_, heard = hear(tmp_path / "lie.wav")

    assert isinstance(heard, HeardFile)
    assert heard.duration_s == pytest.approx(3.0, abs=0.01)


def test_what_is_no_number_becomes_silence_and_the_rest_is_heard(tmp_path: Path) -> None:
    samples = bursts([1.0], duration_s=3, rate_hz=16_000)
    samples[30_000:30_100] = np.nan
    samples[40_000:40_010] = np.inf
    samples[45_000] = 1e30
    (tmp_path / "nan.wav").write_bytes(wav_bytes(samples.astype("<f4").tobytes(), bits=32, code=3))

    decoded, _ = decode(tmp_path / "nan.wav", rate_hz=24_000)

    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 1.0
    assert burst_times(decoded, rate_hz=24_000)[0] == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("n_samples", [1, 160, 48_000])
def test_silence_and_scraps_are_no_error_and_no_speech(n_samples: int, tmp_path: Path) -> None:
    (tmp_path / "quiet.wav").write_bytes(wav_bytes(bytes(n_samples * 2)))

    *heard, last = hear(tmp_path / "quiet.wav", playable_to=tmp_path / "copy")

    assert not [piece for piece in heard if isinstance(piece, SpeechClip)]
    assert isinstance(last, HeardFile)
    assert last.speech_s == 0.0


def test_a_small_file_that_decodes_for_hours_ends_at_the_limit(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "long.flac", np.zeros(4_000 * 3600, np.float32), codec="flac", rate_hz=4_000)
    assert path.stat().st_size < 1_000_000

    error = refusal(lambda: list(hear(path, limits=HearingLimits(max_hours=0.5))))

    assert "longer than 0.5 hours of sound" in str(error)
    assert "max_hours" in str(error)


def test_decoding_that_is_slow_by_design_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "slow.flac", bursts([1.0], duration_s=60), codec="flac")
    seconds = itertools.count()

    error = refusal(lambda: decode(path, clock=lambda: float(next(seconds))))

    assert "slow.flac: decoding is slower than 20 times real time" in str(error)


def test_a_decoder_that_recordings_do_not_need_is_never_opened(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "odd.mka", bursts([1.0], duration_s=3), codec="wavpack", container="matroska")

    error = refusal(lambda: list(hear(path)))

    assert "odd.mka: its sound is wavpack, which is not taken" in str(error)


def test_a_decoder_out_of_memory_is_a_refusal(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "good.flac", bursts([1.0], duration_s=5), codec="flac")

    error = refusal(lambda: list(hear(path, limits=HearingLimits(memory_bytes=1_000_000))))

    # Libraries at the limit either say so or crash; either way it is this file's fault alone, and told.
    assert re.match(r"good\.flac: (needs more than 1 MB of memory|the decoder broke down on it)", str(error))
    assert isinstance(list(hear(path))[-1], HeardFile)


def test_garbage_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "torn.mp3", bursts([1.0, 7.0], duration_s=8), codec="libmp3lame").read_bytes()
    (tmp_path / "torn.mp3").write_bytes(whole[:40_000] + noise_bytes(3_000) + whole[43_000:])

    decoded, _ = decode(tmp_path / "torn.mp3")

    assert len(decoded) / 16_000 == pytest.approx(8.0, abs=0.5)
    assert {round(second) for second in burst_times(decoded)} >= {1, 7}


def test_folders_are_walked_and_what_is_no_file_is_refused_by_name(tmp_path: Path) -> None:
    good = wav_bytes()
    for name in ("b.wav", "a.MP3", "deep/er/c.mp4", ".hidden.wav", ".trash/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(good)
    for name in ("b.srt", "b.txt", "slides.pdf", "deep/read.md"):
        (tmp_path / name).write_bytes(b"text")
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "loop").symlink_to(tmp_path)

    files, refusals = find_media([tmp_path, tmp_path / "b.wav"])

    assert [file.name for file in files] == ["a.MP3", "b.wav", "deep/er/c.mp4"]
    assert sorted(refusal.name for refusal in refusals) == ["empty.wav", "loop", "pipe.wav"]


def test_an_empty_folder_and_an_absent_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "lessons").mkdir()

    files, refusals = find_media([tmp_path / "lessons", tmp_path / "absent.wav"])

    assert files == []
    assert [str(refusal.error).split(";")[0] for refusal in refusals] == [
        "lessons: no recordings in this folder",
        "absent.wav: there is no such file",
    ]
