"""Names of recordings and courses, as people gave them. A name is shown and compared, never used as a path."""

import re
import unicodedata
from pathlib import PurePosixPath

from assistant.errors import BadInput

GENERAL = "General"
"""The course of a recording for which none was named."""
LONGEST_NAME = 240
LONGEST_COURSE_NAME = 120
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories that would break a line, turn its direction or cannot be stored."""
_JOINERS = {"\u200c", "\u200d"}
"""Invisible, but part of words in Persian and several Indian scripts."""


def uploaded_name(filename: str) -> str:
    """What a browser called a file, without any folder it may claim to lie in."""
    return clean_name(re.split(r"[/\\]", filename)[-1])


def title_of(name: str) -> str:
    """What a person reads first: the name without folder and suffix."""
    base = PurePosixPath(name).name
    stem = PurePosixPath(base).stem
    return stem.replace("_", " ").strip() or base


def clean_name(name: str) -> str:
    """NFC, on one line, without unseen characters; what is too long loses its middle, keeping the suffix."""
    shown = visible_name(name)
    if not shown or not shown.strip("./ "):
        return "unnamed"
    if len(shown) <= LONGEST_NAME:
        return shown
    ending = 40
    return f"{shown[: LONGEST_NAME - ending - 1]}…{shown[-ending:]}"


def clean_course_name(name: str) -> str:
    """Raises BadInput: a course is named by a person, who should know what it is called afterwards."""
    shown = visible_name(name)
    if not shown:
        raise BadInput("the course has no name", f"give one, or none at all for {GENERAL}")
    if len(shown) > LONGEST_COURSE_NAME:
        raise BadInput(
            f"the course name {shown[:40]}… is {len(shown)} characters long", f"use {LONGEST_COURSE_NAME} at most"
        )
    return shown


def visible_name(name: str) -> str:
    """On one line, without unseen characters; bytes that are no UTF-8 (a lone surrogate) as the replacement one."""
    kept = (_seen(character) for character in unicodedata.normalize("NFC", name))
    return " ".join("".join(kept).split())


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return " " if category in _UNSEEN and character not in _JOINERS else character
