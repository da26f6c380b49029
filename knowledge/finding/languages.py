"""Which language a text is in, guessed from its letters and its small words, and who knows that language.

Knows no model. A guess decides how a text is taken apart and which channels may speak; a language that a person
or a recogniser told is believed over it.
"""

import re
from enum import StrEnum
from functools import lru_cache

from knowledge.transcripts.segment import UNDETERMINED


class Script(StrEnum):
    LATIN = "latin"
    HAN = "han"
    KANA = "kana"
    HANGUL = "hangul"
    THAI = "thai"
    CYRILLIC = "cyrillic"
    ARABIC = "arabic"
    GREEK = "greek"
    DEVANAGARI = "devanagari"
    HEBREW = "hebrew"
    NONE = "none"


_LETTERS = {
    Script.KANA: r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]",
    Script.HAN: r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]",
    Script.HANGUL: r"[\u1100-\u11ff\uac00-\ud7af]",
    Script.THAI: r"[\u0e00-\u0e7f]",
    Script.CYRILLIC: r"[\u0400-\u04ff]",
    Script.ARABIC: r"[\u0600-\u06ff]",
    Script.GREEK: r"[\u0370-\u03ff]",
    Script.DEVANAGARI: r"[\u0900-\u097f]",
    Script.HEBREW: r"[\u0590-\u05ff]",
    Script.LATIN: r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]",
}
_PATTERNS = {script: re.compile(letters) for script, letters in _LETTERS.items()}
_ONE_LANGUAGE = {
    Script.HAN: "zh",
    Script.KANA: "ja",
    Script.HANGUL: "ko",
    Script.THAI: "th",
    Script.CYRILLIC: "ru",
    Script.ARABIC: "ar",
    Script.GREEK: "el",
    Script.DEVANAGARI: "hi",
    Script.HEBREW: "he",
}
_WIDE = frozenset({Script.HAN, Script.KANA, Script.HANGUL})
_LETTERS_A_WIDE_SIGN_IS_WORTH = 3

_SMALL_WORDS = {
    "en": "the of and to in is was for that what which who how when where why did does do are were with it on by"
    " a an as at from have had be",
    "de": "der die das und ist wie was wer wo wann warum welche welcher welches welchen welchem wem wen wessen wofür"
    " wodurch woraus nicht ein eine einer eines einem einen in von zu den dem des mit auf aus bei nach durch über zum"
    " zur im am sich es sie er wird werden wurde wurden hat haben hatte sind war waren kann viele",
    "fr": "le la les des du de et est que qui quoi dans pour une un sur quel quelle quand comment pourquoi où pas",
    "es": "el la los las de y que en es qué quién cómo cuándo dónde por para una un del con cuál se no su",
    "it": "il lo la gli le di e che è in per una un del della con come quando dove perché chi quale non si",
    "pt": "o a os as de e que é em para uma um do da com como quando onde por quem qual não se no na",
    "nl": "de het een en van is wat wie hoe wanneer waar waarom welke niet in op met voor te dat zijn er",
    "sv": "och det att en ett är som på för med vad vem hur när var varför vilken inte av till den i",
    "da": "og det at en et er som på for med hvad hvem hvordan hvornår hvor hvorfor hvilken ikke af til den i",
    "no": "og det at en et er som på for med hva hvem hvordan når hvor hvorfor hvilken ikke av til den i",
    "fi": "ja on ei se että mikä kuka miten milloin missä miksi oli tämä joka ovat kun mutta niin myös",
    "pl": "i w na z do jest nie co kto jak kiedy gdzie dlaczego który która się to że od po jako",
    "tr": "ve bir bu ne kim nasıl nerede neden hangi için ile de da mi mı değil olan olarak var çok",
    "id": "dan yang di ke dari apa siapa bagaimana kapan dimana mengapa adalah ini itu untuk dengan tidak pada",
    "vi": "và của là có trong cho một những được không gì ai thế nào khi đâu tại sao các với này",
}
_SMALL = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_VOTES: dict[str, tuple[str, ...]] = {}
for _language, _words in _SMALL_WORDS.items():
    for _word in _words.split():
        _VOTES[_word] = (*_VOTES.get(_word, ()), _language)
