"""The log of questions: what was asked, and the answer as it was shown."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.answering.answer import Answer
from assistant.questions.tables import QuestionRow
from knowledge.database import Database, utc_now


@dataclass(frozen=True, slots=True)
class LoggedQuestion:
    """`document`: what `ask --json` printed then; `asker`: the browser that asked, None for the command line."""

    id: str
    text: str
    language: str
    spoken: bool
    asker: str | None
    document: dict[str, Any]
    created_at: dt.datetime


def record(database: Database, answer: Answer, *, spoken: bool, asker: str | None) -> None:
    """Keep an answer under its own id. The sound is not part of it and is never kept."""
    with database.write() as session:
        session.add(
            QuestionRow(
                id=answer.id,
                text=answer.question.text,
                language=answer.question.language,
                spoken=spoken,
                asker=asker,
                answer=answer.as_document(),
                created_at=utc_now(),
            )
        )


def get(database: Database, question_id: str) -> LoggedQuestion | None:
    with database.read() as session:
        row = session.get(QuestionRow, question_id)
        return None if row is None else _value(row)


def recent(database: Database, *, asker: str, limit: int = 5) -> list[LoggedQuestion]:
    """The asker's newest questions, newest first, each text once."""
    with database.read() as session:
        return _newest_of_each_text(session, asker)[:limit]


def _newest_of_each_text(session: Session, asker: str) -> list[LoggedQuestion]:
    rows = session.scalars(
        select(QuestionRow)
        .where(QuestionRow.asker == asker)
        .order_by(QuestionRow.created_at.desc(), QuestionRow.id.desc())
        .limit(100)
    )
    newest: dict[str, LoggedQuestion] = {}
    for row in rows:
        newest.setdefault(row.text.casefold(), _value(row))
    return list(newest.values())


def _value(row: QuestionRow) -> LoggedQuestion:
    return LoggedQuestion(row.id, row.text, row.language, row.spoken, row.asker, row.answer, row.created_at)
