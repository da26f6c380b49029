"""How a course is heard: its language, where it is always the same, and numbers as figures or as spoken."""

from collections.abc import Callable

from assistant.engine.client import EngineState
from assistant.errors import BadInput, PartDown, UnknownLanguage
from assistant.recognising.languages import language_tag
from knowledge.database import Database
from knowledge.recordings import store as recordings


def hear_course_as(
    database: Database, engine_state: Callable[[], EngineState], course_id: str, *, language: str | None, itn: bool
) -> None:
    """What comes from now on. Raises BadInput for no code at all, UnknownLanguage for one the recogniser cannot hear.

    Where no recogniser answers any code is taken: it may be another one tomorrow.
    """
    tag = language_tag(language) if language is not None else None
    if language is not None:
        if tag is None:
            raise BadInput(f"{language[:40]!r} is no code of a language", "write one such as en, zh or yue")
        _refuse_unheard(engine_state, tag)
    with database.write() as session:
        recordings.hear_course_as(session, course_id, language=tag, itn=itn)


def _refuse_unheard(engine_state: Callable[[], EngineState], language: str) -> None:
    try:
        heard = engine_state().recogniser.languages
    except PartDown:
        return
    if heard is not None and language.split("-")[0] not in heard:
        raise UnknownLanguage(
            f"the recogniser does not hear {language}", f"choose one of {', '.join(sorted(heard))}, or none"
        )
