"""The log of questions: what was asked, and the answer as it was shown, without the words of what was removed since."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, delete, select
from sqlalchemy.orm import Session

from assistant.answering.answer import Answer
from assistant.questions.likeness import Wording
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.questions.vectors import QuestionVector, packed, read_vector
from knowledge.database import Database, slices, utc_now
from knowledge.recordings.tables import RecordingRow, RecordingState


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


def record(
    session: Session,
    answer: Answer,
    *,
    spoken: bool,
    asker: str | None,
    course_id: str | None = None,
    vector: QuestionVector | None = None,
    asked_at: dt.datetime | None = None,
) -> None:
    """Keep an answer under its own id, without the words of recordings that were removed while it was made. The sound
    is no part of it.

    `course_id`: the one that was asked, where it was one alone; where anything was found, where that lies counts.
    `asked_at`: None for now.
    """
    document = answer.as_document()
    for recording_id in _removed_of(session, {hit["recording_id"] for hit in document["hits"]}):
        document = without_recording(document, recording_id)
    session.add(
        QuestionRow(
            id=answer.id,
            text=answer.question.text,
            language=answer.question.language,
            spoken=spoken,
            asker=asker,
            answer=document,
            verdict=answer.verdict,
            course_id=answer.hits[0].hit.course_id if answer.hits else course_id,
            created_at=asked_at or utc_now(),
        )
    )
    if vector is not None:
        session.flush()
        session.add(QuestionVectorRow(question_id=answer.id, digest=vector.digest, vector=packed(vector.values)))


def get(database: Database, question_id: str) -> LoggedQuestion | None:
    with database.read() as session:
        row = session.get(QuestionRow, question_id)
        return None if row is None else _value(row)


def recent(database: Database, *, asker: str, limit: int = 5) -> list[LoggedQuestion]:
    """The asker's newest questions, newest first, each text once."""
    with database.read() as session:
        return _newest_of_each_text(session, asker)[:limit]


def page_of(database: Database, asker: str, *, after: str | None, limit: int) -> list[LoggedQuestion]:
    """Everything one asker asked, newest first, older than the question `after`."""
    query = select(QuestionRow).where(QuestionRow.asker == asker).order_by(QuestionRow.id.desc()).limit(limit)
    if after is not None:
        query = query.where(QuestionRow.id < after)
    with database.read() as session:
        return [_value(row) for row in session.scalars(query)]


def export_of(database: Database, asker: str) -> list[dict[str, Any]]:
    """Everything the log has of one asker, oldest first: for that person alone."""
    with database.read() as session:
        rows = session.scalars(select(QuestionRow).where(QuestionRow.asker == asker).order_by(QuestionRow.id))
        return [
            {"id": row.id, "asked_at": row.created_at.isoformat(), "spoken": row.spoken, "answer": row.answer}
            | {"text": row.text, "language": row.language}
            for row in rows
        ]


def quoting_only(
    document: dict[str, Any], recording_ids: Collection[str], answer_ids: Collection[str]
) -> dict[str, Any]:
    """An answer's document whose hits in other recordings say only that there was one, not even in which; and without
    what a trainer answered, unless it is one of these answers."""
    hits = document["hits"]
    from_another = bool(hits) and hits[0]["recording_id"] not in recording_ids
    taught = trainers_answer(document)
    return {
        **document,
        "answer": None if from_another or (taught and taught not in answer_ids) else document["answer"],
        "hits": [
            hit if hit["recording_id"] in recording_ids else {"rank": hit["rank"], "removed": True} for hit in hits
        ],
    }


def trainers_answer(document: dict[str, Any]) -> str | None:
    """The trainer's answer that an answer's document rests on."""
    known: dict[str, Any] = document.get("known") or {}
    return known.get("answer_id")


@dataclass(frozen=True, slots=True)
class AskedWording:
    """A question as others are compared with it."""

    id: str
    wording: Wording


def newest_of(session: Session, asker: str, *, since: dt.datetime, but: str) -> AskedWording | None:
    """The asker's newest question since then, but for one."""
    newest = session.scalars(
        select(QuestionRow.id)
        .where(QuestionRow.asker == asker, QuestionRow.created_at >= since, QuestionRow.id != but)
        .order_by(QuestionRow.created_at.desc(), QuestionRow.id.desc())
        .limit(1)
    ).first()
    return next(iter(wordings(session, [newest]))) if newest is not None else None


def wordings(session: Session, ids: Sequence[str]) -> list[AskedWording]:
    """Those of the questions that are there, in no order."""
    found: list[AskedWording] = []
    for some in slices(ids):
        query = (
            select(QuestionRow.id, QuestionRow.text, QuestionVectorRow.digest, QuestionVectorRow.vector)
            .outerjoin(QuestionVectorRow, QuestionVectorRow.question_id == QuestionRow.id)
            .where(QuestionRow.id.in_(some))
        )
        found += [
            AskedWording(row.id, Wording(row.text, read_vector(row.digest, row.vector)))
            for row in session.execute(query)
        ]
    return found


