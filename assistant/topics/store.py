"""Topics in the database: what the page reads, and what an update and a person's hand write.

Whoever writes here first takes `hold`: one at a time changes what belongs where.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assistant.feedback.tables import FeedbackRow
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.topics.asked_text import AskedText
from assistant.topics.figures import FEWEST_ALLOWED, Asked, Cell, Topic, TopicsState
from assistant.topics.merges import end_of
from assistant.topics.tables import (
    TopicCellRow,
    TopicGrowthRow,
    TopicQuestionRow,
    TopicQuoteRow,
    TopicRow,
    TopicWeekRow,
)
from assistant.topics.week import Week
from knowledge.database import lock_until_commit
from knowledge.finding.languages import knows

_LOCK = 0x746F7069
_GROWTH = 1


def published(session: Session, *, since: Week, until: Week) -> list[Cell]:
    """The cells of these weeks, both included, by week, topic and course; without those that were published while fewer
    people were enough. Hiding them tells nothing that was not told when they were shown."""
    query = select(TopicCellRow).where(TopicCellRow.week >= str(since), TopicCellRow.week <= str(until))
    query = query.where(TopicCellRow.people >= _fewest_people(session))
    rows = session.scalars(query.order_by(TopicCellRow.week, TopicCellRow.topic_id, TopicCellRow.course_id))
    weeks: dict[str, Week] = {}
    return [
        Cell(
            topic_id=row.topic_id,
            course_id=row.course_id or None,
            week=weeks.setdefault(row.week, Week.parse(row.week)),
            questions=row.questions,
            people=row.people,
            answered=row.answered,
            spoken=row.spoken,
        )
        for row in rows
    ]


def topics(session: Session) -> dict[str, Topic]:
    """By id, those of which something was ever published: of the others nobody is told that they exist."""
    shown = select(TopicCellRow.topic_id).distinct()
    quotes = {row.topic_id: row for row in session.scalars(select(TopicQuoteRow))}
    rows = session.scalars(select(TopicRow).where(TopicRow.id.in_(shown)).order_by(TopicRow.id)).all()
    known = {row.id for row in rows}
    root = counted_for(session)
    invented = {root[each] for each in session.scalars(select(TopicRow.id).where(TopicRow.invented))}
    return {row.id: _topic(row, quotes.get(row.id), known, row.invented or row.id in invented) for row in rows}


def state(session: Session) -> TopicsState:
    last = last_closed(session)
    growth = session.get(TopicGrowthRow, _GROWTH)
    return TopicsState(
        last_closed=None if last is None else Week.parse(last.week),
        enough_people=last is not None and last.enough_people,
        fewest_people=_fewest_people(session),
        unembedded_languages=frozenset(growth.unembedded.split() if growth is not None else ()),
    )


def _fewest_people(session: Session) -> int:
    growth = session.get(TopicGrowthRow, _GROWTH)
    return growth.fewest_people if growth is not None else FEWEST_ALLOWED


def hold(session: Session) -> TopicGrowthRow:
    """Nobody else changes topics before this transaction ends. The one row that counts their changes."""
    lock_until_commit(session, _LOCK)
    row = session.get(TopicGrowthRow, _GROWTH, populate_existing=True)
    if row is None:
        row = TopicGrowthRow(id=_GROWTH, revision=0, seen="", unembedded="", fewest_people=FEWEST_ALLOWED)
        session.add(row)
        session.flush()
    return row


def revision(session: Session) -> int:
    """How often topics were changed: to tell whether somebody did meanwhile."""
    growth = session.get(TopicGrowthRow, _GROWTH)
    return 0 if growth is None else growth.revision


def last_closed(session: Session) -> TopicWeekRow | None:
    return session.scalars(select(TopicWeekRow).order_by(TopicWeekRow.week.desc()).limit(1)).first()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that grouping goes by, as it was at one moment. `revision`, `seen`: as in TopicGrowthRow."""

    asked: list[AskedText]
    revision: int
    seen: str
    now_seen: str


def snapshot(session: Session, *, languages: frozenset[str] | None, unchanged: bool = False) -> Snapshot:
    """The whole log where there is something new in it, or `unchanged` is wanted, too. `languages`: those the embedder
    knows, None for all; the vectors of others are not believed."""
    growth = session.get(TopicGrowthRow, _GROWTH)
    newest = session.scalar(select(func.max(QuestionRow.id))) or ""
    vectors = session.scalar(select(func.count()).select_from(QuestionVectorRow)) or 0
    now_seen = f"{newest} {vectors}"
    revision, seen = (0, "") if growth is None else (growth.revision, growth.seen)
    asked = [] if seen == now_seen and not unchanged else list(asked_texts(session, languages=languages))
    return Snapshot(asked, revision, seen, now_seen)


