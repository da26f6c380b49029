"""The interface says everything in each of its languages."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from assistant.answering.ask import EMPTY, TOO_LONG
from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES
from assistant.engine.http_client import NOT_RUNNING, TOO_SLOW
from assistant.hearing.decoding import NOTHING_TO_HEAR, PICTURE_ALONE
from assistant.hearing.opening import A_TEXT, CUT_OFF, EMPTY_FILE, SCRIPT_OPENINGS, UNREADABLE, WAY_OUT, not_followed
from web.interface_languages import CHINESE, ENGLISH, LOCALE_FOLDER, words_of
from web.library import NO_SUCH_COURSE, NO_SUCH_QUESTION, NO_SUCH_RECORDING, REMOVED
from web.pages.ask import EMPTY_SOUND
from web.render import told

WEB = LOCALE_FOLDER.parent
TROUBLES = (
    *(EMPTY, TOO_LONG, NOT_RUNNING, TOO_SLOW),
    *(A_TEXT, UNREADABLE, CUT_OFF, EMPTY_FILE, PICTURE_ALONE, NOTHING_TO_HEAR, EMPTY_SOUND),
    *((not_followed(kind), WAY_OUT) for _, kind in SCRIPT_OPENINGS),
    *(NO_SUCH_QUESTION, NO_SUCH_COURSE, NO_SUCH_RECORDING, REMOVED),
)
"""What errors say to people: what is wrong, and what to do."""


def said_by_pages() -> set[str]:
    """Every message in templates and code, the singular where there are two, and what templates print by name."""
    found = extract_from_dir(
        str(WEB),
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"trimmed": "true", "silent": "false"}},
    )
    messages = {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}
    by_name = {*CHANNEL_NAMES.values(), *FEATURE_NAMES.values(), *(part for trouble in TROUBLES for part in trouble)}
    return {str(each) for each in messages} | by_name


def catalogue() -> dict[str, str]:
    with Path(LOCALE_FOLDER / "zh" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        read = read_po(file, locale="zh")
    return {
        message.id if isinstance(message.id, str) else message.id[0]: str(message.string or "")
        for message in read
        if message.id
    }


def test_everything_is_said_in_chinese() -> None:
    known = catalogue()
    assert sorted(said_by_pages() - {message for message, said in known.items() if said}) == []


def test_nothing_is_kept_that_no_page_says() -> None:
    assert sorted(set(catalogue()) - said_by_pages()) == []


@pytest.mark.parametrize("name", [*CHANNEL_NAMES.values(), *FEATURE_NAMES.values()])
def test_every_matcher_and_every_feature_has_a_chinese_name(name: str) -> None:
    assert words_of(CHINESE).gettext(name) != name


def test_an_error_is_told_in_chinese_behind_the_name_of_its_file() -> None:
    said = f"a: b.mp3: {A_TEXT[0]}"
    assert told(said, CHINESE) == "a: b.mp3: 这是文本，不是录音"
    assert told(said, ENGLISH) == said
    for unknown in ("", "mine: ", "nobody translated this"):
        assert told(unknown, CHINESE) == unknown
