"""Which topic each group of questions is, and who changes to it. Knows rows and numbers, no texts.

A topic is a number from 0; ALONE is no topic. Groups are made anew each time, from all that is known by then: each
topic goes on in the group that holds most of it, or in the groups of those that a person put there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.topics.asked_text import FloatArray

Numbers = NDArray[np.int64]
ALONE = -1
NEAREST = 5
"""So many speak for each of two topics that a person keeps apart though they are alike."""


@dataclass(frozen=True, slots=True)
class Log:
    """`rows`: float32, shape (n, some), as alike as their dot products; `topics`: int64, shape (n,), ALONE where there
    is none yet; `settled`: bool, shape (n,), by a person; `ours`: bool, shape (n,), who may get a topic or another;
    `counts`: int64, shape (n,), questions that a row stands for."""

    rows: FloatArray
    topics: Numbers
    settled: NDArray[np.bool_]
    ours: NDArray[np.bool_]
    counts: Numbers

    @property
    def waiting(self) -> NDArray[np.bool_]:
        return np.asarray(self.ours & (self.topics == ALONE))


def grown(log: Log, groups: Sequence[Numbers], *, fewest: int, moving: float) -> Numbers:
    """The topic of each row: shape (n,); numbers that no row had are new topics, of at least `fewest` questions.

    `groups`: the rows of each, in no two groups; `moving`: the share of the questions with a topic that may change.
    """
    owners = _owners(log, groups)
    topics = log.topics.copy()
    first_new = int(log.topics.max(initial=ALONE)) + 1
    left = moving * _questions(log, log.topics != ALONE)
    for move in _moves(log, groups, owners):
        if move.questions > left:
            continue
        if move.group is None:
            topics[move.rows] = ALONE
        elif owners[move.group]:
            topics[move.rows] = _nearest(log, move.rows, groups[move.group], owners[move.group])
        elif move.questions + move.waiting >= fewest:
            topics[move.rows] = first_new + move.group
        else:
            continue
        left -= move.questions
    for number, group in enumerate(groups):
        new = group[log.waiting[group]]
        if owners[number]:
            topics[new] = _nearest(log, new, group, owners[number])
        elif (topics[group] == first_new + number).any() or _questions(log, new) >= fewest:
            topics[new] = first_new + number
        else:
            topics[new] = _most_of(log, group)
    return topics


def _owners(log: Log, groups: Sequence[Numbers]) -> list[list[int]]:
    """The topics that each group goes on as: those that a person put something there of, and the one with most there.

    A topic has most in one group alone, unless a person had a hand in it and made it of several. None where each topic
    of the group has more elsewhere.
    """
    held: list[list[int]] = [np.unique(log.topics[group[log.settled[group]]]).tolist() for group in groups]
    of_people = {topic for topics in held for topic in topics}
    parts = [
        (-_questions(log, group[log.topics[group] == topic]), number, topic)
        for number, group in enumerate(groups)
        for topic in np.unique(log.topics[group]).tolist()
        if topic != ALONE
    ]
    chosen: dict[int, int] = {}
    for _, number, topic in sorted(parts):
        if number not in chosen and (topic in of_people or topic not in chosen.values()):
            chosen[number] = topic
    return [sorted({*held[number], *([chosen[number]] if number in chosen else [])}) for number in range(len(groups))]


@dataclass(frozen=True, slots=True)
class _Move:
    """Rows of one topic that would be better off in a group of another, or in none. `waiting`: questions that wait in
    that group."""

    rows: Numbers
    group: int | None
    questions: int
    waiting: int


def _moves(log: Log, groups: Sequence[Numbers], owners: Sequence[Sequence[int]]) -> list[_Move]:
    """The largest first: what belongs together moves together."""
    free = log.ours & ~log.settled & (log.topics != ALONE)
    moves = []
    for number, group in enumerate(groups):
        waiting = _questions(log, group[log.waiting[group]])
        for topic in np.unique(log.topics[group[free[group]]]).tolist():
            if topic not in owners[number]:
                rows = group[free[group] & (log.topics[group] == topic)]
                moves.append(_Move(rows, number, _questions(log, rows), waiting))
        free[group] = False
    moves += [_Move(np.array([row]), None, _questions(log, row), 0) for row in np.flatnonzero(free).tolist()]
    return sorted(moves, key=lambda move: -move.questions)


def _most_of(log: Log, group: Numbers) -> int:
    """The topic with most questions in the group; ALONE where none has any."""
    topics = [topic for topic in np.unique(log.topics[group]).tolist() if topic != ALONE]
    return max(topics, key=lambda topic: _questions(log, group[log.topics[group] == topic]), default=ALONE)


def _nearest(log: Log, new: Numbers, group: Numbers, topics: Sequence[int]) -> Numbers:
    """Of these topics the one whose nearest rows in the group are most like each new row."""
    fits = []
    for topic in topics:
        alike = log.rows[new] @ log.rows[group[log.topics[group] == topic]].T
        fits.append(np.sort(alike, axis=1)[:, -NEAREST:].mean(axis=1))
    return np.asarray(np.array(topics, np.int64)[np.argmax(fits, axis=0)])


def _questions(log: Log, rows: Numbers | NDArray[np.bool_] | int) -> int:
    return int(log.counts[rows].sum())
