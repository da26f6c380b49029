"""How well somebody remembers, by what recall checks said: never by what was asked or heard. Pure."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from assistant.learning.memory import Memory, Recall

FIRM_FROM = 0.9
"""What a card has when it is due next: below it some are overdue, or were not known."""
MOSTLY_FROM = 0.7


class Level(StrEnum):
    FIRM = "firm"
    MOSTLY = "mostly"
    FADING = "fading"


@dataclass(frozen=True, slots=True)
class Mastery:
    """`checked`: how many of the `cards` were checked at least once. `share`: mean retrievability of these, 0 to 1,
    None where there is none."""

    cards: int
    checked: int
    share: float | None

    @property
    def level(self) -> Level | None:
        if self.share is None:
            return None
        if self.share >= FIRM_FROM:
            return Level.FIRM
        return Level.MOSTLY if self.share >= MOSTLY_FROM else Level.FADING


def mastery_of(memories: Iterable[Memory], recall: Recall, now: dt.datetime) -> Mastery:
    known = list(memories)
    shares = [recall.retrievability(each, now) for each in known if each.is_checked]
    return Mastery(len(known), len(shares), sum(shares) / len(shares) if shares else None)
