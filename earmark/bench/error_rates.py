"""Word and character error rates. Pure; knows no recogniser and no files.

Before counting, reference and transcript are made alike (`normalised`):
- Unicode NFKC, lower case, typographic apostrophes as plain ones;
- English numbers in words (`9001`: nine thousand one; `1984`: nineteen eighty four; `3rd`, `5 %`, `$5`); `and` behind
  hundred, thousand and million goes, since both ways are said; in other languages figures stay as they are;
- punctuation goes, apostrophes inside words stay; accents stay except in English;
- a hyphen separates words.
Chinese, Japanese and Thai write no spaces: each character counts as a word, and traditional characters are not made
simplified. CER counts the characters of the normalised words without spaces.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jiwer

from assistant.recognising.spoken_forms import spoken_words

ENGLISH = "en"
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w\u0300-\u036f])+(?:'(?:(?![{_UNSPACED}])\w)+)*")

_AND_IN_NUMBERS = re.compile(r"\b(hundred|thousand|million)[\s,]+and\s+")


@dataclass(frozen=True, slots=True)
class Errors:
    """Counted over all utterances together: `rate` is errors over reference tokens, above 1 where much is invented."""

    substituted: int = 0
    deleted: int = 0
    inserted: int = 0
    reference: int = 0

    @property
    def rate(self) -> float:
        wrong = self.substituted + self.deleted + self.inserted
        return wrong / self.reference if self.reference else float(bool(wrong))

    def plus(self, other: "Errors") -> "Errors":
        return Errors(
            self.substituted + other.substituted,
            self.deleted + other.deleted,
            self.inserted + other.inserted,
            self.reference + other.reference,
        )


def normalised(text: str, language: str) -> list[str]:
    """The words that are compared; characters where a language writes no spaces."""
    alike = unicodedata.normalize("NFKC", text).replace("\u2019", "'").lower()
    if language.split("-")[0] == ENGLISH:
        return spoken_words(_AND_IN_NUMBERS.sub(r"\1 ", alike))
    return _WORD.findall(alike.replace("_", " "))


def word_errors(references: Sequence[str], heard: Sequence[str], *, language: str) -> Errors:
    pairs = zip(references, heard, strict=True)
    return _summed(_errors(normalised(said, language), normalised(text, language)) for said, text in pairs)


def character_errors(references: Sequence[str], heard: Sequence[str], *, language: str) -> Errors:
    pairs = zip(references, heard, strict=True)
    return _summed(
        _errors(list("".join(normalised(said, language))), list("".join(normalised(text, language))))
        for said, text in pairs
    )


def _errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """jiwer refuses an empty reference: everything heard there is inserted."""
    if not reference:
        return Errors(inserted=len(heard))
    counted = jiwer.process_words(" ".join(reference), " ".join(heard))
    return Errors(counted.substitutions, counted.deletions, counted.insertions, len(reference))


def _summed(errors: Iterable[Errors]) -> Errors:
    total = Errors()
    for one in errors:
        total = total.plus(one)
    return total
