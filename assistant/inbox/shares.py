"""Whether the loop works: of what was asked in a week, the share that nobody has answered. Over all courses, with no
word of any, and only of weeks in which enough people asked."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.inbox.items import MOST_OF_ONE
from assistant.inbox.sorting import is_open
from assistant.questions.tables import QuestionRow
from assistant.topics.week import Week

ROUNDED_TO = 5
"""Percent: a finer share would move by one person's question."""


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """`unanswered`: nothing answered it for certain, or its asker said that nothing did."""

    asker: str
    asked_at: dt.datetime
    unanswered: bool


@dataclass(frozen=True, slots=True)
class WeekShare:
    """`percent`: in [0, 100], rounded; None where too few people asked."""

    week: Week
    percent: int | None


def closed_weeks(now: dt.datetime, zone: dt.tzinfo, *, count: int) -> list[Week]:
    """The last ones that are over, oldest first."""
    weeks = [Week.of(now, zone).previous()]
    while len(weeks) < count:
        weeks.append(weeks[-1].previous())
    return weeks[::-1]


def unanswered_shares(
    asked: Iterable[AskedQuestion], weeks: Sequence[Week], zone: dt.tzinfo, *, fewest_people: int
) -> list[WeekShare]:
    """One for each of the weeks. Whoever asks again and again weighs as MOST_OF_ONE questions."""
    by_week: dict[Week, dict[str, list[bool]]] = {week: {} for week in weeks}
    for each in asked:
        week = Week.of(each.asked_at, zone)
        if week in by_week:
            by_week[week].setdefault(each.asker, []).append(each.unanswered)
    return [WeekShare(week, _percent(people.values(), fewest_people)) for week, people in by_week.items()]


def read_asked(session: Session, weeks: Sequence[Week], zone: dt.tzinfo) -> list[AskedQuestion]:
    """What people asked in these weeks, which follow one another; the command line is nobody."""
    query = select(QuestionRow.asker, QuestionRow.created_at, is_open()).where(
        QuestionRow.asker.is_not(None),
        QuestionRow.created_at >= weeks[0].start(zone),
        QuestionRow.created_at < weeks[-1].next().start(zone),
    )
    return [AskedQuestion(asker or "", at, unanswered) for asker, at, unanswered in session.execute(query)]


def _percent(people: Iterable[Sequence[bool]], fewest_people: int) -> int | None:
    weights = [(min(len(questions), MOST_OF_ONE), sum(questions) / len(questions)) for questions in people]
    if len(weights) < fewest_people:
        return None
    share = sum(weight * unanswered for weight, unanswered in weights) / sum(weight for weight, _ in weights)
    return ROUNDED_TO * int(100 * share / ROUNDED_TO + 0.5)
