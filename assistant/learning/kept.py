"""The values of one's own learning, each checked where it is made. A moment is kept as where it is, never as words."""

import datetime as dt
import math
from dataclasses import dataclass
from enum import StrEnum

from assistant.errors import BadInput, NotFound
from assistant.learning.memory import Memory, Rating
from knowledge.database import storable_text

LONGEST_NOTE = 2_000
LONGEST_MOMENT_S = 600.0
NO_SUCH_MOMENT = ("this is no moment of a recording", "choose one from an answer or from a recording's page")
NOTE_TOO_LONG = ("the note is longer than 2,000 characters", "make it shorter")
NOT_ON = ("My learning is off", "switch it on first")
NO_SUCH_MARK = ("there is no such bookmark of yours", "look at the list of your bookmarks")
NO_SUCH_CARD = ("there is no such card of yours", "go on with the next one")
NOTHING_SAID = ("nothing is said in this moment that could be asked", "choose another moment")
NO_QUESTION = ("there is no question to stand in front of this card", "choose a moment of one of your questions")
NO_SUCH_RATING = ("there is no such rating", "choose again, hard, good or easy")
"""What is wrong and what to do, as pages say it in their language."""


class NotOn(BadInput):
    """Nothing is kept for somebody who does not want it."""


class NoSuchThing(NotFound):
    """Not there, or another's: the same to whoever asks."""


class CardKind(StrEnum):
    CLOZE = "cloze"
    """The moment's words, one of them hidden."""
    OWN_WORDS = "own-words"
    """One's own question in front, the moment behind."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds from the start of the recording, to the millisecond. Raises BadInput for what can be none."""

    recording_id: str
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not may_be_kept(self.start_s, self.end_s):
            raise BadInput(*NO_SUCH_MOMENT)
        object.__setattr__(self, "start_s", round(self.start_s, 3))
        object.__setattr__(self, "end_s", round(self.end_s, 3))


def may_be_kept(start_s: float, end_s: float) -> bool:
    """Whether it can be a moment: an answer may show what cannot, a subtitle that stands for half an hour. Asked of
    milliseconds, so that what was kept once is a moment when it is read, too."""
    if start_s < 0 or not (math.isfinite(1000 * start_s) and math.isfinite(1000 * end_s)):
        return False
    start_ms, end_ms = (round(1000 * round(each, 3)) for each in (start_s, end_s))
    return start_ms <= end_ms <= start_ms + round(1000 * LONGEST_MOMENT_S)


@dataclass(frozen=True, slots=True)
class Learner:
    """Somebody who wanted it once. `is_on`: wants it now."""

    id: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Bookmark:
    """`question_id`: the own question whose answer it was in; None where it is deleted, or there was none."""

    id: str
    moment: Moment
    note: str
    question_id: str | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RecallCard:
    """`question_id`: in front of a card in one's own words, None for a cloze. `reviews`: how often it was checked."""

    id: str
    moment: Moment
    kind: CardKind
    question_id: str | None
    memory: Memory
    reviews: int
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Review:
    """`number`: which check of its card, from 1 on."""

    id: str
    card_id: str
    number: int
    rating: Rating
    reviewed_at: dt.datetime


def checked_note(text: str) -> str:
    """As it can be kept. Raises BadInput."""
    note = storable_text(text).strip()
    if len(note) > LONGEST_NOTE:
        raise BadInput(*NOTE_TOO_LONG)
    return note
