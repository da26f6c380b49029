"""Keeping judgements: a yes and a no take each other's place, everything else is kept once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.errors import BadInput
from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.questions import log
from assistant.questions.likeness import NEAR, Wording, likenesses
from assistant.questions.log import LoggedQuestion
from knowledge.database import insert_unless_there, slices

ASKED_AGAIN_WITHIN = dt.timedelta(minutes=10)
_OPPOSITE = {Judgement.YES: Judgement.NO, Judgement.NO: Judgement.YES}
NO_SUCH_MOMENT = ("this moment is not part of the answer any more", "load the page again")
"""What is wrong and what to do, as pages say it in their language."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What its asker said of an answer. `rank`: of the moment that was it, as the kept answer counts; `trainers`: what
    a trainer answered was it."""

    said: Judgement | None = None
    rank: int | None = None
    trainers: bool = False


def judge(
    session: Session,
    question: LoggedQuestion,
    judgement: Judgement,
    *,
    rank: int | None = None,
    trainers: bool = False,
    now: dt.datetime,
) -> None:
    """`rank`: of the moment in the kept answer, for YES and PLAYED; `trainers`: a YES to what a trainer answered, which
    the caller knows to stand, and is kept without a moment. Raises BadInput where the answer has no such moment now.

    Whoever calls this knows that the question is the judge's own.
    """
    without = judgement in {Judgement.NO, Judgement.ASKED_AGAIN} or (judgement is Judgement.YES and trainers)
    moment = None if without else _moment(question, rank)
    replaced = [judgement, _OPPOSITE[judgement]] if judgement in _OPPOSITE else []
    session.execute(delete(FeedbackRow).where(FeedbackRow.question_id == question.id, FeedbackRow.kind.in_(replaced)))
    _keep(session, question.id, judgement, now, **(moment or {}))


def take_back(session: Session, question_id: str) -> None:
    """Neither yes nor no any more."""
    session.execute(delete(FeedbackRow).where(FeedbackRow.question_id == question_id, FeedbackRow.kind.in_(_OPPOSITE)))


def forget_yes_to_trainers(session: Session, question_ids: Sequence[str]) -> None:
    """What a trainer answered to these questions stands no more, and nothing else was it."""
    for some in slices(question_ids):
        said = FeedbackRow.question_id.in_(some), FeedbackRow.kind == Judgement.YES
        session.execute(delete(FeedbackRow).where(*said, FeedbackRow.recording_id.is_(None)))


def judged(session: Session, question: LoggedQuestion) -> Judged:
    rows = session.scalars(
        select(FeedbackRow).where(FeedbackRow.question_id == question.id, FeedbackRow.kind.in_(_OPPOSITE))
    ).all()
    if not rows:
        return Judged()
    ranks = [
        hit["rank"]
        for hit in question.document["hits"]
        if hit.get("recording_id") == rows[0].recording_id and hit.get("start_s") == rows[0].start_s
    ]
    if rows[0].kind is not Judgement.YES:
        return Judged(rows[0].kind)
    return Judged(Judgement.YES, ranks[0] if ranks else None, trainers=rows[0].recording_id is None)


def note_asked_again(session: Session, asker: str, question_id: str, asked: Wording, *, now: dt.datetime) -> None:
    """Where somebody asks nearly the same soon after, the answer before was not it, unless they said that it was."""
    before = log.newest_of(session, asker, since=now - ASKED_AGAIN_WITHIN, but=question_id)
    if before is None or not likenesses(asked, [before.wording], NEAR)[0] or not log.lock(session, before.id):
        return
    if session.get(FeedbackRow, (before.id, Judgement.YES)) is None:
        _keep(session, before.id, Judgement.ASKED_AGAIN, now)


def export_of(session: Session, question_ids: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """What was kept about each of those questions that have any, oldest first: for their asker alone."""
    found: dict[str, list[dict[str, object]]] = {}
    for some in slices(question_ids):
        query = select(FeedbackRow).where(FeedbackRow.question_id.in_(some))
        for row in session.scalars(query.order_by(FeedbackRow.made_at, FeedbackRow.kind)):
            said: dict[str, object] = {"kind": row.kind.value, "at": row.made_at.isoformat()}
            if row.recording_id is not None:
                said |= {"recording_id": row.recording_id, "start_s": row.start_s, "end_s": row.end_s}
            found.setdefault(row.question_id, []).append(said)
    return found


def judgements_of(session: Session, question_ids: Sequence[str]) -> dict[str, set[Judgement]]:
    """Of those questions that have any."""
    found: dict[str, set[Judgement]] = {}
    for some in slices(question_ids):
        query = select(FeedbackRow.question_id, FeedbackRow.kind).where(FeedbackRow.question_id.in_(some))
        for question_id, kind in session.execute(query):
            found.setdefault(question_id, set()).add(kind)
    return found


def _moment(question: LoggedQuestion, rank: int | None) -> dict[str, object]:
    for hit in question.document["hits"]:
        if hit["rank"] == rank and not hit.get("removed"):
            return {key: hit[key] for key in ("recording_id", "start_s", "end_s")}
    raise BadInput(*NO_SUCH_MOMENT)


def _keep(session: Session, question_id: str, judgement: Judgement, now: dt.datetime, **moment: object) -> None:
    row = {"recording_id": None, "start_s": None, "end_s": None, **moment}
    insert_unless_there(session, FeedbackRow, [{"question_id": question_id, "kind": judgement, "made_at": now, **row}])
