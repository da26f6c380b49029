"""What pages read of courses, recordings and questions, each within what this person may hear.

Without sign-in that is everything that is not removed. Knows no templates.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from assistant.errors import NotFound
from assistant.questions import log
from assistant.questions.log import LoggedQuestion
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course, Recording
from knowledge.recordings.tables import RecordingState
from web.error_pages import Gone
from web.services import WebServices

NO_SUCH_QUESTION = (
    "there is no such question of yours",
    "questions are shown only in the browser that asked them",
)
NO_SUCH_COURSE = ("there is no such course", "choose one from the list of courses")
NO_SUCH_RECORDING = ("there is no such recording", "choose one from the list of recordings")
REMOVED = ("this recording was removed", "ask again: another one may answer it")
"""What is wrong and what to do, as pages say it in their language."""


def services_of(request: Request) -> WebServices:
    services: WebServices = request.app.state.services
    return services


@dataclass(frozen=True, slots=True)
class CourseHoldings:
    course: Course
    recordings: int
    coming: int
    duration_s: float


def courses(database: Database) -> list[Course]:
    with database.read() as session:
        return recordings.list_courses(session)


def course_names(database: Database) -> dict[str, str]:
    return {course.id: course.name for course in courses(database)}


def course(database: Database, course_id: str) -> Course:
    """Raises NotFound."""
    for known in courses(database):
        if known.id == course_id:
            return known
    raise NotFound(*NO_SUCH_COURSE)


def permitted_courses(database: Database, course_id: str) -> frozenset[str] | None:
    """The chosen course alone, or None for all; a course that is not there is an error, not a wider search."""
    return frozenset({course(database, course_id).id}) if course_id else None


def recording(database: Database, recording_id: str) -> Recording:
    """Raises NotFound, and Gone for one that was removed."""
    with database.read() as session:
        found = recordings.recording(session, recording_id)
    if found is None:
        raise NotFound(*NO_SUCH_RECORDING)
    if found.state is RecordingState.REMOVED:
        raise Gone(*REMOVED)
    return found


def recordings_by_id(database: Database, ids: Iterable[str]) -> dict[str, Recording]:
    """Those of the ids that are there and not removed."""
    with database.read() as session:
        found = (recordings.recording(session, recording_id) for recording_id in set(ids))
        return {one.id: one for one in found if one is not None and one.state is not RecordingState.REMOVED}


def all_recordings(database: Database, course_id: str | None = None) -> list[Recording]:
    with database.read() as session:
        return recordings.list_recordings(session, {course_id} if course_id else None)


def holdings_of_courses(database: Database) -> list[CourseHoldings]:
    everything = all_recordings(database)
    found = []
    for known in courses(database):
        own = [one for one in everything if one.course_id == known.id]
        ready = [one for one in own if one.state is RecordingState.READY]
        coming = sum(one.state is RecordingState.INDEXING for one in own)
        found.append(CourseHoldings(known, len(ready), coming, sum(one.duration_s or 0.0 for one in ready)))
    return found


def own_question(database: Database, question_id: str, asker: str | None) -> LoggedQuestion:
    """Only for the browser that asked; for everybody else it is not there. Raises NotFound."""
    question = log.get(database, question_id)
    if question is None or asker is None or question.asker != asker:
        raise NotFound(*NO_SUCH_QUESTION)
    return question
