"""Taking out what an invented log has left among topics, once its questions are gone."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from assistant.questions.tables import QuestionRow
from assistant.topics import store
from assistant.topics.merges import way_of
from assistant.topics.tables import (
    TopicCellRow,
    TopicGrowthRow,
    TopicQuestionRow,
    TopicQuoteRow,
    TopicRow,
    TopicWeekRow,
)


def has_invented_topics(session: Session) -> bool:
    return session.scalar(select(TopicRow.id).where(TopicRow.invented).limit(1)) is not None


def take_out_invented(session: Session) -> None:
    """The weeks of the log with their figures, and its topics, but for those that real people have asked about: these
    stay, with what was published of them since, and are called invented no more.

    A home without anything else is as it was on its first day. A log is only put where nobody has asked anything, so
    that all weeks which were over when its first topic was made are its own.
    """
    store.hold(session).revision += 1
    entered = session.scalar(select(func.min(TopicRow.created_at)).where(TopicRow.invented))
    if entered is not None:
        weeks = select(TopicWeekRow.week).where(TopicWeekRow.ends_at <= entered)
        session.execute(delete(TopicCellRow).where(TopicCellRow.week.in_(weeks)))
        session.execute(delete(TopicWeekRow).where(TopicWeekRow.ends_at <= entered))
    staying = _with_what_they_count_for(session, {*_ids(session, TopicCellRow), *_ids(session, TopicQuestionRow)})
    going = [each for each in session.scalars(select(TopicRow.id).where(TopicRow.invented)) if each not in staying]
    session.execute(update(TopicRow).where(TopicRow.id.in_(going)).values(merged_into=None))
    session.execute(delete(TopicQuoteRow).where(TopicQuoteRow.topic_id.in_(going)))
    session.execute(delete(TopicRow).where(TopicRow.id.in_(going)))
    session.execute(update(TopicRow).values(invented=False))
    if not staying and session.scalar(select(QuestionRow.id).limit(1)) is None:
        session.execute(delete(TopicWeekRow))
        session.execute(delete(TopicGrowthRow))


def _ids(session: Session, table: type[TopicCellRow | TopicQuestionRow]) -> set[str]:
    return set(session.scalars(select(table.topic_id).distinct()))


def _with_what_they_count_for(session: Session, topics: set[str]) -> set[str]:
    """No topic is counted in one that is not there."""
    into = store.merged_topics(session)
    return {step for topic in topics for step in way_of(topic, into)}
