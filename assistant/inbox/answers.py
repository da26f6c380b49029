"""What trainers answered: made, read for those who may hear the course, withdrawn. One answer an open question at a
time; whoever comes second is told so."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, func, or_, select, update
from sqlalchemy.orm import Session

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.policy import Action
from assistant.access.tables import PersonRow
from assistant.audit.event import EARMARK, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput, Conflict, NotFound
from assistant.feedback.judging import forget_yes_to_trainers
from assistant.inbox.items import NO_SUCH_ITEM, may_see, open_item
from assistant.inbox.tables import WAITING, ItemState, OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.notices.telling import not_for, take_back, tell_askers
from assistant.questions.log import LoggedQuestion
from knowledge.database import Database, new_id, slices, storable_text
from knowledge.finding.languages import guess_language
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.transcripts import store as transcripts

LONGEST_LINE = 2_000
LONGEST_QUESTION = 500
LONGEST_SPEECH_S = 120.0
"""A new recording with no more speech than this answers as a whole; in a longer one somebody shows where."""

ANSWERED_ALREADY = ("somebody has answered this in the meantime", "look at their answer; you can take it back there")
COMING_ALREADY = ("a new recording is on its way to answer this", "wait for it, or answer with a moment or a line")
SET_ASIDE_ALREADY = ("somebody has set this aside in the meantime", "open it again if it needs an answer")
OPEN_ALREADY = ("this question is open", "answer it, or set it aside")
NO_SUCH_ANSWER = ("there is no such answer", "look at the list of answers")
NOT_PLAYABLE = ("this recording cannot be played yet, or no more", "choose a moment of another recording")
NO_MOMENT = ("there is no such moment in this recording", "copy the link of a moment and put it in here")
NO_LINE = ("the answer is empty", "write a line, or choose a moment")
LINE_TOO_LONG = (f"the answer is longer than {LONGEST_LINE:,} characters", "say it in a few sentences")
NO_QUESTION = ("the question is empty", "write what is asked, as you would say it")
QUESTION_TOO_LONG = (f"the question is longer than {LONGEST_QUESTION:,} characters", "say it in a sentence")
"""What is wrong and what to do, as pages say it in their language."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`end_s`: None for as far as what is being said at `start_s` goes."""

    recording_id: str
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class TrainerAnswer:
    """A moment or a line. `made_by`: a name, None for somebody who is known no more, or where nobody signs in."""

    id: str
    item_id: str | None
    course_id: str
    question: str
    moment: Moment | None
    line: str | None
    made_by: str | None
    made_at: dt.datetime


def answer_with_moment(
    database: Database, caller: Caller, item_id: str, *, question: str, moment: Moment, now: dt.datetime
) -> str:
    """The answer's id. Those who asked are told.

    Raises NotFound, Forbidden where the caller may not edit the moment's course, Conflict where it is answered,
    BadInput where there is no such moment.
    """
    asked = _clean_question(question)
    with database.write() as session:
        row = _held_item(session, caller, item_id)
        recording = recordings.recording(session, moment.recording_id)
        heard = course_rights.permitted(session, caller, Action.HEAR)
        if recording is None or recording.course_id not in heard or recording.state is not RecordingState.READY:
            raise BadInput(*NOT_PLAYABLE)
        course_rights.require(session, caller, Action.EDIT, recording.course_id)
        placed = _placed(session, moment)
        return _answer(session, row, caller.person_id, caller.actor, recording.course_id, asked, placed, now)


def answer_with_line(
    database: Database, caller: Caller, item_id: str, *, question: str, line: str, course_id: str, now: dt.datetime
) -> str:
    """A line of text, for whoever may hear this course. Raises as above."""
    asked, said = _clean_question(question), storable_text(line).strip()
    if not said:
        raise BadInput(*NO_LINE)
    if len(said) > LONGEST_LINE:
        raise BadInput(*LINE_TOO_LONG)
    with database.write() as session:
        row = _held_item(session, caller, item_id)
        course_rights.require(session, caller, Action.EDIT, course_id)
        return _answer(session, row, caller.person_id, caller.actor, course_id, asked, said, now)


