"""What is read from the published figures: cells that a filter chooses, added up. Every number is a sum of cells that
may be shown as they are; a week without one is a gap and never a nought, for nobody may learn that nothing was asked.

Knows no database and no page.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from assistant.topics.figures import Cell, Topic
from assistant.topics.merges import end_of
from assistant.topics.week import Week

_Key = TypeVar("_Key")
OTHER_COURSES = "other"
"""Stands for all courses that whoever reads may not know of, and for those that are gone. No course has this id."""
COMPARED_WEEKS = 4
"""As many shown weeks are compared with as many before them."""
_FEWEST_BEFORE = 2
_FELT = 0.2
"""Below a fifth more or fewer, chance and rounding move as much."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter: what is not named is not filtered. Raises ValueError for weeks that run backwards."""

    since: Week
    until: Week
    course_id: str | None = None
    topic_id: str | None = None

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise ValueError(f"weeks run backwards: {self.since} to {self.until}")


@dataclass(frozen=True, slots=True)
class Sums:
    """Of cells. `people`: each cell's, so that who asked in two weeks or of two courses counts twice."""

    questions: int = 0
    people: int = 0
    answered: int = 0
    spoken: int = 0

    @property
    def answered_share(self) -> float | None:
        """In [0, 1]; None where nothing is shown."""
        return self._share(self.answered)

    @property
    def spoken_share(self) -> float | None:
        return self._share(self.spoken)

    def _share(self, part: int) -> float | None:
        return min(1.0, part / self.questions) if self.questions else None


class Trend(StrEnum):
    RISING = "rising"
    STEADY = "steady"
    FALLING = "falling"
    UNKNOWN = "unknown"
    """Too few shown weeks, or none of late."""


@dataclass(frozen=True, slots=True)
class Series:
    """`weeks`: in the order of the report's; None where nothing is shown. `change`: of the mean of a shown week, 0.12
    for 12 % more; None where the trend is unknown."""

    weeks: tuple[Sums | None, ...]
    trend: Trend
    change: float | None


