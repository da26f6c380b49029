"""Vectors for what was kept without one: asked while the embedder was away, or before it was changed; and for what
trainers answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from assistant.inbox.tables import TrainerAnswerRow
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.questions.vectors import packed
from knowledge.database import insert_unless_there
from knowledge.embedding import Vectors
from knowledge.transcripts.segment import UNDETERMINED


@dataclass(frozen=True, slots=True)
class Unembedded:
    """`is_answer`: the text of a trainer's, else of a question that was asked."""

    id: str
    text: str
    is_answer: bool


def without_vector(session: Session, digest: str, languages: frozenset[str] | None, *, limit: int) -> list[Unembedded]:
    """What has no vector of this embedder and is in a language that it knows; trainers' first, then the newest."""
    answers = (
        select(TrainerAnswerRow.id, TrainerAnswerRow.question)
        .where(TrainerAnswerRow.withdrawn_at.is_(None), TrainerAnswerRow.digest.is_distinct_from(digest))
        .where(_known(TrainerAnswerRow.language, languages))
        .limit(limit)
    )
    questions = (
        select(QuestionRow.id, QuestionRow.text)
        .outerjoin(QuestionVectorRow, QuestionVectorRow.question_id == QuestionRow.id)
        .where(QuestionVectorRow.digest.is_distinct_from(digest), _known(QuestionRow.language, languages))
        .order_by(QuestionRow.id.desc())
        .limit(limit)
    )
    found = [Unembedded(*row, is_answer=True) for row in session.execute(answers)]
    return (found + [Unembedded(*row, is_answer=False) for row in session.execute(questions)])[:limit]


def save_vectors(session: Session, digest: str, embedded: Sequence[Unembedded], vectors: Vectors) -> None:
    """`vectors`: float32, shape (len(embedded), dimensions). What is gone meanwhile stays gone."""
    for each, vector in zip(embedded, vectors, strict=True):
        if each.is_answer:
            answer = session.get(TrainerAnswerRow, each.id, with_for_update=True)
            if answer is not None:
                answer.digest, answer.vector = digest, packed(vector)
        elif session.get(QuestionRow, each.id, with_for_update=True) is not None:
            row = {"question_id": each.id, "digest": digest, "vector": packed(vector)}
            insert_unless_there(session, QuestionVectorRow, [row])
            session.get_one(QuestionVectorRow, each.id, populate_existing=True).digest = digest
            session.get_one(QuestionVectorRow, each.id).vector = packed(vector)


def _known(language: InstrumentedAttribute[str], known: frozenset[str] | None) -> ColumnElement[bool]:
    """As `knowledge.finding.languages.knows`, in SQL."""
    if known is None:
        return true()
    bases = sorted({each.split("-")[0] for each in known} | {UNDETERMINED})
    return or_(language.in_(bases), *(language.startswith(f"{each}-") for each in bases))
