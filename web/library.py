"""What pages read of courses, recordings, jobs and questions, each within what this caller may hear or change.

Nothing here is read without a caller, and what a caller may not know of is not there. Knows no templates.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.course_rights import NO_SUCH_COURSE
from assistant.access.policy import Action
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import NotFound
from assistant.feedback import judging
from assistant.feedback.tables import Judgement
from assistant.inbox import answers
from assistant.inbox.answers import TrainerAnswer
from assistant.jobs import store as job_store
from assistant.jobs.job import Job, JobPage, JobState
from assistant.jobs.tables import JobRow
from assistant.questions import log
from assistant.questions.log import LoggedQuestion
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course, Recording
from knowledge.recordings.tables import RecordingState
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment
from web.error_pages import Gone
from web.services import WebServices

NO_SUCH_QUESTION = (
    "there is no such question of yours",
    "questions are shown only in the browser that asked them",
)
NO_SUCH_JOB = ("there is no such job", "look at the list of uploads")
NO_SUCH_RECORDING = ("there is no such recording", "choose one from the list of recordings")
REMOVED = ("this recording was removed", "ask again: another one may answer it")
"""What is wrong and what to do, as pages say it in their language."""


def services_of(request: Request) -> WebServices:
    services: WebServices = request.app.state.services
    return services


@dataclass(frozen=True, slots=True)
class CourseHoldings:
    """`may_edit`: by whoever asked for it."""

    course: Course
    recordings: int
    coming: int
    duration_s: float
    may_edit: bool


def permitted(database: Database, caller: Caller, action: Action = Action.HEAR) -> frozenset[str]:
    """The ids of the courses with which the caller may do it."""
    with database.read() as session:
        return course_rights.permitted(session, caller, action)


def courses(database: Database, caller: Caller, action: Action = Action.HEAR) -> list[Course]:
    with database.read() as session:
        allowed = course_rights.permitted(session, caller, action)
        return [course for course in recordings.list_courses(session) if course.id in allowed]


def course_names(database: Database, caller: Caller) -> dict[str, str]:
    return {course.id: course.name for course in courses(database, caller)}


def course(database: Database, caller: Caller, course_id: str, action: Action = Action.HEAR) -> Course:
    """Raises NotFound, and Forbidden where hearing is all that is allowed."""
    with database.read() as session:
        course_rights.require(session, caller, action, course_id)
        found = recordings.course(session, course_id)
    if found is None:
        raise NotFound(*NO_SUCH_COURSE)
    return found


def courses_to_search(database: Database, caller: Caller, course_id: str) -> frozenset[str]:
    """The chosen course alone, or all that the caller may hear; one that is not there is an error, not a wider
    search. Raises NotFound."""
    if course_id:
        return frozenset({course(database, caller, course_id).id})
    return permitted(database, caller)


def recording(database: Database, caller: Caller, recording_id: str, action: Action = Action.HEAR) -> Recording:
    """Raises NotFound, Gone for one that was removed from a course that the caller may hear, and Forbidden where
    hearing is all that is allowed. What is not there takes as long as what is not for the caller."""
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        found = recordings.recording(session, recording_id)
        if found is None or found.course_id not in heard:
            raise NotFound(*NO_SUCH_RECORDING)
        if action is not Action.HEAR:
            course_rights.require(session, caller, action, found.course_id)
    if found.state is RecordingState.REMOVED:
        raise Gone(*REMOVED)
    return found


def take_transcript(
    database: Database, caller: Caller, recording_id: str, *, kind: str
) -> tuple[Recording, list[Segment]]:
    """A recording with its whole transcript, to be taken away: noted in the audit log. Raises as `recording` does,
    and NotFound where there is no transcript yet."""
    found = recording(database, caller, recording_id)
    if found.revision is None:
        raise NotFound("there is no transcript yet", "come back when the recording is indexed")
    with database.write() as session:
        segments = transcripts.segments_of(session, found.id, found.revision)
        append(session, AuditEvent(caller.actor, AuditAction.EXPORTED, "recording", found.id, details={"kind": kind}))
    return found, segments


def recordings_by_id(database: Database, caller: Caller, ids: Iterable[str]) -> dict[str, Recording]:
    """Those of the ids that are there, for this caller and not removed."""
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        found = (recordings.recording(session, recording_id) for recording_id in set(ids))
        return {
            one.id: one
            for one in found
            if one is not None and one.state is not RecordingState.REMOVED and one.course_id in heard
        }


def all_recordings(database: Database, caller: Caller, course_id: str | None = None) -> list[Recording]:
    with database.read() as session:
        heard = course_rights.permitted(session, caller, Action.HEAR)
        wanted = heard & {course_id} if course_id else heard
        return recordings.list_recordings(session, wanted)


def holdings_of_courses(database: Database, caller: Caller) -> list[CourseHoldings]:
    everything = all_recordings(database, caller)
    editable = permitted(database, caller, Action.EDIT)
    found = []
    for known in courses(database, caller):
        own = [one for one in everything if one.course_id == known.id]
        ready = [one for one in own if one.state is RecordingState.READY]
        coming = sum(one.state is RecordingState.INDEXING for one in own)
        seconds = sum(one.duration_s or 0.0 for one in ready)
        found.append(CourseHoldings(known, len(ready), coming, seconds, known.id in editable))
    return found


def may_edit(database: Database, caller: Caller, recording: Recording) -> bool:
    return recording.course_id in permitted(database, caller, Action.EDIT)


def own_question(database: Database, question_id: str, asker: str | None) -> LoggedQuestion:
    """Only for whoever asked; for everybody else it is not there. Raises NotFound."""
    question = log.get(database, question_id)
    if question is None or asker is None or question.asker != asker:
        raise NotFound(*NO_SUCH_QUESTION)
    return question


def own_questions(database: Database, caller: Caller, asker: str) -> list[dict[str, Any]]:
    """Everything the log has of one asker, oldest first, with quotations only from what the caller may hear now."""
    asked = log.export_of(database, asker)
    quoted = {hit["recording_id"] for each in asked for hit in each["answer"]["hits"]}
    heard = recordings_by_id(database, caller, quoted)
    with database.read() as session:
        judged = judging.export_of(session, [each["id"] for each in asked])
        taught = {answer_id for each in asked if (answer_id := log.trainers_answer(each["answer"])) is not None}
        standing = answers.standing(session, taught, course_rights.permitted(session, caller, Action.HEAR))
    return [
        each
        | {"answer": log.quoting_only(each["answer"], heard.keys(), standing)}
        | {"judgements": [_told_judgement(said, heard) for said in judged.get(each["id"], ())]}
        for each in asked
    ]


def _told_judgement(said: Mapping[str, object], heard: Mapping[str, Recording]) -> dict[str, object]:
    """Without the moment where its recording is not for the caller any more."""
    about_one_heard = said.get("recording_id") in heard
    return {key: value for key, value in said.items() if about_one_heard or key in ("kind", "at")}


def judge_own(
    database: Database,
    caller: Caller,
    question_id: str,
    asker: str | None,
    said: Judgement | None,
    *,
    rank: int | None,
    now: dt.datetime,
) -> None:
    """Keep what the asker says of the answer, or take it back where `said` is None.

    `rank`: as the kept answer counts; none with YES says it of what a trainer answered. Raises NotFound as
    `own_question` does, BadInput where the answer has no such moment that the caller may hear, and no trainer's.
    """
    question = own_question(database, question_id, asker)
    heard = recordings_by_id(database, caller, (hit["recording_id"] for hit in question.document["hits"]))
    with database.write() as session:
        permitted = course_rights.permitted(session, caller, Action.HEAR)
        if not log.lock(session, question.id):
            raise NotFound(*NO_SUCH_QUESTION)
        if said is None:
            judging.take_back(session, question.id)
        else:
            left = replace(question, document=log.quoting_only(question.document, heard.keys(), ()))
            trainers = rank is None and answers.answer_shown(session, question, permitted) is not None
            judging.judge(session, left, said, rank=rank, trainers=trainers, now=now)


def trainers_answer(database: Database, caller: Caller, question: LoggedQuestion) -> TrainerAnswer | None:
    """What a trainer answered to this question, or to the same one before it, and it stands."""
    with database.read() as session:
        return answers.answer_shown(session, question, course_rights.permitted(session, caller, Action.HEAR))


def judged(database: Database, question: LoggedQuestion) -> judging.Judged:
    with database.read() as session:
        return judging.judged(session, question)


def jobs_to_watch(database: Database, caller: Caller) -> tuple[list[Job], int]:
    """Those of courses that the caller may edit."""
    with database.read() as session:
        editable = course_rights.permitted(session, caller, Action.EDIT)
        return job_store.jobs_to_watch(session, courses=editable)


def list_jobs(
    database: Database, caller: Caller, *, states: frozenset[JobState] | None, after: str | None, limit: int
) -> JobPage:
    with database.read() as session:
        editable = course_rights.permitted(session, caller, Action.EDIT)
        return job_store.list_jobs(session, states=states, courses=editable, after=after, limit=limit)


def job(session: Session, caller: Caller, job_id: str) -> Job:
    """In the caller's own transaction. Raises NotFound, also where the caller may not edit its course."""
    editable = course_rights.permitted(session, caller, Action.EDIT)
    row = session.get(JobRow, job_id)
    found = None if row is None else recordings.recording(session, row.recording_id)
    if found is None or found.course_id not in editable:
        raise NotFound(*NO_SUCH_JOB)
    return job_store.get(session, job_id)
