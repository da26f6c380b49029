"""What goes into the company's own test set: confirmed moments that nobody contradicted, of weeks that are over."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from assistant.feedback.tables import FeedbackRow, Judgement
from assistant.inbox.tables import OpenQuestionRow, TrainerAnswerRow
from assistant.proof.tables import ProofQuestionRow, ProofSource
from assistant.questions import log
from assistant.questions.invented import really_asked
from assistant.questions.likeness import SAME, Wording, likenesses
from assistant.questions.tables import QuestionRow
from assistant.topics.week import Week
from knowledge.database import Database, insert_unless_there, new_id


@dataclass(frozen=True, slots=True)
class Moment:
    recording_id: str
    start_s: float
    end_s: float

    def meets(self, other: "Moment") -> bool:
        """Whether both have a stretch in common."""
        return self.recording_id == other.recording_id and self.start_s <= other.end_s and other.start_s <= self.end_s


@dataclass(frozen=True, slots=True)
class Candidate:
    """`id`: of the question, or of the trainer's answer. `judged_at`: when somebody said that this moment answers."""

    id: str
    source: ProofSource
    wording: Wording
    moment: Moment
    judged_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A question whose asker said that nothing of what was shown was it."""

    wording: Wording
    shown: tuple[Moment, ...]


def chosen(candidates: Sequence[Candidate], refused: Sequence[Refused], known: Collection[str]) -> list[Candidate]:
    """Those that go in. `known`: the letters of the wordings that are in already.

    Each wording once, trainers' answers before anything else, then what was judged first; none whose moment somebody
    was shown for the same question and refused.
    """
    taken, found = set(known), []
    for each in sorted(candidates, key=lambda one: (one.source is not ProofSource.TRAINER, one.judged_at, one.id)):
        letters = each.wording.letters
        if letters and letters not in taken and not _is_contradicted(each, refused):
            taken.add(letters)
            found.append(each)
    return found


def _is_contradicted(candidate: Candidate, refused: Sequence[Refused]) -> bool:
    shown = [each.wording for each in refused if any(candidate.moment.meets(moment) for moment in each.shown)]
    return bool(likenesses(candidate.wording, shown, SAME).any())


def grow(database: Database, *, zone: dt.tzinfo, now: dt.datetime) -> int:
    """Add what was judged before this week began; how many. What is in is never rewritten. Done as often as one
    likes."""
    before = Week.of(now, zone).start(zone)
    with database.read() as session:
        candidates = [*_trainers(session, before), *_confirmed(session, before)]
        if not candidates:
            return 0
        there = {each.moment.recording_id for each in candidates}
        fresh = chosen(candidates, list(_refused(session, there)), _known_letters(session))
    with database.write() as session:
        rows = [_row(each, zone, now) for each in fresh if _is_there(session, each)]
        if rows:
            insert_unless_there(session, ProofQuestionRow, rows)
    return len(rows)


def _row(candidate: Candidate, zone: dt.tzinfo, now: dt.datetime) -> dict[str, object]:
    by_trainer = candidate.source is ProofSource.TRAINER
    return {
        "id": new_id(),
        "question_id": None if by_trainer else candidate.id,
        "trainer_answer_id": candidate.id if by_trainer else None,
        "recording_id": candidate.moment.recording_id,
        "start_s": candidate.moment.start_s,
        "end_s": candidate.moment.end_s,
        "source": candidate.source,
        "week": str(Week.of(candidate.judged_at, zone)),
        "made_at": now,
    }


def _is_there(session: Session, candidate: Candidate) -> bool:
    """Still, and until this transaction ends."""
    if candidate.source is ProofSource.CONFIRMED:
        return log.lock(session, candidate.id)
    query = select(TrainerAnswerRow.id).where(TrainerAnswerRow.id == candidate.id).with_for_update(read=True)
    return session.scalar(query) is not None


def _confirmed(session: Session, before: dt.datetime) -> Iterator[Candidate]:
    query = (
        select(FeedbackRow)
        .join(QuestionRow, QuestionRow.id == FeedbackRow.question_id)
        .where(FeedbackRow.kind == Judgement.YES, FeedbackRow.made_at < before, really_asked())
        .where(FeedbackRow.question_id.not_in(select(ProofQuestionRow.question_id).where(_HAS_QUESTION)))
    )
    said = list(session.scalars(query))
    wordings = {each.id: each.wording for each in log.wordings(session, [row.question_id for row in said])}
    for row in said:
        if row.recording_id is not None and row.start_s is not None and row.end_s is not None:
            moment = Moment(row.recording_id, row.start_s, row.end_s)
            wording = wordings[row.question_id]
            yield Candidate(row.question_id, ProofSource.CONFIRMED, wording, moment, row.made_at)


def _trainers(session: Session, before: dt.datetime) -> Iterator[Candidate]:
    """Not what was answered to questions that nobody asked, as long as the log has them."""
    any_question = select(OpenQuestionRow.item_id).where(OpenQuestionRow.item_id == TrainerAnswerRow.item_id)
    real_one = any_question.join(QuestionRow, QuestionRow.id == OpenQuestionRow.question_id).where(really_asked())
    query = (
        select(TrainerAnswerRow)
        .where(TrainerAnswerRow.made_at < before, TrainerAnswerRow.withdrawn_at.is_(None))
        .where(or_(~any_question.exists(), real_one.exists()))
        .where(TrainerAnswerRow.id.not_in(select(ProofQuestionRow.trainer_answer_id).where(_HAS_TRAINER)))
    )
    for row in session.scalars(query):
        if row.recording_id is not None and row.start_s is not None and row.end_s is not None:
            moment = Moment(row.recording_id, row.start_s, row.end_s)
            yield Candidate(row.id, ProofSource.TRAINER, Wording(row.question), moment, row.made_at)


def _refused(session: Session, recording_ids: Collection[str]) -> Iterator[Refused]:
    """Whoever said so, also of a question asked again by the one who had said yes before."""
    query = (
        select(QuestionRow.id, QuestionRow.answer)
        .join(FeedbackRow, FeedbackRow.question_id == QuestionRow.id)
        .where(FeedbackRow.kind == Judgement.NO, really_asked())
    )
    shown: dict[str, tuple[Moment, ...]] = {}
    for question_id, document in session.execute(query):
        moments = tuple(
            Moment(hit["recording_id"], hit["start_s"], hit["end_s"])
            for hit in document["hits"]
            if hit.get("recording_id") in recording_ids and not hit.get("removed")
        )
        if moments:
            shown[question_id] = moments
    for each in log.wordings(session, list(shown)):
        yield Refused(each.wording, shown[each.id])


def _known_letters(session: Session) -> set[str]:
    asked = select(QuestionRow.text).join(ProofQuestionRow, ProofQuestionRow.question_id == QuestionRow.id)
    answered = select(TrainerAnswerRow.question).join(
        ProofQuestionRow, ProofQuestionRow.trainer_answer_id == TrainerAnswerRow.id
    )
    return {Wording(text).letters for query in (asked, answered) for text in session.scalars(query)}


_HAS_QUESTION = ProofQuestionRow.question_id.is_not(None)
_HAS_TRAINER = ProofQuestionRow.trainer_answer_id.is_not(None)
