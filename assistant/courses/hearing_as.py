"""How a course is heard: its language, where it is always the same, and numbers as figures or as spoken."""

import re
from collections.abc import Callable

from assistant.engine.client import EngineState
from assistant.errors import BadInput, PartDown, UnknownLanguage
from knowledge.database import Database
from knowledge.recordings import store as recordings

LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def hear_course_as(
    database: Database, engine_state: Callable[[], EngineState], course_id: str, *, language: str | None, itn: bool
) -> None:
    """What comes from now on. Raises BadInput for no code at all, UnknownLanguage for one the recogniser cannot hear.

    Where no recogniser answers any code is taken: it may be another one tomorrow.
    """
    if language is not None:
        if not LANGUAGE.fullmatch(language):
            raise BadInput(f"{language[:40]!r} is no code of a language", "write one such as en, zh or yue")
        _refuse_unheard(engine_state, language)
    with database.write() as session:
        recordings.hear_course_as(session, course_id, language=language, itn=itn)


def _refuse_unheard(engine_state: Callable[[], EngineState], language: str) -> None:
    try:
        heard = engine_state().recogniser.languages
    except PartDown:
        return
    if heard is not None and language.split("-")[0] not in heard:
        raise UnknownLanguage(
            f"the recogniser does not hear {language}", f"choose one of {', '.join(sorted(heard))}, or none"
        )
