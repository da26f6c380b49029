"""The table of judgements on answers."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class Judgement(StrEnum):
    YES = "yes"
    """This was it, said of one moment, or of what a trainer answered."""
    NO = "no"
    """None of it was: said of the answer as a whole."""
    PLAYED = "played"
    """A moment was heard to its end."""
    ASKED_AGAIN = "asked-again"
    """The same person asked nearly the same soon after."""


class FeedbackRow(Base):
    """One of each kind a question. `recording_id`, `start_s`, `end_s`: the moment, of YES and PLAYED; none of a YES to
    a trainer's answer. The id stays when the recording goes, for it names nothing then."""

    __tablename__ = "feedback"

    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[Judgement] = mapped_column(primary_key=True)
    recording_id: Mapped[str | None] = mapped_column(index=True)
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
