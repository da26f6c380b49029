"""Published figures for the tests of pages, laid into the topics' own tables as closing a week lays them there."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from assistant.questions.tables import QuestionRow
from assistant.topics import store
from assistant.topics.figures import Cell, Topic
from assistant.topics.report import week_before, weeks_between
from assistant.topics.tables import TopicCellRow, TopicQuestionRow, TopicQuoteRow, TopicRow, TopicWeekRow
from assistant.topics.week import Week
from knowledge.database import Database, new_id

LAST = Week(2026, 47)
WEEKS = weeks_between(week_before(LAST, 11), LAST)
ENOUGH = 5
"""People who have asked; no setting goes below."""


def topic(topic_id: str, name: str, *, example: str | None = None, invented: bool = False) -> Topic:
    return Topic(topic_id, name, example, named_by_person=True, merged_into=None, invented=invented)


def cell(topic_id: str, week: Week, questions: int = 10, *, course: str | None = None) -> Cell:
    return Cell(topic_id, course, week, questions, people=5, answered=questions // 2, spoken=questions // 5)


def publish(database: Database, topics: Iterable[Topic], cells: Iterable[Cell], *, unembedded: str = "") -> None:
    """Adds to what is published; weeks up to `LAST` are closed, and enough people have asked."""
    known = list(cells)
    with database.write() as session:
        store.hold(session).unembedded = unembedded
        _close(session, {LAST, *(each.week for each in known)})
        _ask(session, ENOUGH)
        for each in topics:
            session.add(TopicRow(id=each.id, name=each.name, invented=each.invented, created_at=_end(LAST)))
            session.flush()
            if each.example is not None:
                [asked] = _ask(session, 1)
                quote = TopicQuoteRow(topic_id=each.id, question_id=asked, text=each.example, asked_by_many=True)
                session.add(quote)
        session.flush()
        if known:
            session.execute(insert(TopicCellRow), [_row(each) for each in known])


def put_behind(database: Database, topic_id: str, *texts: str) -> None:
    """Questions that belong to the topic: each text by as many people as a half must have."""
    with database.write() as session:
        for text in texts:
            for question_id in _ask(session, ENOUGH, text=text):
                session.add(TopicQuestionRow(question_id=question_id, topic_id=topic_id, settled=False))


def nothing_published(database: Database, *, enough_people: bool, closed: bool) -> None:
    with database.write() as session:
        if closed:
            _close(session, {LAST}, enough_people=enough_people)


def _close(session: Session, weeks: Iterable[Week], *, enough_people: bool = True) -> None:
    for week in weeks:
        if session.get(TopicWeekRow, str(week)) is None:
            row = TopicWeekRow(week=str(week), starts_at=week.start(dt.UTC), ends_at=_end(week), closed_at=_end(week))
            row.time_zone, row.fewest_people, row.enough_people = "UTC", ENOUGH, enough_people
            session.add(row)
    session.flush()


def _ask(session: Session, people: int, *, text: str = "how do I tie a knot") -> list[str]:
    """A question of each; their ids."""
    ids = [new_id() for _ in range(people)]
    for number, question_id in enumerate(ids):
        row = QuestionRow(id=question_id, text=text, language="en", spoken=False)
        row.asker, row.answer, row.created_at = f"asker {number}", {"hits": []}, LAST.start(dt.UTC)
        row.course_id, row.verdict = None, "answered"
        session.add(row)
    session.flush()
    return ids


def _end(week: Week) -> dt.datetime:
    return week.next().start(dt.UTC)


def _row(of: Cell) -> dict[str, object]:
    return {
        "week": str(of.week),
        "topic_id": of.topic_id,
        "course_id": of.course_id or "",
        "questions": of.questions,
        "people": of.people,
        "answered": of.answered,
        "spoken": of.spoken,
    }
