"""Tables of transcripts: a recording's segments, in revisions."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime
from knowledge.transcripts.segment import TimeSource


class TranscriptRow(Base):
    """`source`: who wrote it down (a recogniser's name, `subtitle`, `person`)."""

    __tablename__ = "transcript"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SegmentRow(Base):
    """`words`: [[start_s, end_s, text, probability or null], ...], null where nothing measured them."""

    __tablename__ = "segment"
    __table_args__ = (
        ForeignKeyConstraint(
            ["recording_id", "revision"],
            ["transcript.recording_id", "transcript.revision"],
            ondelete="CASCADE",
        ),
    )

    recording_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    start_s: Mapped[float]
    end_s: Mapped[float]
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    time_source: Mapped[TimeSource]
    words: Mapped[list[list[Any]] | None] = mapped_column(JSON(none_as_null=True))
    hard_to_hear: Mapped[str | None]
    invented: Mapped[bool]
