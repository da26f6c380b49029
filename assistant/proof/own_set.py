"""The company's own test set as it is scored, and how it grew. Words of questions leave here for scoring alone."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import TrainerAnswerRow
from assistant.proof.tables import ProofQuestionRow, ProofSource
from assistant.questions.tables import QuestionRow
from knowledge.recordings.tables import RecordingRow, RecordingState


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """`id`: of the row of the set. `start_s`, `end_s`: of the moment that answers it."""

    id: str
    text: str = field(repr=False)
    language: str
    source: ProofSource
    recording_id: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class OwnSet:
    """`gone`: how many are left out because their recording was removed, or because who said that this moment answers
    says so no more: a trainer's answer was withdrawn, an asker's yes taken back or said of another moment."""

    questions: tuple[ProofQuestion, ...]
    gone: int = 0


@dataclass(frozen=True, slots=True)
class WeekSize:
    """How many questions a week brought, as they are there now."""

    week: str
    confirmed: int
    trainer: int
    total: int
    """With all weeks before."""


def own_set(session: Session, only: Collection[str] | None = None) -> OwnSet:
    """In the order in which they came. `only`: ids of rows, few enough for a statement; None for all."""
    still_said = and_(
        FeedbackRow.question_id == ProofQuestionRow.question_id,
        FeedbackRow.kind == Judgement.YES,
        FeedbackRow.recording_id == ProofQuestionRow.recording_id,
        FeedbackRow.start_s == ProofQuestionRow.start_s,
        FeedbackRow.end_s == ProofQuestionRow.end_s,
    )
    query = (
        select(ProofQuestionRow, RecordingRow.state, QuestionRow, TrainerAnswerRow, FeedbackRow.kind)
        .join(RecordingRow, RecordingRow.id == ProofQuestionRow.recording_id)
        .outerjoin(QuestionRow, QuestionRow.id == ProofQuestionRow.question_id)
        .outerjoin(TrainerAnswerRow, TrainerAnswerRow.id == ProofQuestionRow.trainer_answer_id)
        .outerjoin(FeedbackRow, still_said)
        .order_by(ProofQuestionRow.id)
    )
    if only is not None:
        query = query.where(ProofQuestionRow.id.in_(only))
    found, gone = [], 0
    for row, state, asked, answered, said in session.execute(query):
        withdrawn = said is None if answered is None else answered.withdrawn_at is not None
        if state is not RecordingState.READY or withdrawn:
            gone += 1
            continue
        text, language = (asked.text, asked.language) if asked is not None else (answered.question, answered.language)
        found.append(ProofQuestion(row.id, text, language, row.source, row.recording_id, row.start_s, row.end_s))
    return OwnSet(tuple(found), gone)


def sizes(session: Session) -> list[WeekSize]:
    """Week by week, oldest first."""
    counted: Counter[tuple[str, ProofSource]] = Counter()
    for week, source in session.execute(select(ProofQuestionRow.week, ProofQuestionRow.source)):
        counted[week, source] += 1
    grown: list[WeekSize] = []
    for week in sorted({week for week, _ in counted}):
        confirmed, trainer = (counted[week, source] for source in (ProofSource.CONFIRMED, ProofSource.TRAINER))
        before = grown[-1].total if grown else 0
        grown.append(WeekSize(week, confirmed, trainer, before + confirmed + trainer))
    return grown
