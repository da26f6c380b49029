"""Tables of questions and of their vectors."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base, UtcDateTime
from knowledge.finding.moment import Verdict


class QuestionRow(Base):
    """`answer`: the document of `ask --json` as it was shown. `asker`: a person's id, else a random browser token, None
    for the CLI; of an invented log what no person is called by (`assistant.questions.invented`).

    `verdict`: as in that document. `course_id`: where the first hit lay, else the one course that was asked; the id
    stays when the course goes.
    """

    __tablename__ = "question"

    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    spoken: Mapped[bool]
    asker: Mapped[str | None] = mapped_column(index=True)
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    verdict: Mapped[Verdict]
    course_id: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class QuestionVectorRow(Base):
    """What questions are grouped and found again by. `vector`: float16, little-endian, length 1, by the embedder whose
    files have this digest; none for a language that it does not know."""

    __tablename__ = "question_vector"

    question_id: Mapped[str] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str]
    vector: Mapped[bytes] = mapped_column(LargeBinary)
