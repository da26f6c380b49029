"""The interface says everything in each of its languages."""

from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from assistant.access.attempts import TOO_MANY
from assistant.access.course_rights import NAME_TAKEN, NO_SUCH_COURSE, NOT_YOURS_TO_CHANGE
from assistant.access.errors import NO_ACCESS, NOT_SIGNED_IN, PROVIDER_DOWN
from assistant.access.governing import ONLY_TRAINERS_TEACH
from assistant.access.keeping_people import NO_MAIL_ADDRESS
from assistant.access.passwords import TOO_PLAIN, TOO_SHORT
from assistant.access.people import CLAIMED, GROUP_TAKEN, KEPT_BY_PROVIDER, NO_SUCH_GROUP, NO_SUCH_PERSON
from assistant.access.signing_in import NOT_YOUR_PASSWORD, WRONG
from assistant.access.tokens import FOR_NOTHING
from assistant.answering.ask import EMPTY, TOO_LONG
from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES
from assistant.engine.http_client import NOT_RUNNING, TOO_SLOW
from assistant.feedback.judging import NO_SUCH_MOMENT
from assistant.hearing.decoding import NOTHING_TO_HEAR, PICTURE_ALONE
from assistant.hearing.opening import A_TEXT, CUT_OFF, EMPTY_FILE, SCRIPT_OPENINGS, UNREADABLE, WAY_OUT, not_followed
from assistant.inbox import answers
from assistant.inbox.items import NO_SUCH_ITEM
from assistant.learning import kept as learning
from assistant.topics import errors as shaping
from web import asked_about, governed
from web.interface_languages import CHINESE, ENGLISH, LOCALE_FOLDER, words_of
from web.library import NO_SUCH_JOB, NO_SUCH_QUESTION, NO_SUCH_RECORDING, REMOVED
from web.limits import TOO_MANY_AT_ONCE, TOO_OFTEN, TOO_OFTEN_FROM_HERE
from web.pages.ask import EMPTY_SOUND, NO_SOUND
from web.pages.audit import NO_SUCH_TIME, NO_TEXT
from web.pages.courses import NO_SUCH_CHANGE
from web.pages.judging import SAYS_NOTHING
from web.pages.me import NOT_CONFIRMED
from web.pages.people import NO_SUCH_ROLE
from web.render import told
from web.rules import NOT_HERE, OTHER_PURPOSE, STALE_FORM
from web.slow_clients import CAME_TOO_SLOWLY
from web.views.audit import FORGOTTEN, NO_PERSON
from web.views.words import ACTION_WORDS, OUTCOME_WORDS, ROLE_WORDS, SCOPE_WORDS

WEB = LOCALE_FOLDER.parent
TROUBLES = (
    *(EMPTY, TOO_LONG, NOT_RUNNING, TOO_SLOW),
    *(A_TEXT, UNREADABLE, CUT_OFF, EMPTY_FILE, PICTURE_ALONE, NOTHING_TO_HEAR, EMPTY_SOUND),
    *((not_followed(kind), WAY_OUT) for _, kind in SCRIPT_OPENINGS),
    *(NO_SUCH_QUESTION, NO_SUCH_COURSE, NO_SUCH_RECORDING, NO_SUCH_JOB, REMOVED, NO_SOUND),
    *(NOT_SIGNED_IN, NO_ACCESS, PROVIDER_DOWN, NOT_YOUR_PASSWORD, TOO_SHORT, TOO_PLAIN, FOR_NOTHING, NOT_CONFIRMED),
    *(WRONG, TOO_MANY, NOT_HERE, OTHER_PURPOSE, STALE_FORM, NOT_YOURS_TO_CHANGE),
    *(TOO_OFTEN, TOO_OFTEN_FROM_HERE, TOO_MANY_AT_ONCE, CAME_TOO_SLOWLY),
    *(NAME_TAKEN, ONLY_TRAINERS_TEACH, NO_SUCH_CHANGE, governed.TOO_SHORT, NO_SUCH_PERSON, NO_SUCH_GROUP, GROUP_TAKEN),
    *(NO_SUCH_MOMENT, SAYS_NOTHING),
    *(answers.ANSWERED_ALREADY, answers.NO_SUCH_ANSWER, answers.NOT_PLAYABLE, answers.NO_MOMENT, answers.NO_LINE),
    *(answers.LINE_TOO_LONG, answers.NO_QUESTION, answers.QUESTION_TOO_LONG, NO_SUCH_ITEM),
    *(answers.COMING_ALREADY, answers.SET_ASIDE_ALREADY, answers.OPEN_ALREADY),
    *(NO_MAIL_ADDRESS, KEPT_BY_PROVIDER, CLAIMED, NO_SUCH_ROLE, NO_SUCH_TIME, NO_TEXT),
    *(learning.NO_SUCH_MOMENT, learning.NOTE_TOO_LONG, learning.NOT_ON, learning.NO_SUCH_MARK, learning.NO_SUCH_CARD),
    *(learning.NOTHING_SAID, learning.NO_QUESTION, learning.NO_SUCH_RATING),
    *(shaping.NO_SUCH_TOPIC, shaping.NOT_YOURS_TO_SHAPE, shaping.NO_NAME, shaping.NAME_TOO_LONG),
    *(shaping.MERGED_ALREADY, shaping.INTO_ITSELF, shaping.NOT_MERGED, shaping.ALL_THE_SAME),
    *(shaping.TOO_FEW_TO_SPLIT, shaping.CHANGED),
    *(asked_about.NO_SUCH_TOPIC, asked_about.NO_SUCH_WEEKS, asked_about.NOT_CLOSED, asked_about.NOTHING_SHOWN),
)
"""What errors say to people: what is wrong, and what to do."""

BY_CODE = (ROLE_WORDS, SCOPE_WORDS, ACTION_WORDS, OUTCOME_WORDS, NO_PERSON)


def said_by_pages() -> set[str]:
    """Every message in templates and code, the singular where there are two, and what templates print by name."""
    found = extract_from_dir(
        str(WEB),
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        options_map={"templates/**.html": {"trimmed": "true", "silent": "false"}},
    )
    messages = {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}
    names = (CHANNEL_NAMES, FEATURE_NAMES, *BY_CODE)
    by_name = {*(part for each in names for part in each.values()), *(part for each in TROUBLES for part in each)}
    by_name.add(FORGOTTEN)
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
