"""The languages of the interface: which one a request gets, and its words. Knows no page and no person."""

import gettext
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

LOCALE_FOLDER = Path(__file__).parent / "locale"
COOKIE = "earmark_language"


@dataclass(frozen=True, slots=True)
class InterfaceLanguage:
    """`code`: BCP 47; `name`: what its speakers call it."""

    code: str
    name: str


ENGLISH = InterfaceLanguage("en", "English")
CHINESE = InterfaceLanguage("zh", "中文")
LANGUAGES = {language.code: language for language in (ENGLISH, CHINESE)}


def language_of(request: Request) -> InterfaceLanguage:
    """What the switch was set to, else what the browser prefers, else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return LANGUAGES[chosen]
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> InterfaceLanguage:
    """The first of our languages in an Accept-Language header, by its weights."""
    weighted = []
    for position, part in enumerate(accept_language.split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        if primary in LANGUAGES:
            weighted.append((-_weight(parameter), position, primary))
    return LANGUAGES[min(weighted)[2]] if weighted else ENGLISH


@cache
def words_of(language: InterfaceLanguage) -> gettext.NullTranslations:
    """The catalogue, compiled from its .po when it is first asked for."""
    if language is ENGLISH:
        return gettext.NullTranslations()
    source = LOCALE_FOLDER / language.code / "LC_MESSAGES" / "messages.po"
    with source.open("rb") as file:
        catalogue = read_po(file, locale=language.code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
