"""What the indexer keeps while it works: each clip's result, so that a killed job recognises nothing twice."""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base


class ClipResultRow(Base):
    """`options_digest`: of the recogniser and everything it was told; another recogniser or script hears anew.

    `segments`: on the recording's clock, as the transcript keeps them. `error`: why the clip gave nothing.
    """

    __tablename__ = "clip_result"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    end_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    options_digest: Mapped[str] = mapped_column(primary_key=True)
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
