"""The rules of waiting, by the thousand and without a process."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assistant.engine.client import Priority
from assistant.engine.lanes import DeadlinePassed, LaneLimits, Lanes, Ticket, is_kept_for_questions
from assistant.errors import Busy

NOW = 100.0
ROOMY = LaneLimits()


def ticket(id_: int, priority: Priority = Priority.INDEX, *, size: int = 1, deadline_at: float | None = None) -> Ticket:
    return Ticket(id_, priority, size, deadline_at)


def taken(lanes: Lanes, child: int) -> int | None:
    given = lanes.take(child, now=NOW)
    return given.id if given else None


def test_a_question_overtakes_all_indexing() -> None:
    lanes = Lanes(ROOMY, children=1)
    for number in range(30):
        lanes.admit(ticket(number), now=NOW)
    lanes.admit(ticket(99, Priority.QUESTION), now=NOW)
    assert [taken(lanes, 0) for _ in range(3)] == [99, 0, 1]


def test_with_two_children_the_first_serves_questions_only() -> None:
    lanes = Lanes(ROOMY, children=2)
    lanes.admit(ticket(1), now=NOW)
    assert taken(lanes, 0) is None
    assert taken(lanes, 1) == 1
    lanes.admit(ticket(2, Priority.QUESTION), now=NOW)
    assert taken(lanes, 0) == 2


def test_a_lone_child_serves_both() -> None:
    lanes = Lanes(ROOMY, children=1)
    lanes.admit(ticket(1), now=NOW)
    assert taken(lanes, 0) == 1


def test_what_fits_goes_along_in_order_and_of_the_same_lane() -> None:
    lanes = Lanes(ROOMY, children=1)
    for number, size in enumerate((3, 2, 4, 1)):
        lanes.admit(ticket(number, size=size), now=NOW)
    lanes.admit(ticket(9, size=1, deadline_at=NOW + 1), now=NOW)
    first = lanes.take(0, now=NOW)
    assert first is not None
    assert [each.id for each in lanes.take_along(first, most_bytes=5, now=NOW)] == [1]
    assert lanes.running == 2
    third = lanes.take(0, now=NOW)
    assert third is not None
    assert [each.id for each in lanes.take_along(third, most_bytes=50, now=NOW + 2)] == [3]
    assert lanes.waiting(Priority.INDEX) == 0


def test_work_that_a_child_died_over_goes_alone() -> None:
    lanes = Lanes(ROOMY, children=1)
    for number in range(3):
        lanes.admit(ticket(number), now=NOW)
    first = lanes.take(0, now=NOW)
    assert first is not None
    along = lanes.take_along(first, most_bytes=50, now=NOW)
    for each in reversed([first, *along]):
        assert lanes.died(each.id)
    order = []
    while (again := lanes.take(0, now=NOW)) is not None:
        assert lanes.take_along(again, most_bytes=50, now=NOW) == []
        order.append(again.id)
    assert order == [0, 1, 2]


def test_too_many_are_turned_away_and_told_when_to_come_back() -> None:
    lanes = Lanes(LaneLimits(index=3), children=2)
    for number in range(3):
        lanes.admit(ticket(number), now=NOW)
    with pytest.raises(Busy) as refused:
        lanes.admit(ticket(3), now=NOW)
    assert refused.value.retry_after_s >= 1
    lanes.admit(ticket(4, Priority.QUESTION), now=NOW)


def test_too_many_bytes_are_turned_away() -> None:
    lanes = Lanes(LaneLimits(index_bytes=100), children=2)
    lanes.admit(ticket(1, size=60), now=NOW)
    with pytest.raises(Busy):
        lanes.admit(ticket(2, size=60), now=NOW)
    lanes.admit(ticket(3, size=40), now=NOW)


def test_a_piece_of_something_admitted_is_never_turned_away() -> None:
    lanes = Lanes(LaneLimits(index=1), children=2)
    for number in range(5):
        lanes.admit(ticket(number), now=NOW, counted=False)
    assert lanes.waiting(Priority.INDEX) == 5


def test_late_work_is_refused_and_work_that_became_late_is_not_handed_out() -> None:
    lanes = Lanes(ROOMY, children=1)
    with pytest.raises(DeadlinePassed):
        lanes.admit(ticket(1, deadline_at=NOW), now=NOW)
    lanes.admit(ticket(2, deadline_at=NOW + 1), now=NOW)
    lanes.admit(ticket(3), now=NOW)
    late = lanes.take(0, now=NOW + 1)
    assert late is not None
    assert late.id == 3


def test_work_of_a_dead_child_waits_at_the_front() -> None:
    lanes = Lanes(ROOMY, children=2)
    for number in range(3):
        lanes.admit(ticket(number), now=NOW)
    assert taken(lanes, 1) == 0
    assert lanes.died(0)
    assert [taken(lanes, 1) for _ in range(2)] == [0, 1]


def test_work_that_takes_children_with_it_is_out_after_so_many() -> None:
    lanes = Lanes(LaneLimits(deaths=3), children=1)
    lanes.admit(ticket(7), now=NOW)
    for again in (True, True, False):
        assert taken(lanes, 0) == 7
        assert lanes.died(7) is again
    assert taken(lanes, 0) is None


def test_work_nobody_waits_for_is_dropped_with_its_child() -> None:
    lanes = Lanes(ROOMY, children=1)
    lanes.admit(ticket(7), now=NOW)
    assert taken(lanes, 0) == 7
    assert not lanes.died(7, wanted=False)
    assert lanes.running == lanes.waiting(Priority.INDEX) == 0


@given(st.integers(2, 16))
def test_one_child_and_no_more_is_kept_for_questions(children: int) -> None:
    assert [is_kept_for_questions(child, children) for child in range(children)] == [True] + [False] * (children - 1)


@dataclass
class Fate:
    """What became of every id, seen from outside."""

    waiting: set[int] = field(default_factory=set)
    running: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)


class AnyOrder(RuleBasedStateMachine):
    """Clips come, children take them, finish, die and are free again, callers leave, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.children = 3
        self.limits = LaneLimits(questions=4, index=4, question_bytes=40, index_bytes=40, deaths=2)
        self.lanes = Lanes(self.limits, children=self.children)
        self.tickets: dict[int, Ticket] = {}
        self.fate = Fate()
        self.now = 0.0

    @rule(
        priority=st.sampled_from(Priority),
        size=st.integers(1, 20),
        after=st.none() | st.floats(0.1, 5, allow_nan=False),
    )
    def come(self, priority: Priority, size: int, after: float | None) -> None:
        new = Ticket(len(self.tickets), priority, size, None if after is None else self.now + after)
        self.tickets[new.id] = new
        try:
            self.lanes.admit(new, now=self.now)
            self.fate.waiting.add(new.id)
        except Busy:
            self.fate.gone.add(new.id)

    @rule(child=st.integers(0, 2))
    def take(self, child: int) -> None:
        if child in self.fate.running.values():
            return
        questions_wait = [
            id_
            for id_ in self.fate.waiting
            if self.tickets[id_].priority is Priority.QUESTION and not self.tickets[id_].expired(self.now)
        ]
        given_out = self.lanes.take(child, now=self.now)
        late = {id_ for id_ in self.fate.waiting if self._dropped(id_)}
        self.fate.waiting -= late
        self.fate.gone |= late
        if given_out is None:
            assert not questions_wait
            return
        assert not given_out.expired(self.now)
        assert given_out.priority is Priority.QUESTION or not questions_wait
        self.fate.waiting.discard(given_out.id)
        assert given_out.id not in self.fate.gone
        assert given_out.id not in self.fate.running
        self.fate.running[given_out.id] = child

    def _dropped(self, id_: int) -> bool:
        return self.tickets[id_].expired(self.now)

    @precondition(lambda self: self.fate.running)
    @rule(data=st.data(), dies=st.booleans(), wanted=st.booleans())
    def end(self, data: st.DataObject, dies: bool, wanted: bool) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.fate.running)))
        del self.fate.running[id_]
        if dies and self.lanes.died(id_, wanted=wanted):
            assert wanted
            self.fate.waiting.add(id_)
            return
        self.lanes.finish(id_)
        self.fate.gone.add(id_)

    @precondition(lambda self: self.fate.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.fate.waiting)))
        self.lanes.cancel(id_)
        self.fate.waiting.discard(id_)
        self.fate.gone.add(id_)

    @rule(seconds=st.floats(0.1, 3, allow_nan=False))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def one_child_is_free_of_indexing(self) -> None:
        indexing = [child for id_, child in self.fate.running.items() if self.tickets[id_].priority is Priority.INDEX]
        assert len(indexing) <= self.children - 1
        assert 0 not in indexing

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        held = sum(self.lanes.waiting(priority) for priority in Priority)
        fresh = {id_ for id_ in self.fate.waiting if not self._dropped(id_)}
        assert len(fresh) <= held <= len(self.fate.waiting) + len(self.fate.gone)
        assert self.lanes.running == len(self.fate.running)


TestAnyOrder = AnyOrder.TestCase
