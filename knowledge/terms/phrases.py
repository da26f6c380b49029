"""Terms in languages that put spaces between words: runs of one to four words, found without a tagger.

What makes one: it neither begins nor ends with a word that names nothing; it is said far more often than English says
its words (where it is English); its words belong together; it stands where nouns stand. What is mostly part of a longer
term counts for little by itself, as in C-value (Frantzi and Ananiadou 2000).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from knowledge.terms.small_words import before_a_noun, before_a_verb, is_bare, may_join
from knowledge.terms.term_map import EnglishFrequency
from knowledge.terms.units import Run, is_sign

Phrase = tuple[str, ...]

LONGEST = 4
FEWEST_SEGMENTS = 2
"""What a recogniser makes up once is not a term."""
_LEAST_RARITY = 1.6
"""Natural log: five times as often as English has it."""
_MOST_RARITY = 6.0
_LEAST_BOUND = 0.3
"""Normalised PMI of a phrase's words: below it they meet by chance."""
_LEAST_NOUN = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    phrase: Phrase
    score: float


@dataclass(frozen=True, slots=True)
class Line:
    """A segment as runs of folded units, in its language (the base of its BCP 47 code)."""

    runs: tuple[Run, ...]
    language: str


def word_terms(lines: Sequence[Line], frequency: EnglishFrequency) -> list[Candidate]:
    """Those that are terms, in no order."""
    words = Counter(key for line in lines for run in line.runs for key in run.keys)
    total = sum(words.values())
    counts, segments = _count(lines, words)
    contexts = _contexts(lines, counts)
    kept = {
        phrase: times
        for phrase, times in counts.items()
        if segments[phrase] >= FEWEST_SEGMENTS
        and _is_bound(phrase, times, words, total)
        and contexts.get(phrase, 1.0) >= _LEAST_NOUN
    }
    weights = {phrase: _rarity(phrase, words, total, frequency) for phrase in kept}
    alone = standing_alone(kept)
    return [
        Candidate(phrase, math.log2(1 + len(phrase)) * alone[phrase] * (weight / _MOST_RARITY) ** 2)
        for phrase, weight in weights.items()
        if weight >= _LEAST_RARITY and alone[phrase] >= FEWEST_SEGMENTS
    ]


def _count(lines: Sequence[Line], words: Mapping[str, int]) -> tuple[Counter[Phrase], Counter[Phrase]]:
    counts: Counter[Phrase] = Counter()
    segments: Counter[Phrase] = Counter()
    for line in lines:
        here = list(_phrases(line, words))
        counts.update(here)
        segments.update(set(here))
    return counts, segments


def _phrases(line: Line, words: Mapping[str, int]) -> Iterator[Phrase]:
    for run in line.runs:
        keys = run.keys
        kinds = [_kind(key, line.language, words) for key in keys]
        for first, kind in enumerate(kinds):
            if kind != "term":
                continue
            for last in range(first, min(first + LONGEST, len(keys))):
                if kinds[last] == "none":
                    break
                if kinds[last] == "term" or (kinds[last] == "number" and last > first):
                    yield keys[first : last + 1]


def _kind(key: str, language: str, words: Mapping[str, int]) -> str:
    """none: ends what goes before it; join: only between words; number: not at the start; term: anywhere."""
    if may_join(key, language):
        return "join"
    if is_sign(key) or words[key] < FEWEST_SEGMENTS or is_bare(key, language) or (len(key) < 2 and not key.isupper()):
        return "none"
    return "number" if key[0].isdigit() else "term"


def _contexts(lines: Sequence[Line], counts: Mapping[Phrase, int]) -> dict[Phrase, float]:
    """How much each word stands where nouns stand, by the word before it: 0 to 1. English alone is known so well."""
    noun: Counter[str] = Counter()
    verb: Counter[str] = Counter()
    for line in lines:
        if line.language in ("en", "und"):
            for run in line.runs:
                for before, key in pairwise(run.keys):
                    noun[key] += before_a_noun(before)
                    verb[key] += before_a_verb(before)
    share = {key: (noun[key] + 1) / (noun[key] + verb[key] + 1) for key in noun.keys() | verb.keys()}
    return {phrase: min(share.get(phrase[0], 1.0), share.get(phrase[-1], 1.0)) for phrase in counts}


def _is_bound(phrase: Phrase, times: int, words: Mapping[str, int], total: int) -> bool:
    if len(phrase) == 1:
        return True
    expected = sum(math.log(words[key] / total) for key in phrase)
    together = math.log(times / total)
    return (together - expected) / (-together * (len(phrase) - 1)) >= _LEAST_BOUND


def _rarity(phrase: Phrase, words: Mapping[str, int], total: int, frequency: EnglishFrequency) -> float:
    own = [key for key in phrase if not key.isdigit() and len(key) > 2] or list(phrase)
    told = [min(_MOST_RARITY, max(0.0, math.log(words[key] / total) - frequency(key))) for key in own]
    return sum(told) / len(told)


def standing_alone(counts: Mapping[Phrase, int]) -> dict[Phrase, int]:
    """How often each is said, less how often inside the longer one that it is most often a part of."""
    inside: dict[Phrase, int] = defaultdict(int)
    for phrase, times in counts.items():
        for length in range(1, len(phrase)):
            for first in range(len(phrase) - length + 1):
                part = phrase[first : first + length]
                inside[part] = max(inside[part], times)
    return {phrase: times - inside.get(phrase, 0) for phrase, times in counts.items()}
