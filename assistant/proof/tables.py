"""Tables of the company's own test set and of what was scored on it."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class ProofSource(StrEnum):
    CONFIRMED = "confirmed"
    """Its asker said that it was it."""
    TRAINER = "trainer"
    """A trainer answered with it."""


class ProofQuestionRow(Base):
    """A question and the moment that answers it, never changed after. It holds no words of its own: when the question,
    or the trainer's answer, is deleted, for whatever reason, nothing of it stays.

    `week`: in which it was judged or answered, such as 2026-W47.
    """

    __tablename__ = "proof_question"

    id: Mapped[str] = mapped_column(primary_key=True)
    question_id: Mapped[str | None] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), unique=True)
    trainer_answer_id: Mapped[str | None] = mapped_column(
        ForeignKey("trainer_answer.id", ondelete="CASCADE"), unique=True
    )
    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), index=True)
    start_s: Mapped[float]
    end_s: Mapped[float]
    source: Mapped[ProofSource]
    week: Mapped[str]
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ProofRunRow(Base):
    """`configuration`: what ran; `report`: figures with their intervals, and what became of each question, by the ids
    of the test set. `trial`: of a change that is not on.

    `lacking`: how many answers were found without a part, for it was late; one without two parts counts twice."""

    __tablename__ = "proof_run"

    id: Mapped[str] = mapped_column(primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    label: Mapped[str] = mapped_column(Text)
    trial: Mapped[bool]
    configuration: Mapped[dict[str, Any]] = mapped_column(JSON)
    questions: Mapped[int]
    lacking: Mapped[int]
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