def asked_texts(
    session: Session, *, languages: frozenset[str] | None, of_topics: Iterable[str] | None = None
) -> Iterator[AskedText]:
    """Questions with their vectors by the newest embedder alone: those of two are never compared."""
    digest = session.scalar(select(QuestionVectorRow.digest).order_by(QuestionVectorRow.question_id.desc()).limit(1))
    query = (
        select(
            QuestionRow.id,
            QuestionRow.text,
            QuestionRow.language,
            QuestionVectorRow.vector,
            TopicQuestionRow.topic_id,
            TopicQuestionRow.settled,
        )
        .outerjoin(
            QuestionVectorRow,
            (QuestionVectorRow.question_id == QuestionRow.id) & (QuestionVectorRow.digest == (digest or "")),
        )
        .outerjoin(TopicQuestionRow, TopicQuestionRow.question_id == QuestionRow.id)
        .order_by(QuestionRow.id)
    )
    if of_topics is not None:
        query = query.where(TopicQuestionRow.topic_id.in_(list(of_topics)))
    for question_id, text, language, vector, topic_id, settled in session.execute(query):
        believed = vector is not None and knows(languages, language)
        yield AskedText(
            id=question_id,
            text=text,
            language=language,
            vector=np.frombuffer(vector, dtype="<f2").astype(np.float32) if believed else None,
            topic=topic_id,
            settled=bool(settled),
        )


def askers_of(session: Session, topic_ids: Iterable[str], *, before: dt.datetime) -> dict[str, str]:
    """Who asked each question of these topics before a moment, without those that nobody asked."""
    query = (
        select(QuestionRow.id, QuestionRow.asker)
        .join(TopicQuestionRow, TopicQuestionRow.question_id == QuestionRow.id)
        .where(TopicQuestionRow.topic_id.in_(list(topic_ids)), QuestionRow.created_at < before)
        .where(QuestionRow.asker.is_not(None))
    )
    return {question_id: asker for question_id, asker in session.execute(query) if asker is not None}


def counted_for(session: Session) -> dict[str, str]:
    """Each topic, and the one its questions count for now: itself, or where merging leads."""
    into = merged_topics(session)
    return {topic: end_of(topic, into) for topic in into}


def merged_topics(session: Session) -> dict[str, str | None]:
    """Every topic, and the one it was merged into, None where it was not."""
    return {row.id: row.merged_into for row in session.execute(select(TopicRow.id, TopicRow.merged_into))}


def questions_between(session: Session, start: dt.datetime, end: dt.datetime) -> list[Asked]:
    """What was asked from one moment to another, each for the topic it counts for now."""
    root = counted_for(session)
    said = _said_between(session, start, end)
    query = (
        select(QuestionRow.id, QuestionRow.course_id, QuestionRow.asker, QuestionRow.spoken, TopicQuestionRow.topic_id)
        .outerjoin(TopicQuestionRow, TopicQuestionRow.question_id == QuestionRow.id)
        .where(QuestionRow.created_at >= start, QuestionRow.created_at < end)
    )
    return [
        Asked(
            question_id, root[topic] if topic else None, course, asker, is_answered(said.get(question_id, ())), spoken
        )
        for question_id, course, asker, spoken, topic in session.execute(query)
    ]


def people_between(session: Session, start: dt.datetime | None, end: dt.datetime) -> int:
    """How many asked anything from one moment, or from the first, to another."""
    query = select(func.count(QuestionRow.asker.distinct())).where(QuestionRow.created_at < end)
    if start is not None:
        query = query.where(QuestionRow.created_at >= start)
    return session.scalar(query) or 0


def languages_of_many(session: Session, *, before: dt.datetime, fewest: int) -> list[str]:
    """In which at least so many people asked before a moment: of a rarer one it would be told who speaks it."""
    query = select(QuestionRow.language).where(QuestionRow.created_at < before).group_by(QuestionRow.language)
    return list(session.scalars(query.having(func.count(QuestionRow.asker.distinct()) >= fewest)))


def is_answered(said: Iterable[str]) -> bool:
    """By what its asker said or did: "yes, this was it"; or played, and neither "no" nor asked again."""
    kinds = set(said)
    return "yes" in kinds or ("played" in kinds and kinds.isdisjoint({"no", "asked-again"}))


def _said_between(session: Session, start: dt.datetime, end: dt.datetime) -> dict[str, set[str]]:
    query = (
        select(FeedbackRow.question_id, FeedbackRow.kind)
        .join(QuestionRow, QuestionRow.id == FeedbackRow.question_id)
        .where(QuestionRow.created_at >= start, QuestionRow.created_at < end)
    )
    said: dict[str, set[str]] = {}
    for question_id, kind in session.execute(query):
        said.setdefault(question_id, set()).add(str(kind))
    return said


def _topic(row: TopicRow, quote: TopicQuoteRow | None, known: set[str], invented: bool) -> Topic:
    return Topic(
        id=row.id,
        name=row.name or (quote.text if quote is not None else f"#{row.id[-4:]}"),
        example=quote.text if quote is not None and quote.asked_by_many else None,
        named_by_person=bool(row.name),
        merged_into=row.merged_into if row.merged_into in known else None,
        invented=invented,
    )
