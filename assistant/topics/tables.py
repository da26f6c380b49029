"""Tables of topics: what belongs to which, and what was published of them.

Membership goes with its question. What was published stays, whatever becomes of the questions behind it: the numbers
it was made of are kept nowhere.
"""

import datetime as dt

from sqlalchemy import ForeignKey, Text, false, true
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class TopicRow(Base):
    """`name`: given by a person; empty where none was. `merged_into`: whom its questions count for since. `invented`:
    a question of an invented log has been in it."""

    __tablename__ = "topic"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("topic.id"))
    invented: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class TopicQuestionRow(Base):
    """`settled`: a person put it there, by a split; no update moves it."""

    __tablename__ = "topic_question"

    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[str] = mapped_column(ForeignKey("topic.id"), index=True)
    settled: Mapped[bool]


class TopicQuoteRow(Base):
    """The masked question that names a topic; gone with that question. `asked_by_many`: it may stand as an example."""

    __tablename__ = "topic_quote"

    topic_id: Mapped[str] = mapped_column(ForeignKey("topic.id"), primary_key=True)
    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    asked_by_many: Mapped[bool]


class TopicWeekRow(Base):
    """A week that was closed, and how. `week`: such as 2026-W47, which sorts as the weeks do. The next one begins where
    this one ended, also where the time zone was changed in between. `enough_people`: whether `fewest_people` had asked
    anything at all by then."""

    __tablename__ = "topic_week"

    week: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    time_zone: Mapped[str]
    fewest_people: Mapped[int]
    enough_people: Mapped[bool] = mapped_column(default=True, server_default=true())


class TopicCellRow(Base):
    """As published. `course_id`: empty for none; not bound to the course, which may go."""

    __tablename__ = "topic_cell"

    week: Mapped[str] = mapped_column(ForeignKey("topic_week.week"), primary_key=True)
    topic_id: Mapped[str] = mapped_column(ForeignKey("topic.id"), primary_key=True, index=True)
    course_id: Mapped[str] = mapped_column(primary_key=True)
    questions: Mapped[int]
    people: Mapped[int]
    answered: Mapped[int]
    spoken: Mapped[int]


class TopicGrowthRow(Base):
    """The one row that says where grouping stands. `revision`: counts every change of who belongs where, so that an
    update that began before one begins again. `seen`: what the last update had before it; empty before the first, and
    where a split left questions to be placed again. `unembedded`: languages with spaces between, as when the last week
    closed. `fewest_people`: as the worker is set now."""

    __tablename__ = "topic_growth"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]
    seen: Mapped[str]
    unembedded: Mapped[str]
    fewest_people: Mapped[int]
