"""The values of a course's map of terms. Knows nothing of how it is drawn, or drawn up."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EnglishFrequency = Callable[[str], float]
"""Natural log of how common an English word is among all words; very low for one that nobody counted."""

_MOST_OF_A_TERM = 6


@dataclass(frozen=True, slots=True)
class Said:
    """A searchable segment, as terms are drawn from it. `ordinal`: its number in its recording's transcript."""

    recording_id: str
    ordinal: int
    start_s: float
    end_s: float
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Where a term is explained: the segment's own seconds and words. `defined`: the words say that they explain it;
    else it is where the course first speaks of it at length. `term_start`, `term_end`: the term's first character in
    `text`, and the one behind its last: what is written the same may stand there in another word, too."""

    recording_id: str
    ordinal: int
    start_s: float
    end_s: float
    text: str
    defined: bool
    term_start: int
    term_end: int


@dataclass(frozen=True, slots=True)
class Term:
    """`key`: the same however it is capitalised and in singular and plural. `text`: as it is mostly written.
    `times`: how often it is said, not counting where it is part of a longer term. `score`: compares within one map."""

    key: str
    text: str
    language: str
    times: int
    score: float
    explained: Explained


@dataclass(frozen=True, slots=True)
class Tie:
    """Two terms, by key, in order, that come together more often than by chance. `strength`: log-likelihood ratio."""

    first: str
    second: str
    times: int
    strength: float

    def __post_init__(self) -> None:
        if self.first >= self.second:
            raise ValueError(f"a tie's terms are two, in order: {self.first!r}, {self.second!r}")

    def other(self, key: str) -> str:
        return self.second if key == self.first else self.first


@dataclass(frozen=True, slots=True)
class TermMap:
    """`terms`: those that tell the course apart most first. `ties`: the strongest first."""

    terms: Sequence[Term] = ()
    ties: Sequence[Tie] = ()

    def term(self, key: str) -> Term | None:
        return next((term for term in self.terms if term.key == key), None)

    def overview(self, *, most_terms: int, most_ties: int) -> "TermMap":
        """The foremost terms, and the strongest ties between them, of no term so many that they hide the others."""
        found = self._of(self.terms[:most_terms])
        spread: list[Tie] = []
        of_a_term: Counter[str] = Counter()
        for tie in found.ties:
            if max(of_a_term[tie.first], of_a_term[tie.second]) < _MOST_OF_A_TERM:
                spread.append(tie)
                of_a_term.update((tie.first, tie.second))
        return TermMap(found.terms, tuple(spread[:most_ties]))

    def around(self, key: str, *, most_terms: int, most_ties: int) -> "TermMap":
        """A term first, then those that it is tied to, the strongest first, and the ties among them all, its own before
        the others. Empty where there is no such term."""
        own = [tie for tie in self.ties if key in (tie.first, tie.second)]
        by_key = {term.key: term for term in self.terms}
        if key not in by_key:
            return TermMap()
        keys = [key, *(tie.other(key) for tie in own)][:most_terms]
        found = self._of([by_key[each] for each in keys])
        ties = sorted(found.ties, key=lambda tie: key not in (tie.first, tie.second))
        return TermMap(found.terms, tuple(ties[:most_ties]))

    def _of(self, terms: Sequence[Term]) -> "TermMap":
        keys = {term.key for term in terms}
        between = [tie for tie in self.ties if tie.first in keys and tie.second in keys]
        return TermMap(tuple(terms), tuple(between))
