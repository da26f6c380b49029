"""What a recall check asks: a moment's words with one informative term hidden. Pure: words in, pieces out.

Which term, is chosen by how rarely the recording says it. Only whole words are hidden, and runs of signs where a word
has few of them: Thai, Lao, Khmer and Burmese put no spaces between words of many letters, and a gap would cut into one.
Knows no database, no schedule and no person.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.finding.languages import is_small, language_of
from knowledge.transcripts.segment import UNDETERMINED, Segment

SHORTEST_WORD = 3
SHORTEST_HANGUL = 2
"""A Korean word is mostly two syllables, each of two or three letters."""
LONGEST_SIGNS = 4
"""Chinese words are rarely longer."""
_LETTERS_THAT_COUNT = 9
_LETTERS_A_NUMBER_IS_WORTH = 8
_LETTERS_A_SIGN_IS_WORTH = 3
_TOLERANCE_S = 0.05
_SIGN = r"\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_UNCUT = r"\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u19e0-\u19ff"
"""Thai and Lao, Burmese, Khmer."""
_MARKS = "".join(sign for sign in map(chr, range(0x300, 0xFE00)) if unicodedata.category(sign) in ("Mn", "Mc"))
"""Vowels and accents of their own: part of the word in Hindi or Arabic, though no letters by themselves."""
_JOINERS = r"\u200c\u200d"
_RUN = re.compile(
    rf"(?P<signs>[{_SIGN}]+)|[{_UNCUT}]+|"
    rf"(?P<word>(?![{_SIGN}{_UNCUT}])[\w'’](?:(?![{_SIGN}{_UNCUT}])[\w'’{_JOINERS}{_MARKS}])*)"
)
_IS_SIGN = re.compile(rf"[{_SIGN}]")
_IS_UNSPACED = re.compile(rf"[{_SIGN}{_UNCUT}]")
_IS_HANGUL = re.compile(r"[\uac00-\ud7af]+")


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """How often a recording says some terms. `segments`: how many it has; `holding`: in how many of them a term is
    said, `said`: how often in all. Terms in lower case, those of unspaced scripts as runs of 1 to LONGEST_SIGNS
    signs."""

    segments: int
    holding: Counter[str]
    said: Counter[str]

    def rarity(self, term: str) -> float:
        """Inverse document frequency, a segment a document."""
        return math.log((self.segments + 1) / (self.holding[term] + 0.5))


@dataclass(frozen=True, slots=True)
class _Term:
    start: int
    end: int
    key: str


def cloze(text: str, spoken: Iterable[str], *, language: str = UNDETERMINED) -> tuple[Piece, ...] | None:
    """The text with its most informative term hidden, wherever it stands in it; None where no term says anything.

    `spoken`: the recording's segments, of which nothing is kept and nothing is read where there is no term."""
    terms = list(_terms(text))
    keys = _hideable(text, terms, language)
    if not keys:
        return None
    counted = _count_spoken(spoken, frozenset(term.key for term in terms))
    best = max(keys, key=lambda key: _informs(key, counted))  # the first of equals: the same text hides the same
    return _without(text, [term for term in terms if term.key == best])


def has_gap(text: str, *, language: str = UNDETERMINED) -> bool:
    """Whether there is a term in it that could be hidden."""
    return bool(_hideable(text, list(_terms(text)), language))


def _hideable(text: str, terms: Sequence[_Term], language: str) -> list[str]:
    """Keys in the order in which they are said first."""
    told = language_of(text, language)
    return list(dict.fromkeys(term.key for term in terms if _may_be_hidden(term.key, told)))


def _count_spoken(texts: Iterable[str], terms: frozenset[str]) -> Spoken:
    """Of these terms alone. Of each run of signs all that it is made of is among them."""
    holding: Counter[str] = Counter()
    said: Counter[str] = Counter()
    segments = 0
    for text in texts:
        keys = [key for run in _RUN.finditer(text) for key in _keys_of(run, terms)]
        said.update(keys)
        holding.update(set(keys))
        segments += 1
    return Spoken(segments, holding, said)