_SAID_A_LOT = {
    "en": frozenset(
        {"i", "me", "my", "we", "us", "our", "you", "your", "he", "she", "it", "its", "they", "their", "them"}
        | {"this", "that", "these", "those", "can", "so", "there", "s", "get"}
        | {"should", "would", "could", "will", "shall", "many", "much", "if", "any", "some"}
    ),
    "zh": frozenset("的了是在有我你他她它们和与就也都要会能这那个把被对吧啊"),
}
"""As small, but no sign of the language: other languages write them, too, or a name does."""
_LATIN_WORD = re.compile(r"[^\W\d_]+")


def small_words(language: str) -> frozenset[str]:
    """Words that every text of this language is full of; empty where nobody taught us its words."""
    return _SMALL.get(language, frozenset())


def is_small(word: str, language: str) -> bool:
    """Does this word say next to nothing by itself? In lower case; Chinese by its signs, simplified."""
    return word in small_words(language) or word in _SAID_A_LOT.get(language, ())


def base_language(code: str) -> str:
    """`zh-Hant-TW` and `ZH_tw` are both `zh`; Mandarin and Cantonese are written alike."""
    base = re.split(r"[-_]", code.strip().lower(), maxsplit=1)[0]
    return {"yue": "zh", "cmn": "zh", "nb": "no", "nn": "no", "": UNDETERMINED}.get(base, base)


@lru_cache(maxsize=50_000)
def script_of(text: str) -> Script:
    """The script that carries most of the text; a sign that is a whole syllable counts for several letters."""
    shares = {
        script: len(pattern.findall(text)) * (_LETTERS_A_WIDE_SIGN_IS_WORTH if script in _WIDE else 1)
        for script, pattern in _PATTERNS.items()
    }
    if shares[Script.KANA] and shares[Script.KANA] * 10 >= shares[Script.HAN]:
        shares[Script.KANA] += shares[Script.HAN]
    best = max(shares, key=lambda script: shares[script])
    return best if shares[best] else Script.NONE


@lru_cache(maxsize=50_000)
def guess_language(text: str) -> str:
    """BCP 47; `und` where nothing speaks for one language above the others."""
    script = script_of(text)
    if script is not Script.LATIN:
        return _ONE_LANGUAGE.get(script, UNDETERMINED)
    votes: dict[str, float] = {}
    for word in _LATIN_WORD.findall(text.lower()):
        speakers = _VOTES.get(word, ())
        for language in speakers:
            votes[language] = votes.get(language, 0.0) + 1.0 / len(speakers)
    ranked = sorted(votes, key=lambda language: -votes[language])
    if not ranked or (len(ranked) > 1 and votes[ranked[0]] == votes[ranked[1]]):
        return UNDETERMINED
    return ranked[0]


def language_of(text: str, told: str) -> str:
    """What was told, unless nothing was, or the letters say that it cannot be (Chinese signs told to be English)."""
    told = base_language(told)
    guess = guess_language(text)
    if told == UNDETERMINED:
        return guess
    impossible = told in _NOT_LATIN and script_of(text) is Script.LATIN
    impossible |= told not in _NOT_LATIN and guess in _NOT_LATIN
    return guess if impossible else told


_NOT_LATIN = frozenset(_ONE_LANGUAGE.values())


def knows(languages: frozenset[str] | None, language: str) -> bool:
    """May this embedder speak about a text of this language? None: a multilingual one.

    A text in no particular language gets the benefit of the doubt.
    """
    if languages is None or language == UNDETERMINED:
        return True
    return language in _bases(languages)


def can_read(languages: frozenset[str] | None, text: str) -> bool:
    """Is the text written in the letters of a language that this embedder knows?"""
    return languages is None or script_of(text) in {_SCRIPT_OF.get(each, Script.LATIN) for each in _bases(languages)}


_SCRIPT_OF = {language: script for script, language in _ONE_LANGUAGE.items()}


@lru_cache(maxsize=64)
def _bases(languages: frozenset[str]) -> frozenset[str]:
    return frozenset(map(base_language, languages))
