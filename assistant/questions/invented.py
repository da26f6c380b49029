"""Questions that nobody asked: a demo's invented log. They are told apart by their askers alone, who are no people.

Figures and open questions are made of them as of all others; nobody is told of an answer to them, they bend no answer,
and they are in no test set.
"""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from assistant.questions.tables import QuestionRow

INVENTED = "invented:"
"""Each invented asker begins with it. No id of a person and no token of a browser has a colon."""


def is_invented(asker: str | None) -> bool:
    return asker is not None and asker.startswith(INVENTED)


def asked_by_nobody() -> ColumnElement[bool]:
    """Of QuestionRow."""
    return QuestionRow.asker.startswith(INVENTED)


def really_asked() -> ColumnElement[bool]:
    """Of QuestionRow; the command line's, which has no asker, too."""
    return or_(QuestionRow.asker.is_(None), ~asked_by_nobody())


def invented_ids(session: Session) -> list[str]:
    return list(session.scalars(select(QuestionRow.id).where(asked_by_nobody()).order_by(QuestionRow.id)))


def has_invented(session: Session) -> bool:
    return session.scalar(select(QuestionRow.id).where(asked_by_nobody()).limit(1)) is not None


def has_real(session: Session) -> bool:
    return session.scalar(select(QuestionRow.id).where(really_asked()).limit(1)) is not None
