"""What HR is told: the cells of one fixed grid, topic by course by ISO week, as they were published."""

from dataclasses import dataclass

from assistant.topics.week import Week

FEWEST_ALLOWED = 5
"""No setting goes below this many people."""
MOST_OF_ONE = 5
"""So many questions of one person count in a cell at most: a cell is never one person's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One published cell, frozen when its week closed: it may be shown as it is, and cells may be summed.

    `course_id`: None for questions that belong to no course. `questions`: a person's count MOST_OF_ONE times at most;
    never so few, nor so many, that each person must have asked once, or as often as counts. `people`: rounded down to a
    multiple of what was then the fewest, so that 5 means 5 to 9. `answered`, `spoken`: of the questions; never none and
    never all of them, which would tell it of each person.
    """

    topic_id: str
    course_id: str | None
    week: Week
    questions: int
    people: int
    answered: int
    spoken: int


@dataclass(frozen=True, slots=True)
class Topic:
    """`name`: given by a person, else its most typical question, masked; `#` with four characters of its id where that
    question was deleted and no other is left. `example`: that question where many asked, else None.

    `merged_into`: the topic that its questions count for from the merge on. `invented`: nobody asked some of the
    questions that are counted in it.
    """

    id: str
    name: str
    example: str | None
    named_by_person: bool
    merged_into: str | None
    invented: bool = False


@dataclass(frozen=True, slots=True)
class TopicsState:
    """Why there may be nothing to see. `enough_people`: whether `fewest_people` have asked at all up to the end of the
    week that was closed last. `unembedded_languages`: in which as many have asked by then, and which the embedder
    does not know: those questions are grouped by their words alone."""

    last_closed: Week | None
    enough_people: bool
    fewest_people: int
    unembedded_languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the week. `asker`: None for the command line, which is nobody. `id`: for the order alone."""

    id: str
    topic: str | None
    course: str | None
    asker: str | None
    answered: bool
    spoken: bool
