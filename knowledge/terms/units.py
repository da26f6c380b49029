"""A text as runs of units: words, and single signs of Chinese and Japanese, which are written without spaces.

Punctuation ends a run, because no term goes across it. Each unit knows where it stands, so that a term is shown as it
is written.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from knowledge.finding.analysis import simplified

_SIGN = r"\u30a0-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f\u3005"
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09bc-\u09cd"
)
_UNIT = re.compile(rf"[{_SIGN}]|(?:(?![{_SIGN}\u3040-\u309f\u0e00-\u0e7f_])[\w{_MARKS}])+(?:['’](?![{_SIGN}])\w+)?")
_JOINS = re.compile(r"[\s\-\u2010\u2011]*")
_IS_SIGN = re.compile(rf"[{_SIGN}]")
_POSSESSIVE = re.compile(r"['’]s?$")
LONGEST_WORD = 40
"""Characters: what is longer is no word."""


@dataclass(frozen=True, slots=True)
class Run:
    """Units that stand next to each other. `keys`: folded; `spans`: first and last character of each in the text."""

    keys: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def folded(self, plurals: Mapping[str, str]) -> "Run":
        return Run(tuple(plurals.get(key, key) for key in self.keys), self.spans)


def runs_of(text: str) -> list[Run]:
    """`text`: in NFC. Thai and hiragana end a run: no unit there is a term's."""
    runs: list[Run] = []
    keys: list[str] = []
    spans: list[tuple[int, int]] = []
    for found in _UNIT.finditer(text):
        apart = spans and not _JOINS.fullmatch(text, spans[-1][1], found.start())
        too_long = found.end() - found.start() > LONGEST_WORD
        if keys and (apart or too_long):
            runs.append(Run(tuple(keys), tuple(spans)))
            keys, spans = [], []
        if not too_long:
            keys.append(folded(found.group()))
            spans.append(found.span())
    if keys:
        runs.append(Run(tuple(keys), tuple(spans)))
    return runs


def is_sign(unit: str) -> bool:
    return len(unit) == 1 and _IS_SIGN.match(unit) is not None


@lru_cache(maxsize=200_000)
def folded(unit: str) -> str:
    """Case, width, Chinese characters' old forms and a possessive s are no difference."""
    if is_sign(unit):
        return simplified(unit)
    return _POSSESSIVE.sub("", unicodedata.normalize("NFKC", unit).casefold()).replace("’", "'")


def plurals_in(words: Collection[str]) -> dict[str, str]:
    """Plurals whose singular is said as well: only they are safe to fold (`lens` and `process` are no plurals)."""
    known = set(words)
    found: dict[str, str] = {}
    for word in known:
        if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
            singular = next((one for one in _singulars(word) if len(one) > 2 and one in known), None)
            if singular:
                found[word] = singular
    return found


def _singulars(plural: str) -> Iterator[str]:
    yield plural[:-1]
    if plural.endswith("es"):
        yield plural[:-2]
    if plural.endswith("ies"):
        yield f"{plural[:-3]}y"
