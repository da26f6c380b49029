"""The table of questions."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime


class QuestionRow(Base):
    """`answer`: the document of `ask --json` as it was shown. `asker`: a random browser token, None for the CLI."""

    __tablename__ = "question"

    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    spoken: Mapped[bool]
    asker: Mapped[str | None] = mapped_column(index=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
