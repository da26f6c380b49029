"""Questions grouped into topics, at once or week by week. Pure: no clock, no database, no ids of its own.

A topic never loses its id or a question that it has; new questions join it or found new topics. It may hold questions
of several kinds, most of all where a person merged two: each kind draws its own.
"""

import hashlib
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assistant.topics.asked_text import AskedText, FloatArray
from assistant.topics.growing import ALONE, Log, grown
from assistant.topics.likeness import Said, rows_of, seen_with_neighbours
from assistant.topics.linkage import linked
from knowledge.finding.languages import script_of

ALIKE = 0.6
"""So much alike, on the mean, are questions of one kind, and no less. Flat: docs/benchmarks.md."""
FEWEST_QUESTIONS = 5
"""Fewer make no topic yet, but wait for more."""


@dataclass(slots=True)
class Groups:
    """The groups made last, by what they were made of: whoever groups the same questions again, with other topics by
    then, finds them made. Made of them anew they would be the same."""

    made: "dict[bytes, _Grouped]" = field(default_factory=dict)


def grow_topics(
    asked: Sequence[AskedText], *, new_id: Callable[[], str], moving: float = 0.0, groups: Groups | None = None
) -> dict[str, str | None]:
    """Each question's topic by its id; None: it stands alone.

    Whoever has a topic keeps it, but for a share `moving` of them that may change to another topic, or to none, where
    more is known by now; what a person settled never does. The others join the topic of those they are like, or found
    one where at least FEWEST_QUESTIONS are alike. The same questions give the same groups in whatever order they come.

    `groups`: what is remembered of the last time, and then of this one.
    """
    texts = _distinct(asked)
    groups = groups or Groups()
    made: dict[bytes, _Grouped] = {}
    for part, ours in _comparable(texts):
        key = _made_of(part)
        made[key] = groups.made.get(key) or _grouped(part)
        _grow(part, ours, made[key], new_id, moving=moving)
    groups.made = made
    found = {each.id: text.topic for text in texts for each in text.asked}
    return {each.id: _kept(each, found[each.id], moving=moving) for each in asked}


def _kept(asked: AskedText, found: str | None, *, moving: float) -> str | None:
    return asked.topic if asked.topic and (asked.settled or not moving) else found


def most_typical(asked: Sequence[AskedText], askers: Mapping[str, str]) -> AskedText:
    """The question most like all the others, which names their topic; where they are of several languages or letters,
    among those that most people speak for. Everybody has one vote, shared among all that they asked, so that nobody
    names a topic by asking often or in many wordings.

    `askers`: who asked, by the question's id; what nobody asked does not count. Raises ValueError where there is none.
    """
    texts = _distinct(one for one in asked if one.id in askers)
    if not texts:
        raise ValueError("there are no questions, so none is typical")
    votes = _votes(texts, askers)
    parts = (part for part, _ in _comparable(texts))
    chosen = max(parts, key=lambda part: math.fsum(votes[text.key] for text in part))
    rows = rows_of([text.said for text in chosen])
    weights = np.array([votes[text.key] for text in chosen], np.float32)
    return chosen[int((rows @ (weights @ rows)).argmax())].asked[0]


def _votes(texts: "Iterable[_Text]", askers: Mapping[str, str]) -> dict[str, float]:
    """What each text weighs, by its key."""
    people = {text.key: {askers[one.id] for one in text.asked} for text in texts}
    wordings = Counter(person for some in people.values() for person in some)
    return {key: math.fsum(1 / wordings[person] for person in some) for key, some in people.items()}


@dataclass(slots=True)
class _Text:
    """What was asked in the same words. `asked`: by their ids; `topic`: what they have, or get."""

    key: str
    asked: list[AskedText]
    vector: FloatArray | None
    topic: str | None
    settled: bool

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def said(self) -> Said:
        return Said(self.asked[0].text, self.asked[0].language, self.vector)


