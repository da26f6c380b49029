"""Tables of open questions and of what trainers answered them with."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class ItemState(StrEnum):
    OPEN = "open"
    COMING = "coming"
    """A new recording that answers it is on its way."""
    ANSWERED = "answered"
    SET_ASIDE = "set-aside"
    """A trainer said that it needs no answer here."""


WAITING = (ItemState.OPEN, ItemState.COMING)


class OpenItemRow(Base):
    """Open questions that mean the same. It holds no words of its own: when its questions go, nothing of them stays.

    `course_id`: where the nearest moment lay when the first of them was asked; None where nothing was near.
    `recording_id`, `taken_by`, `taken_as`: the new recording on its way, who sent it, and the question in their words.
    """

    __tablename__ = "open_item"

    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[ItemState] = mapped_column(index=True)
    course_id: Mapped[str | None] = mapped_column(ForeignKey("course.id", ondelete="SET NULL"))
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recording.id", ondelete="SET NULL"), index=True)
    taken_by: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    taken_as: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class OpenQuestionRow(Base):
    __tablename__ = "open_question"

    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("open_item.id", ondelete="CASCADE"), index=True)


class TrainerAnswerRow(Base):
    """A moment (`recording_id`, `start_s`, `end_s`) or a line of text (`line`), never both.

    `question`: in the trainer's words, so that it is found when the askers' own are long deleted; `vector`: of that,
    float16, little-endian, by the embedder of this digest. `withdrawn_at`: it counts no more from then on.
    """

    __tablename__ = "trainer_answer"

    id: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[str | None] = mapped_column(ForeignKey("open_item.id", ondelete="SET NULL"), index=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    digest: Mapped[str | None]
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), index=True)
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    line: Mapped[str | None] = mapped_column(Text)
    made_by: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
