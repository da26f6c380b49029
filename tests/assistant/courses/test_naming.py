"""Names come from anywhere and go to pages and messages."""

import os

import pytest

from assistant.courses.naming import (
    LONGEST_NAME,
    clean_course_name,
    clean_name,
    title_of,
    uploaded_name,
)
from assistant.errors import BadInput


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\fire.mp3", "fire.mp3"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("fire\nexit.mp3", "fire exit.mp3"),
        ("fire\x00\x1b[31m.mp3", "fire [31m.mp3"),
        ("evil\u202e3pm.exe", "evil 3pm.exe"),
        ("  fire   drill.mp3 ", "fire drill.mp3"),
        ("Cafe\u0301.mp3", "Café.mp3"),
        ("می\u200cروم.mp3", "می\u200cروم.mp3"),
    ],
)
def test_an_uploads_name_is_shown_on_one_line_without_folders_or_tricks(filename: str, shown: str) -> None:
    assert uploaded_name(filename) == shown


def test_a_name_of_300_characters_keeps_its_beginning_and_its_suffix() -> None:
    name = clean_name("fire " * 60 + ".mp3")

    assert len(name) == LONGEST_NAME
    assert name.startswith("fire fire")
    assert name.endswith(".mp3")


def test_bytes_that_are_no_text_can_be_stored() -> None:
    clean_name(os.fsdecode(b"f\xffire.mp3")).encode("utf-8")


@pytest.mark.parametrize(
    ("name", "title"), [("2024/fire_drill.part 2.mp3", "fire drill.part 2"), (".mp3", ".mp3"), ("fire", "fire")]
)
def test_a_title_is_the_name_without_folder_and_suffix(name: str, title: str) -> None:
    assert title_of(name) == title


def test_a_courses_name_is_kept_as_written_or_refused() -> None:
    assert clean_course_name("  Arbeits\u00adschutz\tI ") == "Arbeits schutz I"
    for bad in ("", " \n", "x" * 121):
        with pytest.raises(BadInput):
            clean_course_name(bad)
