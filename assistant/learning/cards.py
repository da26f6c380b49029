"""What a recall check asks: a moment's words with one informative term hidden. Pure: words in, pieces out.

Which term, is chosen by how rarely the recording says it. Knows no database, no schedule and no person.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.finding.analysis import is_unspaced, runs_of
from knowledge.finding.languages import is_small, language_of
from knowledge.transcripts.segment import UNDETERMINED, Segment

SHORTEST_WORD = 3
LONGEST_SIGNS = 4
"""Chinese words are rarely longer."""
_LETTERS_THAT_COUNT = 9
_LETTERS_A_NUMBER_IS_WORTH = 8
_LETTERS_A_SIGN_IS_WORTH = 3
_TOLERANCE_S = 0.05


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
    told = language_of(text, language)
    terms = list(_terms(text))
    keys = dict.fromkeys(term.key for term in terms if _may_be_hidden(term.key, told))
    if not keys:
        return None
    counted = _count_spoken(spoken, frozenset(term.key for term in terms))
    best = max(keys, key=lambda key: _informs(key, counted))  # the first of equals: the same text hides the same
    return _without(text, [term for term in terms if term.key == best])


def _count_spoken(texts: Iterable[str], terms: frozenset[str]) -> Spoken:
    """Of these terms alone. Of each run of signs all that it is made of is among them."""
    holding: Counter[str] = Counter()
    said: Counter[str] = Counter()
    segments = 0
    for text in texts:
        keys = [key for run in runs_of(text) for key in _keys_of(run, terms)]
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
        apart = text and not (is_unspaced(text[-1]) and is_unspaced(part[:1]))
        text += f" {part}" if apart else part
    return text


def _terms(text: str) -> Iterator[_Term]:
    at = 0
    for run in runs_of(text):
        at = text.index(run, at)
        if is_unspaced(run):
            yield from _sign_terms(run, at)
        else:
            bare = run.strip("_'")
            inside = at + run.index(bare)
            yield _Term(inside, inside + len(bare), bare.casefold())
        at += len(run)


def _sign_terms(run: str, at: int) -> Iterator[_Term]:
    for length in range(1, LONGEST_SIGNS + 1):
        for first in range(len(run) - length + 1):
            yield _Term(at + first, at + first + length, run[first : first + length])


def _keys_of(run: str, wanted: frozenset[str]) -> Iterator[str]:
    if not is_unspaced(run):
        key = run.strip("_'").casefold()
        if key in wanted:
            yield key
        return
    for first in range(len(run)):
        for behind in range(first + 1, min(first + LONGEST_SIGNS, len(run)) + 1):
            if (key := run[first:behind]) not in wanted:
                break  # and so nothing longer that begins with it
            yield key


def _may_be_hidden(key: str, language: str) -> bool:
    if not key:
        return False
    if is_unspaced(key):
        return len(key) > 1 and not any(is_small(sign, "zh") for sign in key)
    if any(sign.isdigit() for sign in key):
        return True
    return len(key) >= SHORTEST_WORD and not is_small(key, language)


def _informs(key: str, spoken: Spoken) -> float:
    """How much is lost without it: rare, and long enough to mean something; a run of signs as far as it is a word."""
    if is_unspaced(key):
        return spoken.rarity(key) * len(key) * _LETTERS_A_SIGN_IS_WORTH * _holds_together(key, spoken)
    worth = _LETTERS_A_NUMBER_IS_WORTH if any(sign.isdigit() for sign in key) else min(len(key), _LETTERS_THAT_COUNT)
    return spoken.rarity(key) * worth


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
