"""A text taken apart into the tokens that are compared: its words, and how they sound.

Passages and questions go through the same function, so that only what differs between them makes a difference.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

import Stemmer
from opencc import OpenCC

from knowledge.finding.languages import language_of
from knowledge.finding.sounds import han_sounds, latin_sounds, spelled
from knowledge.finding.spoken_numbers import say_numbers
from knowledge.index.view import PassageTokens
from knowledge.transcripts.segment import UNDETERMINED

ANALYSIS_VERSION = "2"
"""Raised whenever the same text gives other tokens: an index of another version is rebuilt."""

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish", "fa": "persian",
}  # fmt: skip
_UNSPACED = (
    r"\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f\U00020000-\U0003134f"
)
_RUN = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[\w'])+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+")
_LETTERS = re.compile(r"(?<![\w'])(?:[A-Za-z]\.? ){1,6}[A-Za-z](?![\w'])\.?|(?<![\w'])(?:[A-Za-z]\.){2,7}")
_CAPITALS = re.compile(r"(?<![\w'])[A-Z]{2,5}(?![\w'])")


def analyse(text: str, language: str) -> PassageTokens:
    """`language`: BCP 47 as told, `und` where nobody did; the letters decide then, and English is the last guess,
    because a short question ("2015 rules") names no language and most such words are English anywhere."""
    told = language_of(text, language)
    if told == UNDETERMINED:
        told = "en"
    acronyms = frozenset(found.lower() for found in _CAPITALS.findall(text)) if not text.isupper() else frozenset()
    text, joined = _join_letters(say_numbers(unicodedata.normalize("NFKC", text), told))
    words: list[str] = []
    sounds: list[str] = []
    latin: list[str] = []
    for run in _RUN.findall(text):
        if _IS_UNSPACED.match(run):
            signs = simplified(run)
            words.extend(signs)
            words.extend(first + second for first, second in pairwise(signs))
            for han in _HAN.findall(signs):
                sounds.extend(han_sounds(han))
        elif word := run.casefold().replace("'s", "").replace("'", ""):
            words.append(_stem(word, told))
            latin.append(spelled(word) if word in acronyms or word in joined else word)
    return PassageTokens(words=tuple(words), sounds=(*sounds, *latin_sounds(latin)))


def runs_of(text: str) -> list[str]:
    """Its words, and its stretches of signs that are written without spaces, as they are written."""
    return _RUN.findall(text)


def is_unspaced(run: str) -> bool:
    return _IS_UNSPACED.match(run) is not None


def _join_letters(text: str) -> tuple[str, frozenset[str]]:
    """`n. f. l.` and `N F L` become `nfl`, as people type it."""
    joined: set[str] = set()

    def join(found: re.Match[str]) -> str:
        acronym = re.sub(r"[^a-z]", "", found.group().lower())
        joined.add(acronym)
        return acronym + " "

    return _LETTERS.sub(join, text), frozenset(joined)


@lru_cache(maxsize=200_000)
def _stem(word: str, language: str) -> str:
    algorithm = _STEMMERS.get(language)
    return str(_stemmer(algorithm).stemWord(word)) if algorithm else word


@lru_cache(maxsize=64)
def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(algorithm)


def simplified(signs: str) -> str:
    return "".join(map(_simplified_sign, signs))


@lru_cache(maxsize=30_000)
def _simplified_sign(sign: str) -> str:
    return str(_converter().convert(sign))


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")