def words_between(segments: Sequence[Segment], start_s: float, end_s: float) -> str:
    """What is said between two seconds: the words that were measured there, else whole segments that reach into it."""
    parts = []
    for segment in segments:
        touches = segment.start_s < end_s - _TOLERANCE_S and segment.end_s > start_s + _TOLERANCE_S
        if touches and segment.searchable:
            parts.append(_inside(segment, start_s, end_s))
    return _joined(part for part in parts if part)


def language_between(segments: Sequence[Segment]) -> str:
    """BCP 47 of the first segment that tells one."""
    return next((one.language for one in segments if one.language != UNDETERMINED), UNDETERMINED)


def _inside(segment: Segment, start_s: float, end_s: float) -> str:
    words = [word for word in segment.words if start_s <= (word.start_s + word.end_s) / 2 <= end_s]
    if not segment.words or len(words) == len(segment.words):
        return segment.text.strip()
    return _joined(word.text for word in words)


def _joined(parts: Iterable[str]) -> str:
    """With a space between, except between two signs of scripts that write none."""
    text = ""
    for part in parts:
        apart = text and not (_IS_UNSPACED.match(text[-1]) and _IS_UNSPACED.match(part))
        text += f" {part}" if apart else part
    return text


def _terms(text: str) -> Iterator[_Term]:
    for run in _RUN.finditer(text):
        if run["signs"]:
            yield from _sign_terms(run["signs"], run.start())
        elif run["word"]:
            bare = _bare(run["word"])
            start = run.start() + run["word"].index(bare)
            yield _Term(start, start + len(bare), bare.casefold())


def _bare(word: str) -> str:
    return word.strip("_'’")


def _sign_terms(run: str, at: int) -> Iterator[_Term]:
    for length in range(1, LONGEST_SIGNS + 1):
        for first in range(len(run) - length + 1):
            yield _Term(at + first, at + first + length, run[first : first + length])


def _keys_of(run: re.Match[str], wanted: frozenset[str]) -> Iterator[str]:
    if run["word"] and (word := _bare(run["word"]).casefold()) in wanted:
        yield word
    signs = run["signs"] or ""
    for first in range(len(signs)):
        for behind in range(first + 1, min(first + LONGEST_SIGNS, len(signs)) + 1):
            if (key := signs[first:behind]) not in wanted:
                break  # and so nothing longer that begins with it
            yield key


def _may_be_hidden(key: str, language: str) -> bool:
    if not key:
        return False
    if _IS_SIGN.match(key):
        return len(key) > 1 and not any(is_small(sign, "zh") for sign in key)
    if any(sign.isdigit() for sign in key):
        return True
    shortest = SHORTEST_HANGUL if _IS_HANGUL.fullmatch(key) else SHORTEST_WORD
    return len(key) >= shortest and not is_small(key, language)


def _informs(key: str, spoken: Spoken) -> float:
    """How much is lost without it: rare, and long enough to mean something; a run of signs as far as it is a word."""
    if _IS_SIGN.match(key):
        return spoken.rarity(key) * len(key) * _LETTERS_A_SIGN_IS_WORTH * _holds_together(key, spoken)
    if any(sign.isdigit() for sign in key):
        return spoken.rarity(key) * _LETTERS_A_NUMBER_IS_WORTH
    letters = len(key) * (_LETTERS_A_SIGN_IS_WORTH if _IS_HANGUL.fullmatch(key) else 1)
    return spoken.rarity(key) * min(letters, _LETTERS_THAT_COUNT)


def _holds_together(key: str, spoken: Spoken) -> float:
    """From 0 to 1: how far its signs are said with each other more than without, at their weakest seam. What is said
    once only tells nothing of that, and yields to what was said again."""
    if spoken.said[key] < 2:
        return 0.25 if len(key) == 2 else 0.1
    seams = (max(spoken.said[key[:at]], spoken.said[key[at:]], 1) for at in range(1, len(key)))
    return spoken.said[key] / max(seams)


def _without(text: str, places: Sequence[_Term]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = 0
    for place in places:
        if place.start < at:  # 哈哈哈 holds 哈哈 twice, one over the other
            continue
        pieces += [Piece(text[at : place.start], False), Piece(text[place.start : place.end], True)]
        at = place.end
    pieces.append(Piece(text[at:], False))
    return tuple(piece for piece in pieces if piece.text)
