"""What lies beside a recording."""

from pathlib import Path

import pytest

from assistant.courses.sidecars import Sidecars, is_beside, read_script, sidecars_beside
from assistant.errors import BadInput


def beside(folder: Path, *names: str) -> Sidecars:
    for name in ("talk.mp4", *names):
        (folder / name).touch()
    return sidecars_beside(folder / "talk.mp4")


def test_nothing_beside_it_is_nothing(tmp_path: Path) -> None:
    assert beside(tmp_path, "other.srt", "talks.txt", "talk.pdf") == Sidecars()


@pytest.mark.parametrize("name", ["talk.srt", "talk.mp4.srt", "talk.en.srt", "talk.zh-Hant.vtt", "talk.SRT"])
def test_subtitles_carry_the_recordings_name(tmp_path: Path, name: str) -> None:
    assert beside(tmp_path, name).subtitles == tmp_path / name


@pytest.mark.parametrize("name", ["talk.txt", "talk.mp4.md"])
def test_a_script_carries_the_recordings_name(tmp_path: Path, name: str) -> None:
    assert beside(tmp_path, name).script == tmp_path / name


def test_the_closest_name_wins(tmp_path: Path) -> None:
    found = beside(tmp_path, "talk.de.srt", "talk.mp4.srt", "talk.srt")

    assert found.subtitles == tmp_path / "talk.srt"


@pytest.mark.parametrize("name", ["talk.srt", "TALK.EN.SRT", "talk.mp4.txt", "talk.zh-Hant.vtt"])
def test_a_text_that_was_sent_along_is_known_by_its_name(name: str) -> None:
    assert is_beside(name, "Talk.mp4")


@pytest.mark.parametrize("name", ["talk two.srt", "walk.srt", "talk.the first part of it.srt"])
def test_a_text_of_another_name_is_not_its_own(name: str) -> None:
    assert not is_beside(name, "Talk.mp4")


def test_a_link_is_no_sidecar(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").symlink_to("/etc/passwd")

    assert beside(tmp_path) == Sidecars()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_script_is_read_as_unicode_text(tmp_path: Path, encoding: str) -> None:
    script = tmp_path / "talk.txt"
    script.write_text("Füße 消防", encoding=encoding)

    assert read_script(script) == "Füße 消防"


@pytest.mark.parametrize("content", [b"F\xfc\xdfe", b"PK\x03\x04\x00\x00"])
def test_what_is_no_text_is_refused_by_its_own_name(tmp_path: Path, content: bytes) -> None:
    script = tmp_path / "script.txt"
    script.write_bytes(content)

    with pytest.raises(BadInput, match=r"slides\.txt"):
        read_script(script, name="slides.txt")
