"""Whether two questions ask the same: by the meaning of their vectors where both have one, else by their letters."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assistant.questions.vectors import QuestionVector
from knowledge.finding.analysis import simplified

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Nearness:
    """The least that is taken for alike. `cosine`: of vectors; `dice`: of pairs of letters, where vectors are missing.

    `same_numbers`: "the form for 2019" is not "the form for 2020", however near the two are.
    """

    cosine: float
    dice: float
    same_numbers: bool


SAME = Nearness(cosine=0.90, dice=0.90, same_numbers=True)
"""One answer serves both. Measured with all-MiniLM-L6-v2, nearest neighbours at 0.90 and above: 99 % of the same intent
in a log of banking and everyday questions, 100 % and 86 % about the same paragraph in spoken and in written questions
on encyclopaedia articles, which are made to differ in a detail."""

NEAR = Nearness(cosine=0.80, dice=0.70, same_numbers=False)
"""One trainer should see both together: 98 % (0.80) and 95 % (dice 0.70) of the same intent in that log."""


@dataclass(frozen=True)
class Wording:
    """A question as it is compared. `vector`: None where its language is not embedded, or nobody has yet."""

    text: str
    vector: QuestionVector | None = None

    @cached_property
    def letters(self) -> str:
        """Without case, accents of width, punctuation and spaces; Chinese in simplified script."""
        folded = simplified(unicodedata.normalize("NFKC", self.text).casefold())
        return "".join(letter for letter in folded if letter.isalnum())

    @cached_property
    def pairs(self) -> Counter[str]:
        return Counter(a + b for a, b in zip(self.letters, self.letters[1:], strict=False))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        return tuple(sorted(_NUMBER.findall(unicodedata.normalize("NFKC", self.text))))


def likenesses(one: Wording, others: Sequence[Wording], nearness: Nearness) -> NDArray[np.float32]:
    """For each of the others how alike they are, in [0, 1]; 0 where that is less than `nearness` asks for."""
    likeness = np.zeros(len(others), np.float32)
    with_vectors = [
        at
        for at, other in enumerate(others)
        if one.vector is not None and other.vector is not None and other.vector.digest == one.vector.digest
    ]
    if with_vectors and one.vector is not None:
        rows = np.stack([vector.values for at in with_vectors if (vector := others[at].vector) is not None])
        cosines = np.clip(rows @ one.vector.values, 0.0, 1.0)
        likeness[with_vectors] = np.where(cosines >= nearness.cosine, cosines, 0.0)
    compared = set(with_vectors)
    for at, other in enumerate(others):
        if one.letters and one.letters == other.letters:
            likeness[at] = 1.0
        elif at not in compared and (dice := _dice(one, other, nearness.dice)) >= nearness.dice:
            likeness[at] = dice
        if nearness.same_numbers and likeness[at] and one.numbers != other.numbers:
            likeness[at] = 0.0
    return likeness


def _dice(one: Wording, other: Wording, least: float) -> float:
    """Sørensen–Dice over pairs of letters; 0 where their lengths alone keep it under the least that counts."""
    shorter, longer = sorted((max(len(one.letters) - 1, 0), max(len(other.letters) - 1, 0)))
    if not shorter or 2 * shorter < least * (shorter + longer):
        return 0.0
    return 2 * (one.pairs & other.pairs).total() / (shorter + longer)
