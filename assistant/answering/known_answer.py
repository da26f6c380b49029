"""The value of an answer that somebody has shown."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class ShownBy(StrEnum):
    TRAINER = "trainer"
    PEOPLE = "people"
    """Who asked the same and said that this moment was it."""
    ONESELF = "oneself"
    """Whoever asks said so themselves, when they asked it before."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """A moment (`recording_id`, `start_s`, `end_s`) or a line of text. `answer_id`: of a trainer's."""

    by: ShownBy
    made_at: dt.datetime
    recording_id: str | None = None
    start_s: float = 0.0
    end_s: float = 0.0
    line: str | None = None
    answer_id: str | None = None
