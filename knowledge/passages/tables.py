"""Tables of passages, their vectors, and the numbered changes that every index follows."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class PassageRow(Base):
    __tablename__ = "passage"
    __table_args__ = (Index("ix_passage_recording_revision", "recording_id", "revision"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"))
    revision: Mapped[int]
    ordinal: Mapped[int]
    first_segment: Mapped[int]
    last_segment: Mapped[int]
    start_s: Mapped[float]
    end_s: Mapped[float]
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]


class VectorRow(Base):
    """`vector`: float16, little-endian, of the embedder whose files have this digest."""

    __tablename__ = "passage_vector"

    passage_id: Mapped[str] = mapped_column(ForeignKey("passage.id", ondelete="CASCADE"), primary_key=True)
    embedder_digest: Mapped[str] = mapped_column(primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class TokenVectorsRow(Base):
    """The vectors of a passage's tokens by the same embedder, packed by `knowledge.token_vectors`; empty where that
    embedder gives none. Apart from the passage's own vector, which whole indexes are written from."""

    __tablename__ = "passage_token_vectors"

    passage_id: Mapped[str] = mapped_column(ForeignKey("passage.id", ondelete="CASCADE"), primary_key=True)
    embedder_digest: Mapped[str] = mapped_column(primary_key=True)
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"


class ChangeRow(Base):
    """One publication or removal. Numbers rise in commit order: writers take a lock before they draw one."""

    __tablename__ = "change"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  (a number is never given twice)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[ChangeKind]
    recording_id: Mapped[str]
    revision: Mapped[int | None]
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
