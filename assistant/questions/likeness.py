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

    @property
    def digest(self) -> str | None:
        """Of the embedder that made its vector; None without one."""
        return None if self.vector is None else self.vector.digest

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


class Wordings:
    """Many wordings, laid out to compare one with all of them: 20,000 in a few milliseconds where both have vectors."""

    def __init__(self, wordings: Sequence[Wording]) -> None:
        self._wordings = wordings
        self._at_letters: dict[str, list[int]] = {}
        embedded: dict[str, list[tuple[int, QuestionVector]]] = {}
        for at, each in enumerate(wordings):
            self._at_letters.setdefault(each.letters, []).append(at)
            if each.vector is not None:
                embedded.setdefault(each.vector.digest, []).append((at, each.vector))
        self._lengths = np.array([len(each.letters) for each in wordings], np.int64)
        self._vectors = {
            digest: (np.array([at for at, _ in rows]), np.stack([vector.values for _, vector in rows]))
            for digest, rows in embedded.items()
        }

    def likenesses(self, one: Wording, nearness: Nearness) -> NDArray[np.float32]:
        """For each how alike it is to this one, in [0, 1]; 0 where that is less than `nearness` asks for."""
        likeness = np.zeros(len(self._wordings), np.float32)
        by_letters = np.ones(len(self._wordings), np.bool_)
        if one.vector is not None and one.vector.digest in self._vectors:
            at, rows = self._vectors[one.vector.digest]
            cosines = np.clip(rows @ one.vector.values, 0.0, 1.0)
            likeness[at] = np.where(cosines >= nearness.cosine, cosines, 0.0)
            by_letters[at] = False
        for each in self._of_like_length(one, nearness.dice, by_letters):
            dice = _dice(one, self._wordings[each])
            likeness[each] = dice if dice >= nearness.dice else 0.0
        if one.letters:
            likeness[self._at_letters.get(one.letters, [])] = 1.0
        if nearness.same_numbers:
            for each in np.flatnonzero(likeness).tolist():
                if self._wordings[each].numbers != one.numbers:
                    likeness[each] = 0.0
        return likeness

    def _of_like_length(self, one: Wording, least: float, among: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Those whose lengths alone do not keep their dice under the least that counts."""
        own = len(one.letters) - 1
        if own < 1:
            return np.empty(0, np.intp)
        others = np.maximum(self._lengths - 1, 0)
        return np.flatnonzero(among & (2 * np.minimum(others, own) >= least * (others + own)))


def likenesses(one: Wording, others: Sequence[Wording], nearness: Nearness) -> NDArray[np.float32]:
    """`Wordings.likenesses` with wordings that are compared once."""
    return Wordings(others).likenesses(one, nearness)


def _dice(one: Wording, other: Wording) -> float:
    """Sørensen–Dice over pairs of letters; both have two letters or more."""
    return 2 * (one.pairs & other.pairs).total() / (len(one.letters) + len(other.letters) - 2)
