"""A folder of everything that goes wrong, indexed in one call: each is refused by name, and the good file is heard."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.assistant.hearing.hostile_files import half_an_mp4, noise_bytes, picture_without_sound, wav_bytes
from tests.odd_questions import ODD
from tests.product.running import Ran, earmark

pytestmark = pytest.mark.slow

GOOD = Path(__file__).parents[2] / "data" / "questions" / "spoken-fire.flac"
SECRET = "the secret beside the playlist"
RATE_HZ = 16_000


def noise_wav(seconds: float) -> bytes:
    samples = np.random.default_rng(3).normal(0, 900, round(seconds * RATE_HZ)).astype("<i2")
    return wav_bytes(samples.tobytes())


def not_a_number_wav() -> bytes:
    return wav_bytes(np.full(3 * RATE_HZ, np.nan, dtype="<f4").tobytes(), code=3, bits=32)


REFUSED: dict[str, Callable[[Path], object]] = {
    "empty.mp3": lambda path: path.write_bytes(b""),
    "random.wav": lambda path: path.write_bytes(noise_bytes(20_000)),
    "text.mp3": lambda path: path.write_text("This is not sound.\n" * 50),
    "half.mp4": half_an_mp4,
    "no sound.mp4": picture_without_sound,
    "one hertz.wav": lambda path: path.write_bytes(wav_bytes(rate_hz=1)),
    "playlist.m3u8": lambda path: path.write_text(f"#EXTM3U\n#EXTINF:3,\nfile://{path.parent}/secret.ts\n"),
    "playlist called.wav": lambda path: path.write_text("#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/x.ts\n"),
    "concat.ffconcat": lambda path: path.write_text("ffconcat version 1.0\nfile secret.ts\n"),
    "concat called.wav": lambda path: path.write_text("ffconcat version 1.0\nfile secret.ts\n"),
    "session.sdp": lambda path: path.write_text("v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
    "pipe.wav": lambda path: os.mkfifo(path),
    "link.wav": lambda path: path.symlink_to(GOOD),
}
SILENT: dict[str, bytes] = {
    "silence.wav": wav_bytes(),
    "not a number.wav": not_a_number_wav(),
    "noise.wav": noise_wav(4.0),
    "10 ms.wav": noise_wav(0.01),
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    folder = tmp_path_factory.mktemp("watched")
    for name, make in REFUSED.items():
        make(folder / name)
    for name, data in SILENT.items():
        (folder / name).write_bytes(data)
    (folder / "secret.ts").write_text(SECRET)
    shutil.copy(GOOD, folder / "good one\nwith a line.flac")
    home = tmp_path_factory.mktemp("bad") / "home"
    return home, earmark(home, "index", folder, "--json", timeout_s=280)


def test_one_failed_input_among_others_is_exit_code_1(indexed: tuple[Path, Ran]) -> None:
    assert indexed[1].code == 1, indexed[1].err


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_by_name_with_a_way_out(indexed: tuple[Path, Ran], name: str) -> None:
    errors = {failed["recording"]: failed["error"] for failed in indexed[1].json["failed"]}
    assert name in errors
    assert len(errors[name]) > 20
    assert "Traceback" not in errors[name]
    assert SECRET not in indexed[1].out


@pytest.mark.parametrize("name", SILENT)
def test_sound_without_speech_gives_no_words(indexed: tuple[Path, Ran], name: str) -> None:
    heard = {one["recording"]: one for one in indexed[1].json["indexed"]}
    failed = {one["recording"]: one["error"] for one in indexed[1].json["failed"]}
    assert name in heard or "speech" in failed[name] or "sound" in failed[name]
    if name in heard:
        assert heard[name]["passages"] == 0


def test_the_good_file_among_them_is_findable(indexed: tuple[Path, Ran]) -> None:
    good = [one for one in indexed[1].json["indexed"] if one["recording"].startswith("good one")]
    assert len(good) == 1
    assert "\n" not in good[0]["recording"]
    assert good[0]["passages"] >= 1


def test_a_single_bad_input_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").write_bytes(b"")
    ran = earmark(tmp_path / "home", "index", tmp_path / "empty.mp3")
    assert ran.code == 2
    assert "empty.mp3" in ran.out + ran.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = earmark(tmp_path / "home", "index", tmp_path / "nowhere.mp3")
    assert ran.code == 2
    assert "nowhere.mp3" in ran.out + ran.err


def test_an_empty_path_is_not_the_folder_one_stands_in(tmp_path: Path) -> None:
    ran = earmark(tmp_path / "home", "index", "")
    assert ran.code == 2
    assert "a path is empty" in ran.err


def test_the_same_content_twice_in_one_call_is_indexed_once(tmp_path: Path) -> None:
    for name in ("first.flac", "second.flac"):
        shutil.copy(GOOD, tmp_path / name)
    ran = earmark(tmp_path / "home", "index", tmp_path / "first.flac", tmp_path / "second.flac", "--json")
    assert ran.code == 0, ran.err
    assert [one["recording"] for one in ran.json["indexed"]] == ["first.flac"]
    assert [one["recording"] for one in ran.json["skipped"]] == ["second.flac"]


def test_odd_questions_in_a_file_each_get_an_answer_or_a_reason(indexed_home: Path, tmp_path: Path) -> None:
    refused = {"empty": "", "a book": "near miss " * 1000}
    rows = [{"id": name, "text": text} for name, text in {**ODD, **refused}.items()]
    (tmp_path / "questions.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    ran = earmark(indexed_home, "ask", "--questions", tmp_path / "questions.jsonl", "--json", "--no-log")

    assert ran.code == 1
    assert "Traceback" not in ran.err
    said = {line["id"]: line for line in ran.json_lines}
    assert list(said) == [row["id"] for row in rows]
    assert {name for name, line in said.items() if "error" in line} == set(refused)
    assert all(line["verdict"] in ("answered", "closest", "absent") for name, line in said.items() if name in ODD)
