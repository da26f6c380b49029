"""By which rules a company's topics are updated and shown."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from assistant.topics.figures import FEWEST_ALLOWED

MOVES_A_WEEK = 0.04
"""Of all questions: without it a topic stays for ever what a few questions once made of it (docs/benchmarks.md)."""


@dataclass(frozen=True, slots=True)
class TopicRules:
    """`zone`: whose weeks. `fewest_people`: behind each cell. Raises ValueError below the floor."""

    zone: ZoneInfo = ZoneInfo("UTC")  # noqa: RUF009 - a zone is never changed
    fewest_people: int = FEWEST_ALLOWED

    def __post_init__(self) -> None:
        if self.fewest_people < FEWEST_ALLOWED:
            raise ValueError(f"at least {FEWEST_ALLOWED} people stand behind a cell, not {self.fewest_people}")
