"""Tables of one's own learning. All of a person's rows hang on one, so that they go with it."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from assistant.learning.kept import CardKind
from assistant.learning.memory import Phase, Rating
from knowledge.database import Base, UtcDateTime


class LearnerRow(Base):
    """`asker`: as in the log of questions, a person's id or a browser's token. The id stands for it in the list of
    deletions, where a browser's token would open what it is for."""

    __tablename__ = "learner"

    id: Mapped[str] = mapped_column(primary_key=True)
    asker: Mapped[str] = mapped_column(unique=True)
    is_on: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class BookmarkRow(Base):
    __tablename__ = "bookmark"
    __table_args__ = (UniqueConstraint("learner_id", "recording_id", "start_s", "end_s"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    learner_id: Mapped[str] = mapped_column(ForeignKey("learner.id", ondelete="CASCADE"))
    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), index=True)
    start_s: Mapped[float]
    end_s: Mapped[float]
    question_id: Mapped[str | None] = mapped_column(ForeignKey("question.id", ondelete="SET NULL"), index=True)
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RecallCardRow(Base):
    """`question_id`: a card whose front is a question goes with it. From `phase` on: what the schedule knows."""

    __tablename__ = "recall_card"
    __table_args__ = (
        UniqueConstraint("learner_id", "recording_id", "start_s", "end_s", "kind"),
        Index("ix_recall_card_learner_id_due_at", "learner_id", "due_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    learner_id: Mapped[str] = mapped_column(ForeignKey("learner.id", ondelete="CASCADE"))
    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), index=True)
    start_s: Mapped[float]
    end_s: Mapped[float]
    kind: Mapped[CardKind]
    question_id: Mapped[str | None] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    reviews: Mapped[int]
    phase: Mapped[Phase]
    step: Mapped[int | None]
    stability: Mapped[float | None]
    difficulty: Mapped[float | None]
    due_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    reviewed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    rated: Mapped[Rating | None]


class RecallReviewRow(Base):
    """`before`: the card's memory as it was, for undoing."""

    __tablename__ = "recall_review"
    __table_args__ = (UniqueConstraint("card_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("recall_card.id", ondelete="CASCADE"))
    number: Mapped[int]
    rating: Mapped[Rating]
    reviewed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