def answer_with_recording(
    database: Database, caller: Caller, item_id: str, *, question: str, recording_id: str, now: dt.datetime
) -> None:
    """A recording that is on its way: it answers as soon as it is findable. Raises as above, and Conflict where
    another one is on its way already."""
    with database.write() as session:
        row = _held_item(session, caller, item_id)
        asked = check_wants_recording(row.state, question)
        recording = recordings.recording(session, recording_id)
        if recording is None or recording.state is RecordingState.REMOVED:
            raise BadInput(*NOT_PLAYABLE)
        course_rights.require(session, caller, Action.EDIT, recording.course_id)
        row.state, row.recording_id, row.taken_as = ItemState.COMING, recording_id, asked
        row.taken_by, row.changed_at = caller.person_id, now
        _note(session, caller.actor, AuditAction.OPEN_QUESTION_ANSWERED, item_id, "recording")


def check_wants_recording(state: ItemState, question: str) -> str:
    """The question as it is kept. To be asked before a file is taken in, too. Raises Conflict, BadInput."""
    _check_waits(state)
    if state is ItemState.COMING:
        raise Conflict(*COMING_ALREADY)
    return _clean_question(question)


def settle_coming(database: Database, *, now: dt.datetime) -> int:
    """Answer what waited for a recording that is findable now, and give back what waited in vain. How many."""
    with database.read() as session:
        waiting = select(OpenItemRow.id).where(OpenItemRow.state == ItemState.COMING)
        items = session.scalars(waiting).all()
    return sum(_settle(database, item_id, now) for item_id in items)


def give_up_removed(database: Database, *, now: dt.datetime) -> int:
    """Answers whose recording was removed answer nothing any more: what nothing else answers is open again. How many
    questions."""
    with database.read() as session:
        if not session.scalars(_answered_in_vain().limit(1)).first():
            return 0
    with database.write() as session:
        items = session.scalars(_answered_in_vain().with_for_update()).all()
        for item in items:
            for answer in session.scalars(
                select(TrainerAnswerRow).where(
                    TrainerAnswerRow.item_id == item.id, TrainerAnswerRow.withdrawn_at.is_(None)
                )
            ):
                answer.withdrawn_at = now
            _reopen_answered(session, item, now)
            _note(session, EARMARK, AuditAction.OPEN_QUESTION_REOPENED, item.id)
    return len(items)


def set_aside(database: Database, caller: Caller, item_id: str, *, now: dt.datetime) -> None:
    """It needs no answer from the recordings. Raises NotFound, Conflict."""
    with database.write() as session:
        row = _held_item(session, caller, item_id)
        row.state, row.changed_at = ItemState.SET_ASIDE, now
        _note(session, caller.actor, AuditAction.OPEN_QUESTION_SET_ASIDE, item_id)


def open_again(database: Database, caller: Caller, item_id: str, *, now: dt.datetime) -> None:
    """What was set aside, or waits for a recording. Raises NotFound, Conflict."""
    with database.write() as session:
        row = _seen_item(session, caller, item_id)
        if row.state is ItemState.ANSWERED:
            raise Conflict(*ANSWERED_ALREADY)
        if row.state is ItemState.OPEN:
            raise Conflict(*OPEN_ALREADY)
        _reopen(row, now)
        _note(session, caller.actor, AuditAction.OPEN_QUESTION_REOPENED, item_id)


def withdraw(database: Database, caller: Caller, answer_id: str, *, now: dt.datetime) -> str | None:
    """Take an answer back: the question is open again, those who were not told yet are not told. Its item, if there.

    Raises NotFound, Forbidden.
    """
    with database.write() as session:
        row = session.get(TrainerAnswerRow, answer_id, with_for_update=True)
        if row is None or row.withdrawn_at is not None:
            raise NotFound(*NO_SUCH_ANSWER)
        try:
            course_rights.require(session, caller, Action.EDIT, row.course_id)
        except NotFound as error:
            raise NotFound(*NO_SUCH_ANSWER) from error
        row.withdrawn_at = now
        item = session.get(OpenItemRow, row.item_id, with_for_update=True) if row.item_id else None
        if item is not None and item.state is ItemState.ANSWERED:
            _reopen_answered(session, item, now)
        _note(session, caller.actor, AuditAction.ANSWER_WITHDRAWN, row.item_id)
        return row.item_id


def newest_answers(session: Session, courses: Collection[str], *, limit: int) -> list[TrainerAnswer]:
    """Of these courses, the newest first."""
    query = _standing().where(TrainerAnswerRow.course_id.in_(courses)).order_by(TrainerAnswerRow.id.desc())
    return [_value(each) for each in session.execute(query.limit(limit))]


def answer_of(session: Session, item_id: str, courses: Collection[str]) -> TrainerAnswer | None:
    """What an open question was answered with, and it stands, for whoever may hear these courses."""
    return _first(session, _standing().where(TrainerAnswerRow.item_id == item_id), courses)


