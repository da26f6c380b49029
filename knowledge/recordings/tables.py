"""Tables of courses and recordings."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Text, text, true
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class RecordingState(StrEnum):
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"


UNLISTED = "\n"
"""Stands in a key behind the name of an unlisted course, before its id. No name holds a line's end."""


class CourseRow(Base):
    """`name_key`: the name after NFC, trimmed, case-folded; two listed courses never share it. Behind that of an
    unlisted course stand UNLISTED and its id, so that its name keeps nobody from using the same.

    `language`: what is spoken in it, None to be found out. `itn`: whether numbers are written as figures.
    """

    __tablename__ = "course"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    language: Mapped[str | None]
    itn: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RecordingRow(Base):
    """One audio or video file. Paths are relative to the home folder and made of ids, never of names."""

    __tablename__ = "recording"
    __table_args__ = (
        Index(
            "uq_recording_course_content",
            "course_id",
            "content_sha256",
            unique=True,
            sqlite_where=text("state != 'removed'"),
            postgresql_where=text("state != 'removed'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[RecordingState]
    content_sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    original_path: Mapped[str]
    playable_path: Mapped[str | None]
    has_picture: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None]
    """Told by a person; None where the recogniser is to find out."""
    duration_s: Mapped[float | None]
    speech_s: Mapped[float | None]
    heard_share: Mapped[float | None]
    """Of the seconds of speech, those whose stretch gave words: 0 to 1; None where nothing was recognised."""
    recogniser: Mapped[str | None]
    note: Mapped[str | None] = mapped_column(Text)
    """What a trainer should know: how its script was used, what was left out."""
    revision: Mapped[int | None]
    """The transcript revision that is published."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