def lock(session: Session, question_id: str) -> bool:
    """Whether it is there, and until this transaction ends nobody deletes it."""
    query = select(QuestionRow.id).where(QuestionRow.id == question_id).with_for_update(read=True)
    return session.scalar(query) is not None


def ids_of(session: Session, asker: str) -> list[str]:
    """The asker's questions, oldest first."""
    return list(session.scalars(select(QuestionRow.id).where(QuestionRow.asker == asker).order_by(QuestionRow.id)))


def hold_own(session: Session, question_id: str, asker: str) -> bool:
    """Whether it is the asker's and there; nobody deletes it before this transaction ends."""
    query = select(QuestionRow.id).where(QuestionRow.id == question_id, QuestionRow.asker == asker)
    return session.scalar(query.with_for_update(read=True)) is not None


def own_texts(session: Session, asker: str) -> list[tuple[str, str]]:
    """Ids and words of everything one asker asked, newest first."""
    query = select(QuestionRow.id, QuestionRow.text).where(QuestionRow.asker == asker).order_by(QuestionRow.id.desc())
    return [(key, text) for key, text in session.execute(query)]


def own_of(session: Session, asker: str, ids: Sequence[str]) -> list[LoggedQuestion]:
    """Those of the ids that are the asker's, newest first."""
    rows: list[QuestionRow] = []
    for some in slices(ids):
        rows += session.scalars(select(QuestionRow).where(QuestionRow.id.in_(some), QuestionRow.asker == asker))
    return [_value(row) for row in sorted(rows, key=lambda row: row.id, reverse=True)]


def ids_before(session: Session, moment: dt.datetime, *, limit: int) -> list[str]:
    """Questions asked before a moment, oldest first."""
    query = select(QuestionRow.id).where(QuestionRow.created_at < moment).order_by(QuestionRow.created_at)
    return list(session.scalars(query.limit(limit)))


def known_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of the ids that the log has."""
    found: set[str] = set()
    for some in slices(ids):
        found |= set(session.scalars(select(QuestionRow.id).where(QuestionRow.id.in_(some))))
    return found


def delete_question(session: Session, question_id: str) -> bool:
    """Whether it was there. `assistant.questions.deleting` is the whole of it: noted, with its sound."""
    return bool(delete_questions(session, [question_id]))


def delete_questions_of(session: Session, asker: str) -> list[str]:
    """Everything that one asker asked. The ids."""
    return delete_questions(session, ids_of(session, asker))


def delete_questions(session: Session, ids: Sequence[str]) -> list[str]:
    """The ids of those that were there."""
    gone: list[str] = []
    for some in slices(ids):
        gone += session.scalars(delete(QuestionRow).where(QuestionRow.id.in_(some)).returning(QuestionRow.id))
    return gone


def naming_recording(session: Session, recording_id: str) -> list[str]:
    """Questions whose kept answers hold something of a recording."""
    return list(session.scalars(select(QuestionRow.id).where(cast(QuestionRow.answer, Text).contains(recording_id))))


def forget_recording(session: Session, question_ids: Sequence[str], recording_id: str) -> None:
    """Take a recording's words and names out of these kept answers; what was asked stays."""
    for some in slices(question_ids):
        for row in session.scalars(select(QuestionRow).where(QuestionRow.id.in_(some)).with_for_update()):
            row.answer = without_recording(row.answer, recording_id)
        session.flush()


def without_recording(document: dict[str, Any], recording_id: str) -> dict[str, Any]:
    """An answer's document whose hits in a recording say only that there was one; what was quoted from it goes, too."""
    hits = document["hits"]
    quoted_from_it = bool(hits) and hits[0]["recording_id"] == recording_id
    return {
        **document,
        "answer": None if quoted_from_it else document["answer"],
        "hits": [_tombstone(hit) if hit["recording_id"] == recording_id else hit for hit in hits],
    }


def _tombstone(hit: dict[str, Any]) -> dict[str, Any]:
    return {"rank": hit["rank"], "recording_id": hit["recording_id"], "removed": True}


def _removed_of(session: Session, recording_ids: Collection[str]) -> list[str]:
    """Nobody removes one of them before this transaction ends: its answer would be looked through too early."""
    query = select(RecordingRow.id, RecordingRow.state).where(RecordingRow.id.in_(recording_ids))
    states = session.execute(query.order_by(RecordingRow.id).with_for_update(read=True)).all()
    return [key for key, state in states if state is RecordingState.REMOVED]


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
