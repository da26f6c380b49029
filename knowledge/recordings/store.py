"""Courses and recordings, read from the database and kept in it. Knows no people and no files."""

from collections.abc import Collection
from dataclasses import fields
from typing import Literal, overload

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.database import insert_unless_there, new_id, slices, utc_now
from knowledge.recordings.recording import Course, Recording, name_key
from knowledge.recordings.tables import CourseRow, RecordingRow, RecordingState


@overload
def course_by_name(session: Session, name: str, *, create: Literal[True]) -> Course: ...
@overload
def course_by_name(session: Session, name: str, *, create: bool = False) -> Course | None: ...
def course_by_name(session: Session, name: str, *, create: bool = False) -> Course | None:
    """The course of this name, however it is capitalised; made where `create` says so and there is none.

    Raises ValueError where a course without a name is to be made.
    """
    key = name_key(name)
    found = _course(session, key)
    if found is not None or not create:
        return found
    if not key:
        raise ValueError("a course needs a name")
    fresh = {"id": new_id(), "name": name.strip(), "name_key": key, "created_at": utc_now()}
    insert_unless_there(session, CourseRow, [fresh])
    return _course(session, key)


def list_courses(session: Session) -> list[Course]:
    """All courses, by name."""
    return [_as_course(row) for row in session.scalars(select(CourseRow).order_by(CourseRow.name_key))]


def course(session: Session, course_id: str) -> Course | None:
    row = session.get(CourseRow, course_id)
    return None if row is None else _as_course(row)


def hear_course_as(session: Session, course_id: str, *, language: str | None, itn: bool) -> None:
    """From now on; what was heard before stays as it is. Raises KeyError where there is no such course."""
    row = session.get(CourseRow, course_id)
    if row is None:
        raise KeyError(course_id)
    row.language, row.itn = language, itn


def recording(session: Session, recording_id: str) -> Recording | None:
    """Also a removed one: its tombstone says that it was there."""
    row = session.get(RecordingRow, recording_id)
    return None if row is None else _as_recording(row)


def list_recordings(
    session: Session, course_ids: Collection[str] | None = None, *, removed: bool = False
) -> list[Recording]:
    """Newest first, those of the given courses; removed ones only when asked for."""
    query = select(RecordingRow).order_by(RecordingRow.created_at.desc(), RecordingRow.id.desc())
    if course_ids is not None:
        query = query.where(RecordingRow.course_id.in_(course_ids))
    if not removed:
        query = query.where(RecordingRow.state != RecordingState.REMOVED)
    return [_as_recording(row) for row in session.scalars(query)]


def published_revisions(session: Session, recording_ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Course and published revision of those of these recordings that are ready."""
    found: dict[str, tuple[str, int]] = {}
    for some in slices(list(recording_ids)):
        query = select(RecordingRow.id, RecordingRow.course_id, RecordingRow.revision).where(
            RecordingRow.id.in_(some), RecordingRow.state == RecordingState.READY, RecordingRow.revision.is_not(None)
        )
        found.update((key, (course_id, revision or 0)) for key, course_id, revision in session.execute(query))
    return found


def recording_of_content(session: Session, *, course_id: str, sha256: str) -> Recording | None:
    """The recording of a course that has this content and is not removed."""
    row = session.scalars(
        select(RecordingRow).where(
            RecordingRow.course_id == course_id,
            RecordingRow.content_sha256 == sha256,
            RecordingRow.state != RecordingState.REMOVED,
        )
    ).one_or_none()
    return None if row is None else _as_recording(row)


def _course(session: Session, key: str) -> Course | None:
    row = session.scalars(select(CourseRow).where(CourseRow.name_key == key)).one_or_none()
    return None if row is None else _as_course(row)


def _as_course(row: CourseRow) -> Course:
    return Course(row.id, row.name, row.created_at, row.language, row.itn)


def _as_recording(row: RecordingRow) -> Recording:
    return Recording(**{field.name: getattr(row, field.name) for field in fields(Recording)})
