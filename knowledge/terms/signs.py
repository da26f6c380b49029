"""Terms in Chinese and Japanese: runs of two to six signs, found without a dictionary.

What makes one: its signs come together far more often than by chance, however it is cut in two; what stands before and
after it varies (branching entropy), so that it is no piece of a longer word; it neither begins nor ends with a sign
that only joins. A word in Latin letters counts as one sign, so that `Transformer模型` is found whole.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from knowledge.terms.phrases import Candidate, Line, Phrase, standing_alone
from knowledge.terms.small_words import bounds_chinese, is_bare_chinese, is_in_no_chinese_term
from knowledge.terms.units import is_sign

LONGEST = 6
_LEAST_BOUND = 0.35
"""Normalised PMI of the two parts, 1 where neither is ever said without the other."""
_LEAST_ENTROPY = 0.9
_FEWEST = 3


def sign_terms(lines: Sequence[Line]) -> list[Candidate]:
    counts = _count(lines)
    total = sum(times for phrase, times in counts.items() if len(phrase) == 1)
    likely = {
        phrase
        for phrase, times in counts.items()
        if len(phrase) > 1 and times >= _FEWEST and _may_be(phrase) and _bound(phrase, counts, total) >= _LEAST_BOUND
    }
    entropy = _entropies(lines, likely)
    kept = {phrase: counts[phrase] for phrase in likely if entropy[phrase] >= _LEAST_ENTROPY}
    alone = standing_alone(kept)
    return [
        Candidate(phrase, math.log2(len(phrase)) * alone[phrase] * min(1.0, entropy[phrase] / 3))
        for phrase in kept
        if alone[phrase] >= 2
    ]


def _stretches(lines: Sequence[Line]) -> Iterator[Phrase]:
    """Runs without the signs that are in no term, where any Chinese sign is in them."""
    for line in lines:
        for run in line.runs:
            start = 0
            for at, key in enumerate((*run.keys, "的")):
                if is_in_no_chinese_term(key):
                    if at - start > 0 and any(is_sign(each) for each in run.keys[start:at]):
                        yield run.keys[start:at]
                    start = at + 1


def _count(lines: Sequence[Line]) -> Counter[Phrase]:
    """Of each length those only whose beginning is said often enough."""
    counts: Counter[Phrase] = Counter()
    stretches = list(_stretches(lines))
    for length in range(1, LONGEST + 1):
        longer: Counter[Phrase] = Counter()
        for stretch in stretches:
            longer.update(
                stretch[first : first + length]
                for first in range(len(stretch) - length + 1)
                if length < 3 or counts[stretch[first : first + length - 1]] >= _FEWEST
            )
        counts.update(longer)
    return counts


def _may_be(phrase: Phrase) -> bool:
    text = "".join(phrase)
    return any(map(is_sign, phrase)) and bounds_chinese(text) and not is_bare_chinese(text) and not text.isdigit()


def _bound(phrase: Phrase, counts: Mapping[Phrase, int], total: int) -> float:
    """Normalised PMI of its weakest place to be cut."""
    parts = ((counts[phrase[:cut]], counts[phrase[cut:]]) for cut in range(1, len(phrase)))
    weakest = min(counts[phrase] * total / (one * other) if one and other else 1.0 for one, other in parts)
    return math.log(weakest) / math.log(total / counts[phrase]) if total > counts[phrase] else 1.0


def _entropies(lines: Sequence[Line], likely: set[Phrase]) -> dict[Phrase, float]:
    """The lower one of what stands before and what stands after; each end of a run is a neighbour of its own."""
    before: dict[Phrase, Counter[str]] = defaultdict(Counter)
    after: dict[Phrase, Counter[str]] = defaultdict(Counter)
    ends = 0
    for line in lines:
        for run in line.runs:
            keys = run.keys
            for first in range(len(keys)):
                for last in range(first + 2, min(first + LONGEST, len(keys)) + 1):
                    phrase = keys[first:last]
                    if phrase in likely:
                        ends += 1
                        before[phrase][keys[first - 1] if first else f" {ends}"] += 1
                        after[phrase][keys[last] if last < len(keys) else f" {ends}"] += 1
    return {phrase: min(_entropy(before[phrase]), _entropy(after[phrase])) for phrase in likely}


def _entropy(neighbours: Counter[str]) -> float:
    total = sum(neighbours.values())
    return -sum(times / total * math.log(times / total) for times in neighbours.values()) if total else 0.0
