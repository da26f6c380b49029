"""Tables of notices, and of who wants them by mail."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class MailState(StrEnum):
    NONE = "none"
    """Nothing to send: nobody to send it to, or no need to any more."""
    DUE = "due"
    SENT = "sent"
    GIVEN_UP = "given-up"


class NoticeRow(Base):
    """That a question was answered; one at a time for each question. `mail_due_at`: when the mail is tried next, None
    where it is not; `mail_reason`: why it was given up, never with an address in it."""

    __tablename__ = "notice"

    id: Mapped[str] = mapped_column(primary_key=True)
    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), unique=True)
    asker: Mapped[str]
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    told_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    mail: Mapped[MailState]
    mail_attempts: Mapped[int]
    mail_due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    mail_reason: Mapped[str | None]


Index("ix_notice_asker_seen_at", NoticeRow.asker, NoticeRow.seen_at)


class NoticeChoiceRow(Base):
    """What a person wants of notices; without a row here they come by mail, too. `language`: that of the pages when
    the person last asked or chose one, None where nobody knows."""

    __tablename__ = "notice_choice"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    mail: Mapped[bool]
    language: Mapped[str | None]