def _distinct(asked: Iterable[AskedText]) -> list[_Text]:
    """Each text once: one question asked a thousand times bends no group, and takes no time."""
    same: defaultdict[str, list[AskedText]] = defaultdict(list)
    for each in sorted(asked, key=lambda each: each.id):
        same[_key(each.text)].append(each)
    return [
        _Text(key, each, _first_vector(each), _known(each), any(one.topic and one.settled for one in each))
        for key, each in sorted(same.items())
    ]


def _key(text: str) -> str:
    """Case, width, spaces and signs make no other question; a text of signs alone is what it is."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", plain)) or plain


def _first_vector(asked: Iterable[AskedText]) -> FloatArray | None:
    return next((each.vector for each in asked if each.vector is not None), None)


def _known(asked: Sequence[AskedText]) -> str | None:
    """The topic that most have; where a person settled some, the one of most of these."""
    settled = Counter(each.topic for each in asked if each.topic and each.settled)
    topics = settled or Counter(each.topic for each in asked if each.topic)
    return min(topics, key=lambda topic: (-topics[topic], topic)) if topics else None


def _comparable(texts: Sequence[_Text]) -> Iterator[tuple[list[_Text], NDArray[np.bool_]]]:
    """Texts that can be compared, and of which of them it is decided there: shape (n,).

    By vectors first; then, by words, those that have none with all that is written in the same letters.
    """
    for length in sorted({len(text.vector) for text in texts if text.vector is not None}):
        part = [text for text in texts if text.vector is not None and len(text.vector) == length]
        yield part, np.ones(len(part), np.bool_)
    for script in sorted({script_of(text.key) for text in texts if text.vector is None}):
        part = [text for text in texts if script_of(text.key) is script]
        yield part, np.array([text.vector is None for text in part])


@dataclass(frozen=True, slots=True)
class _Grouped:
    """`rows`: float32, shape (n, some), as alike as their dot products; `groups`: the rows of each, in no two."""

    rows: FloatArray
    groups: list[NDArray[np.int64]]


def _grouped(texts: Sequence[_Text]) -> _Grouped:
    """By what they say, and by which of them a person put into different topics."""
    rows = seen_with_neighbours(rows_of([text.said for text in texts]), _apart(texts))
    return _Grouped(rows, _members(linked(rows, at_least=ALIKE)))


def _apart(texts: Sequence[_Text]) -> NDArray[np.int64]:
    """Shape (n,): the topic that a person put each into, numbered as they come; ALONE of the others."""
    numbers: dict[str | None, int] = {}
    settled = [numbers.setdefault(text.topic, len(numbers)) if text.settled else ALONE for text in texts]
    return np.array(settled, np.int64)


def _made_of(texts: Sequence[_Text]) -> bytes:
    """The same where `_grouped` would make the same."""
    digest = hashlib.sha256(_apart(texts).tobytes())
    for text in texts:
        digest.update(repr((text.said.text, text.said.language)).encode())
        digest.update(b"" if text.vector is None else text.vector.tobytes())
    return digest.digest()


def _grow(
    texts: Sequence[_Text], ours: NDArray[np.bool_], found: _Grouped, new_id: Callable[[], str], *, moving: float
) -> None:
    """Finds the topic that each group is, and gives it to those that wait and those that may move."""
    names = dict(enumerate(sorted({text.topic for text in texts if text.topic is not None})))
    numbers = {name: number for number, name in names.items()}
    topics = np.array([ALONE if text.topic is None else numbers[text.topic] for text in texts], np.int64)
    settled = np.array([text.settled for text in texts], np.bool_)
    counts = np.array([len(text) for text in texts], np.int64)
    groups = [each for each in found.groups if counts[each].sum() >= FEWEST_QUESTIONS]
    log = Log(found.rows, topics, settled, ours, counts)
    for text, number in zip(texts, grown(log, groups, fewest=FEWEST_QUESTIONS, moving=moving).tolist(), strict=True):
        if number != ALONE and number not in names:
            names[number] = new_id()
        text.topic = names.get(number)


def _members(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1) if len(groups) else []
