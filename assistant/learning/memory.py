"""What is known of how well a card is remembered, and who works it out from each check. Knows no algorithm."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Rating(StrEnum):
    """How it went, by whoever was checked."""

    AGAIN = "again"
    """Not known."""
    HARD = "hard"
    GOOD = "good"
    EASY = "easy"


class Phase(StrEnum):
    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"


@dataclass(frozen=True, slots=True)
class Memory:
    """`step`: of a card that is being learnt, None in review. `stability` in days, `difficulty` 1 to 10; None before
    the first check, as are `reviewed_at` and `rated`, the last check's rating."""

    phase: Phase
    step: int | None
    stability: float | None
    difficulty: float | None
    due_at: dt.datetime
    reviewed_at: dt.datetime | None
    rated: Rating | None

    @property
    def is_checked(self) -> bool:
        return self.reviewed_at is not None


class Recall(Protocol):
    """`assistant.learning.fsrs_recall.FsrsRecall`. Times are aware; a clock that went back counts as one that stood."""

    def fresh(self, now: dt.datetime) -> Memory:
        """Of a card that was never checked: due at once."""
        ...

    def after(self, memory: Memory, rating: Rating, now: dt.datetime) -> Memory: ...

    def retrievability(self, memory: Memory, now: dt.datetime) -> float:
        """The probability, 0 to 1, that it would be recalled now; 0.0 before the first check and for what was not
        known at the last one."""
        ...


def day_end(now: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """When the day is over that it is in `zone`; in UTC."""
    tomorrow = now.astimezone(zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(tomorrow, dt.time(), tzinfo=zone).astimezone(dt.UTC)
