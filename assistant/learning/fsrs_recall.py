"""When a card is due next, by FSRS. The only file that knows the package `fsrs`."""

import datetime as dt
from collections.abc import Callable

from fsrs import Card, Scheduler, State
from fsrs import Rating as FsrsRating

from assistant.learning.memory import Memory, Phase, Rating

DESIRED_RETENTION = 0.9
SPREAD = 0.05
"""Of an interval, by which it is drawn out or in: what was learnt together does not come back all on one day."""
_SHORTEST_SPREAD = dt.timedelta(days=3)
_LONGEST = dt.timedelta(days=3650)
_A_DAY = dt.timedelta(days=1)
_STATES = {Phase.LEARNING: State.Learning, Phase.REVIEW: State.Review, Phase.RELEARNING: State.Relearning}
_PHASES = {state: phase for phase, state in _STATES.items()}
_RATINGS = {
    Rating.AGAIN: FsrsRating.Again,
    Rating.HARD: FsrsRating.Hard,
    Rating.GOOD: FsrsRating.Good,
    Rating.EASY: FsrsRating.Easy,
}


class FsrsRecall:
    """`chance` gives numbers in [0, 1) for the spreading of intervals, None for none: the package's own draws from the
    whole process's randomness, which no test could hold still. Safe to share between threads."""

    def __init__(self, chance: Callable[[], float] | None = None) -> None:
        self._chance = chance
        self._scheduler = Scheduler(
            desired_retention=DESIRED_RETENTION, maximum_interval=_LONGEST.days, enable_fuzzing=False
        )

    def fresh(self, now: dt.datetime) -> Memory:
        return Memory(Phase.LEARNING, 0, None, None, now, None, None)

    def after(self, memory: Memory, rating: Rating, now: dt.datetime) -> Memory:
        at = max(now, memory.reviewed_at or now).astimezone(dt.UTC)
        card, _ = self._scheduler.review_card(_as_card(memory), _RATINGS[rating], at)
        due_at = at + self._spread(card.due - at)
        return Memory(_PHASES[card.state], card.step, card.stability, card.difficulty, due_at, at, rating)

    def retrievability(self, memory: Memory, now: dt.datetime) -> float:
        if not memory.is_checked or memory.rated is Rating.AGAIN:
            return 0.0
        return float(self._scheduler.get_card_retrievability(_as_card(memory), now))

    def _spread(self, interval: dt.timedelta) -> dt.timedelta:
        if self._chance is None or interval < _SHORTEST_SPREAD:
            return interval
        days = round(interval.days * SPREAD * (2 * self._chance() - 1))
        return max(interval + days * _A_DAY, _A_DAY)


def _as_card(memory: Memory) -> Card:
    """With an id of its own the package waits a millisecond for each."""
    return Card(
        card_id=0,
        state=_STATES[memory.phase],
        step=memory.step,
        stability=memory.stability,
        difficulty=memory.difficulty,
        due=memory.due_at,
        last_review=memory.reviewed_at,
    )
