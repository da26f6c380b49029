"""How words sound, so that a misheard word still meets the one that was meant.

Latin letters: 4-grams over the unbroken metaphone string, because recognisers break words elsewhere than people do.
Chinese: pinyin with the syllables that are mixed up folded together. A second channel, never one alone (FINDING).
"""

import unicodedata
from functools import lru_cache
from itertools import pairwise

import jellyfish

GRAM = 4
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"))
_LETTER_NAMES = {
    "a": "ay", "b": "bee", "c": "see", "d": "dee", "e": "ee", "f": "eff",
    "g": "jee", "h": "aitch", "i": "eye", "j": "jay", "k": "kay", "l": "ell",
    "m": "em", "n": "en", "o": "oh", "p": "pee", "q": "kyu", "r": "ar",
    "s": "ess", "t": "tee", "u": "yu", "v": "vee", "w": "doubleyu", "x": "ex",
    "y": "why", "z": "zee",
}  # fmt: skip


def latin_sounds(words: list[str]) -> list[str]:
    """4-grams over all words' metaphones run together."""
    unbroken = "".join(map(_metaphone, words))
    if len(unbroken) <= GRAM:
        return [unbroken] if unbroken else []
    return [unbroken[at : at + GRAM] for at in range(len(unbroken) - GRAM + 1)]


def han_sounds(signs: str) -> list[str]:
    """One and two fuzzy syllables at a time; no token holds a space, where an index would split it."""
    syllables = [_fuzzy_pinyin(sign) for sign in signs]
    return syllables + [f"{first}_{second}" for first, second in pairwise(syllables)]


def spelled(acronym: str) -> str:
    """`nfl` as its letters are called, so that "en eff ell" heard as other words still sounds like it."""
    return "".join(_LETTER_NAMES.get(letter, letter) for letter in acronym)


@lru_cache(maxsize=200_000)
def _metaphone(word: str) -> str:
    plain = unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode()
    return str(jellyfish.metaphone(plain)).replace(" ", "")


@lru_cache(maxsize=30_000)
def _fuzzy_pinyin(sign: str) -> str:
    import pypinyin  # a third of a second for its dictionary: who reads Latin letters alone does not wait for it

    syllable = str(pypinyin.lazy_pinyin(sign)[0])
    for retroflex, flat in _INITIALS:
        syllable = syllable.replace(retroflex, flat)
    if syllable.startswith("n"):
        syllable = "l" + syllable[1:]
    return syllable.removesuffix("g") if syllable.endswith("ng") else syllable