@dataclass(frozen=True, slots=True)
class CourseLine:
    """`course_id`: None for questions that no course had anything for."""

    course_id: str | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class TopicLine:
    topic: Topic
    sums: Sums
    series: Series
    courses: tuple[CourseLine, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`lines`, `courses`: most questions first. `total`: the sum of what the lines show, and of nothing else."""

    chosen: Chosen
    weeks: tuple[Week, ...]
    lines: tuple[TopicLine, ...]
    courses: tuple[CourseLine, ...]
    total: Sums
    series: Series

    @property
    def has_invented(self) -> bool:
        return any(line.topic.invented for line in self.lines)


def weeks_between(since: Week, until: Week) -> tuple[Week, ...]:
    """Both included."""
    weeks = []
    while since <= until:
        weeks.append(since)
        since = since.next()
    return tuple(weeks)


def week_before(week: Week, count: int) -> Week:
    for _ in range(count):
        week = week.previous()
    return week


def standing_for(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Where each topic is counted: in the one it was merged into, and that one's; in itself where that one never had a
    figure."""
    into = {topic_id: topic.merged_into for topic_id, topic in topics.items()}
    return {topic_id: end_of(topic_id, into) for topic_id in topics}


def choose_cells(
    cells: Iterable[Cell], topics: Mapping[str, Topic], chosen: Chosen, *, named_courses: Collection[str]
) -> Iterator[Cell]:
    """Those that fit, each under the topic where it is counted and under a course that may be named."""
    standing = standing_for(topics)
    for cell in cells:
        topic_id = standing.get(cell.topic_id)
        is_named = cell.course_id is None or cell.course_id in named_courses
        course_id = cell.course_id if is_named else OTHER_COURSES
        if (
            topic_id is None
            or not chosen.since <= cell.week <= chosen.until
            or chosen.course_id not in (None, course_id)
            or chosen.topic_id not in (None, topic_id)
        ):
            continue
        is_same = topic_id == cell.topic_id and course_id == cell.course_id
        yield cell if is_same else replace(cell, topic_id=topic_id, course_id=course_id)


def report_on(
    cells: Iterable[Cell], topics: Mapping[str, Topic], chosen: Chosen, *, named_courses: Collection[str]
) -> Report:
    """`named_courses`: ids of the courses that whoever reads may know of."""
    weeks = weeks_between(chosen.since, chosen.until)
    by_week: dict[str, dict[Week, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    by_course: dict[str, dict[str | None, _Tally]] = defaultdict(lambda: defaultdict(_Tally))
    for cell in choose_cells(cells, topics, chosen, named_courses=named_courses):
        by_week[cell.topic_id][cell.week].add(cell)
        by_course[cell.topic_id][cell.course_id].add(cell)
    lines = [_line(topics[topic_id], by_week[topic_id], by_course[topic_id], weeks) for topic_id in by_week]
    return Report(
        chosen=chosen,
        weeks=weeks,
        lines=tuple(sorted(lines, key=lambda line: (-line.sums.questions, line.topic.name, line.topic.id))),
        courses=_course_lines(_merged(by_course.values())),
        total=_sum(line.sums for line in lines),
        series=_series(_merged(by_week.values()), weeks),
    )


def grid(
    cells: Iterable[Cell], topics: Mapping[str, Topic], chosen: Chosen, *, named_courses: Collection[str]
) -> list[tuple[Topic, str | None, Week, Sums]]:
    """The chosen cells one by one, for whoever counts on with them; those that came to lie on one another added up."""
    found: dict[tuple[str, str | None, Week], _Tally] = defaultdict(_Tally)
    for cell in choose_cells(cells, topics, chosen, named_courses=named_courses):
        found[cell.topic_id, cell.course_id, cell.week].add(cell)
    rows = [(topics[topic_id], course_id, week, tally.sums) for (topic_id, course_id, week), tally in found.items()]
    return sorted(rows, key=lambda row: (row[2], row[0].name, row[0].id, row[1] or ""))


class _Tally:
    """Added to a hundred thousand times a page: a new value for each would take longer than the page may."""

    __slots__ = ("answered", "people", "questions", "spoken")

    def __init__(self) -> None:
        self.questions = self.people = self.answered = self.spoken = 0

    def add(self, part: "Cell | Sums | _Tally") -> None:
        self.questions += part.questions
        self.people += part.people
        self.answered += part.answered
        self.spoken += part.spoken

    @property
    def sums(self) -> Sums:
        return Sums(self.questions, self.people, self.answered, self.spoken)


def _line(
    topic: Topic, by_week: Mapping[Week, _Tally], by_course: Mapping[str | None, _Tally], weeks: tuple[Week, ...]
) -> TopicLine:
    total = _sum(tally.sums for tally in by_week.values())
    return TopicLine(topic, total, _series(by_week, weeks), _course_lines(by_course))


def _series(by_week: Mapping[Week, _Tally], weeks: tuple[Week, ...]) -> Series:
    shown = tuple(by_week[week].sums if week in by_week else None for week in weeks)
    change = _change([None if sums is None else sums.questions for sums in shown])
    if change is None:
        return Series(shown, Trend.UNKNOWN, None)
    if change >= _FELT:
        return Series(shown, Trend.RISING, change)
    return Series(shown, Trend.FALLING if change <= -_FELT else Trend.STEADY, change)


def _change(questions: list[int | None]) -> float | None:
    """Of the mean over the last shown weeks against the mean over those before. Means, because fewer may be shown."""
    shown = [count for count in questions if count is not None]
    late, before = shown[-COMPARED_WEEKS:], shown[-2 * COMPARED_WEEKS : -COMPARED_WEEKS]
    if len(before) < _FEWEST_BEFORE or not any(count is not None for count in questions[-COMPARED_WEEKS:]):
        return None
    mean = sum(before) / len(before)
    return (sum(late) / len(late)) / mean - 1 if mean else None


def _course_lines(by_course: Mapping[str | None, _Tally]) -> tuple[CourseLine, ...]:
    lines = [CourseLine(course_id, tally.sums) for course_id, tally in by_course.items()]
    return tuple(sorted(lines, key=lambda line: (-line.sums.questions, line.course_id or "")))


def _merged(parts: Iterable[Mapping[_Key, _Tally]]) -> dict[_Key, _Tally]:
    whole: dict[_Key, _Tally] = defaultdict(_Tally)
    for part in parts:
        for key, tally in part.items():
            whole[key].add(tally)
    return dict(whole)


def _sum(parts: Iterable[Sums]) -> Sums:
    tally = _Tally()
    for part in parts:
        tally.add(part)
    return tally.sums