def how_many(session: Session, courses: Collection[str], *, since: dt.datetime) -> int:
    """Answers of these courses that were given since then, and stand."""
    query = select(func.count()).select_from(TrainerAnswerRow).where(TrainerAnswerRow.withdrawn_at.is_(None))
    within = TrainerAnswerRow.course_id.in_(courses), TrainerAnswerRow.made_at >= since
    return session.scalar(query.where(*within)) or 0


def answer_by_id(session: Session, answer_id: str, courses: Collection[str]) -> TrainerAnswer | None:
    """None where it was withdrawn, and where it is for none of these courses."""
    return _first(session, _standing().where(TrainerAnswerRow.id == answer_id), courses)


def standing(session: Session, answer_ids: Collection[str], courses: Collection[str]) -> set[str]:
    """Those of the answers that were not taken back, for whoever may hear these courses."""
    found: set[str] = set()
    for some in slices(sorted(answer_ids)):
        query = select(TrainerAnswerRow.id, TrainerAnswerRow.course_id).where(
            TrainerAnswerRow.id.in_(some), TrainerAnswerRow.withdrawn_at.is_(None)
        )
        found |= {key for key, course_id in session.execute(query) if course_id in courses}
    return found


def answer_to(session: Session, question_id: str, courses: Collection[str]) -> TrainerAnswer | None:
    """What a trainer answered to this very question, and it stands, for whoever may hear these courses."""
    query = (
        _standing()
        .join(OpenQuestionRow, OpenQuestionRow.item_id == TrainerAnswerRow.item_id)
        .where(OpenQuestionRow.question_id == question_id)
    )
    return _first(session, query, courses)


def answer_shown(session: Session, question: LoggedQuestion, courses: Collection[str]) -> TrainerAnswer | None:
    """What a trainer answered to this question, or to the same one before it."""
    found = answer_to(session, question.id, courses)
    by = question.document.get("known", {}).get("answer_id")
    return found if found is not None or by is None else answer_by_id(session, by, courses)


def _first(session: Session, query: Select[TrainerAnswerRow, str], courses: Collection[str]) -> TrainerAnswer | None:
    """The newest of them."""
    found = session.execute(query.order_by(TrainerAnswerRow.id.desc()))
    return next((each for each in map(_value, found) if each.course_id in courses), None)


def _standing() -> Select[TrainerAnswerRow, str]:
    named = select(TrainerAnswerRow, PersonRow.name).outerjoin(PersonRow, PersonRow.id == TrainerAnswerRow.made_by)
    return named.where(TrainerAnswerRow.withdrawn_at.is_(None))


def _value(found: Row[TrainerAnswerRow, str]) -> TrainerAnswer:
    row, name = found
    moment = None
    if row.recording_id is not None and row.start_s is not None:
        moment = Moment(row.recording_id, row.start_s, row.end_s)
    return TrainerAnswer(row.id, row.item_id, row.course_id, row.question, moment, row.line, name, row.made_at)


def _clean_question(question: str) -> str:
    asked = " ".join(storable_text(question).split())
    if not asked:
        raise BadInput(*NO_QUESTION)
    if len(asked) > LONGEST_QUESTION:
        raise BadInput(*QUESTION_TOO_LONG)
    return asked


def _seen_item(session: Session, caller: Caller, item_id: str) -> OpenItemRow:
    row = session.get(OpenItemRow, item_id, with_for_update=True)
    heard = course_rights.permitted(session, caller, Action.HEAR)
    if row is None or not may_see(session, item_id, heard):
        raise NotFound(*NO_SUCH_ITEM)
    return row


def _held_item(session: Session, caller: Caller, item_id: str) -> OpenItemRow:
    """Waiting, and nobody else's until this transaction ends."""
    row = _seen_item(session, caller, item_id)
    _check_waits(row.state)
    return row


def _check_waits(state: ItemState) -> None:
    if state not in WAITING:
        raise Conflict(*(SET_ASIDE_ALREADY if state is ItemState.SET_ASIDE else ANSWERED_ALREADY))


def _placed(session: Session, moment: Moment) -> Moment:
    """With both its ends inside what is said there. Raises BadInput."""
    recording = recordings.recording(session, moment.recording_id)
    if recording is None or recording.revision is None or not 0 <= moment.start_s <= (recording.duration_s or 0.0):
        raise BadInput(*NO_MOMENT)
    segments = transcripts.segments_of(session, recording.id, recording.revision)
    said = [each for each in segments if each.searchable and each.end_s > moment.start_s]
    if not said:
        raise BadInput(*NO_MOMENT)
    end_s = moment.end_s if moment.end_s is not None else said[0].end_s
    if not moment.start_s < end_s:
        raise BadInput(*NO_MOMENT)
    return Moment(recording.id, moment.start_s, min(end_s, recording.duration_s or end_s))


