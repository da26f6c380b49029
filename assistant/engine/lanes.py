"""The rules of waiting: who goes first, who is turned away, what happens to work whose child died.

Pure of clocks, processes and HTTP: time comes in as an argument, work is known by its id alone. One `Lanes` serves
one kind of model. With two children or more the first is kept for questions, so that one serves questions whenever
one waits, however much indexing there is; every other child takes a question first and indexing when none waits.
"""

from dataclasses import dataclass, replace

from assistant.engine.client import Priority
from assistant.engine.turns import Turns
from assistant.errors import Busy

SECONDS_A_PLACE = 1.0
"""What one waiting piece of work is taken to cost when a caller is told when to come back."""
LONGEST_RETRY_AFTER_S = 30.0


class DeadlinePassed(Busy):
    """The caller's own deadline passed before the answer was there: the work is dropped."""

    kind = "deadline-passed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose work it is and how soon it is needed. `deadline_at` is on the monotonic clock; None for no deadline.

    `asker`: anything that tells one asker from another; empty where nobody is told apart.
    """

    priority: Priority = Priority.INDEX
    deadline_at: float | None = None
    asker: str = ""

    def left_s(self, now: float) -> float | None:
        return None if self.deadline_at is None else self.deadline_at - now


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How much may wait. `deaths`: how many children a piece of work may take with it before it is blamed.

    `questions_of_one`: of `questions`, how many may be one asker's.
    """

    questions: int = 64
    questions_of_one: int = 8
    question_bytes: int = 64_000_000
    index: int = 32
    index_bytes: int = 128_000_000
    deaths: int = 2

    def of(self, priority: Priority) -> tuple[int, int]:
        if priority is Priority.QUESTION:
            return self.questions, self.question_bytes
        return self.index, self.index_bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """A piece of work that waits or runs. `deadline_at` is on the caller's monotonic clock. `asker`: see Turns."""

    id: int
    priority: Priority
    size_bytes: int
    deadline_at: float | None
    asker: str = ""
    deaths: int = 0

    def expired(self, now: float) -> bool:
        return self.deadline_at is not None and now >= self.deadline_at


def is_kept_for_questions(child: int, children: int) -> bool:
    """Child 0 serves questions only, where there is another for the rest."""
    return child == 0 and children > 1


class Lanes:
    """Two queues, questions before index. What is admitted leaves once: finished, cancelled, expired or blamed."""

    def __init__(self, limits: LaneLimits, *, children: int) -> None:
        self._limits = limits
        self._children = children
        self._waiting: dict[Priority, Turns[Ticket]] = {priority: Turns() for priority in Priority}
        self._running: dict[int, Ticket] = {}

    def admit(self, ticket: Ticket, *, now: float, counted: bool = True) -> None:
        """Let the work wait. Raises Busy where its lane is full, DeadlinePassed where it is late already.

        `counted=False`: a piece of something larger that was admitted as a whole; it is never turned away.
        """
        if ticket.expired(now):
            raise DeadlinePassed("the deadline had passed when the work came in", "allow it more time")
        if counted:
            self._refuse_overflow(ticket)
        self._waiting[ticket.priority].put(ticket)

    def take(self, child: int, *, now: float, questions: bool = True) -> Ticket | None:
        """The next piece of work for a free child. Expired work is dropped, never handed out.

        `questions=False`: they are left to the child that is kept for them.
        """
        lanes = [Priority.QUESTION] if questions else []
        if not is_kept_for_questions(child, self._children):
            lanes.append(Priority.INDEX)
        for priority in lanes:
            lane = self._waiting[priority]
            while (ticket := lane.take()) is not None:
                if not ticket.expired(now):
                    self._running[ticket.id] = ticket
                    return ticket
        return None

    def take_along(self, first: Ticket, *, most_bytes: int, now: float) -> list[Ticket]:
        """More of the same lane, in order, as long as all together have `most_bytes`; they run with `first`.

        Work that a child died over goes alone: so it is blamed alone.
        """
        along: list[Ticket] = []
        lane, left = self._waiting[first.priority], most_bytes - first.size_bytes
        while (ticket := lane.first()) is not None:
            if first.deaths or ticket.deaths or ticket.size_bytes > left:
                break
            lane.take()
            if ticket.expired(now):
                continue
            self._running[ticket.id] = ticket
            along.append(ticket)
            left -= ticket.size_bytes
        return along

    def finish(self, ticket_id: int) -> None:
        self._running.pop(ticket_id, None)

    def cancel(self, ticket_id: int) -> None:
        """Nobody waits for the answer any more. Work that runs is let run; its answer is dropped."""
        for lane in self._waiting.values():
            lane.remove(ticket_id)

    def died(self, ticket_id: int, *, wanted: bool = True) -> bool:
        """The child died over this work. True: it waits again, at the front. False: it is out.

        `wanted=False`: its caller is gone, so it is dropped. Otherwise out means that it took `deaths` children.
        """
        ticket = self._running.pop(ticket_id)
        again = replace(ticket, deaths=ticket.deaths + 1)
        if not wanted or again.deaths >= self._limits.deaths:
            return False
        self._waiting[ticket.priority].put_first(again)
        return True

    def waiting(self, priority: Priority) -> int:
        return len(self._waiting[priority])

    @property
    def running(self) -> int:
        return len(self._running)

    def _refuse_overflow(self, ticket: Ticket) -> None:
        lane = self._waiting[ticket.priority]
        most, most_bytes = self._limits.of(ticket.priority)
        held = sum(waiting.size_bytes for waiting in lane)
        retry_after_s = self._retry_after_s(ticket.priority)
        if len(lane) >= most or held + ticket.size_bytes > most_bytes:
            raise Busy(f"{len(lane)} pieces of work wait already", "come back later", retry_after_s=retry_after_s)
        own = lane.of(ticket.asker)
        if ticket.asker and ticket.priority is Priority.QUESTION and own >= self._limits.questions_of_one:
            raise Busy(f"{own} questions of yours wait already", "wait for their answers", retry_after_s=retry_after_s)

    def _retry_after_s(self, priority: Priority) -> float:
        ahead = self.waiting(Priority.QUESTION)
        if priority is Priority.INDEX:
            ahead += self.waiting(Priority.INDEX)
        return min(LONGEST_RETRY_AFTER_S, max(1.0, ahead * SECONDS_A_PLACE / self._children))