def _answer(
    session: Session,
    item: OpenItemRow,
    made_by: str | None,
    actor: str,
    course_id: str,
    question: str,
    what: Moment | str,
    now: dt.datetime,
) -> str:
    moment = what if isinstance(what, Moment) else None
    row = TrainerAnswerRow(
        id=new_id(),
        item_id=item.id,
        course_id=course_id,
        question=question,
        language=guess_language(question),
        recording_id=moment.recording_id if moment else None,
        start_s=moment.start_s if moment else None,
        end_s=moment.end_s if moment else None,
        line=what if isinstance(what, str) else None,
        made_by=made_by,
        made_at=now,
    )
    session.add(row)
    item.state, item.changed_at = ItemState.ANSWERED, now
    session.flush()
    _keep_open(session, item, not_for(session, _questions_of(session, item.id), course_id=course_id), now)
    tell_askers(session, _questions_of(session, item.id), course_id=course_id, now=now)
    _note(session, actor, AuditAction.OPEN_QUESTION_ANSWERED, item.id, "moment" if moment else "line")
    return row.id


def _keep_open(session: Session, item: OpenItemRow, question_ids: Sequence[str], now: dt.datetime) -> None:
    """These still wait for somebody, beside the item that was answered."""
    if not question_ids:
        return
    beside = open_item(session, course_id=item.course_id, now=now)
    for some in slices(question_ids):
        moved = update(OpenQuestionRow).where(OpenQuestionRow.question_id.in_(some))
        session.execute(moved.values(item_id=beside))


def _settle(database: Database, item_id: str, now: dt.datetime) -> bool:
    with database.write() as session:
        row = session.get(OpenItemRow, item_id, with_for_update=True)
        if row is None or row.state is not ItemState.COMING:
            return False
        recording = recordings.recording(session, row.recording_id) if row.recording_id else None
        if recording is not None and recording.state is RecordingState.INDEXING:
            return False
        if recording is None or recording.state is not RecordingState.READY or recording.revision is None:
            _reopen(row, now)
            return True
        segments = transcripts.segments_of(session, recording.id, recording.revision)
        said = [each for each in segments if each.searchable]
        if not said or said[-1].end_s - said[0].start_s > LONGEST_SPEECH_S:
            row.state, row.changed_at = ItemState.OPEN, now  # the recording stays beside it, for somebody to point into
            return True
        whole = Moment(recording.id, said[0].start_s, said[-1].end_s)
        _answer(session, row, row.taken_by, EARMARK, recording.course_id, row.taken_as or recording.title, whole, now)
        return True


def _answered_in_vain() -> Select[OpenItemRow]:
    """What is answered by nothing that could still be shown."""
    shown = (
        select(TrainerAnswerRow.id)
        .outerjoin(RecordingRow, RecordingRow.id == TrainerAnswerRow.recording_id)
        .where(
            TrainerAnswerRow.item_id == OpenItemRow.id,
            TrainerAnswerRow.withdrawn_at.is_(None),
            or_(TrainerAnswerRow.line.is_not(None), RecordingRow.state != RecordingState.REMOVED),
        )
    )
    return select(OpenItemRow).where(OpenItemRow.state == ItemState.ANSWERED, ~shown.exists())


def _reopen_answered(session: Session, row: OpenItemRow, now: dt.datetime) -> None:
    """Nobody is told any more, and nobody has said that it was it."""
    _reopen(row, now)
    asked = _questions_of(session, row.id)
    take_back(session, asked)
    forget_yes_to_trainers(session, asked)


def _reopen(row: OpenItemRow, now: dt.datetime) -> None:
    row.state, row.changed_at = ItemState.OPEN, now
    row.recording_id = row.taken_by = row.taken_as = None


def _questions_of(session: Session, item_id: str) -> Sequence[str]:
    query = select(OpenQuestionRow.question_id).where(OpenQuestionRow.item_id == item_id)
    return session.scalars(query.order_by(OpenQuestionRow.question_id)).all()


def _note(session: Session, actor: str, action: AuditAction, item_id: str | None, way: str = "") -> None:
    kind = "open-question" if item_id else None
    append(session, AuditEvent(actor, action, kind, item_id, details={"with": way} if way else {}))
