"""Courses and recordings, read from the database and kept in it. Knows no people and no files."""

from collections.abc import Collection
from dataclasses import fields
from typing import Literal, overload

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from knowledge.database import insert_unless_there, new_id, slices, utc_now
from knowledge.errors import NameTaken
from knowledge.recordings.recording import Course, Recording, name_key
from knowledge.recordings.tables import UNLISTED, CourseRow, RecordingRow, RecordingState


@overload
def course_by_name(session: Session, name: str, *, create: Literal[True]) -> Course: ...
@overload
def course_by_name(session: Session, name: str, *, create: bool = False) -> Course | None: ...
def course_by_name(session: Session, name: str, *, create: bool = False) -> Course | None:
    """The course of this name, however it is capitalised: the unlisted one only where there is no other; made where
    `create` says so and there is none.

    Raises ValueError where a course without a name is to be made.
    """
    found = courses_by_name(session, name)
    if found or not create:
        return found[0] if found else None
    return new_course(session, name)


def courses_by_name(session: Session, name: str) -> list[Course]:
    """All courses of this name, the listed one first, then the unlisted ones from the oldest on."""
    key = name_key(name)
    unlisted = CourseRow.name_key.startswith(key + UNLISTED, autoescape=True)
    rows = session.scalars(
        select(CourseRow).where(or_(CourseRow.name_key == key, unlisted)).order_by(CourseRow.name_key)
    )
    return [_as_course(row) for row in rows]


def new_course(session: Session, name: str) -> Course:
    """A listed course; the one that is there where another made it a moment ago. Raises ValueError without a name."""
    key = name_key(name)
    if not key:
        raise ValueError("a course needs a name")
    fresh = {"id": new_id(), "name": name.strip(), "name_key": key, "created_at": utc_now()}
    insert_unless_there(session, CourseRow, [fresh])
    made = _course(session, key)
    assert made is not None
    return made


def new_unlisted_course(session: Session, name: str) -> Course:
    """One apart from the listed, whatever others are called. Raises ValueError without a name."""
    key = name_key(name)
    if not key:
        raise ValueError("a course needs a name")
    course_id = new_id()
    row = CourseRow(id=course_id, name=name.strip(), name_key=f"{key}{UNLISTED}{course_id}", created_at=utc_now())
    session.add(row)
    session.flush()
    return _as_course(row)


def name_course(session: Session, course_id: str, name: str, *, listed: bool) -> None:
    """Give a course its name, among the listed or apart from them: names of unlisted courses are nobody's business,
    so that another may have the same. Raises KeyError, and NameTaken where a listed course has it."""
    row = session.get(CourseRow, course_id)
    if row is None:
        raise KeyError(course_id)
    key = name_key(name)
    if not key:
        raise ValueError("a course needs a name")
    if listed and session.scalar(select(CourseRow.id).where(CourseRow.name_key == key, CourseRow.id != course_id)):
        raise NameTaken(name)
    row.name, row.name_key = name.strip(), key if listed else f"{key}{UNLISTED}{course_id}"
    session.flush()


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


def removed_with_names(session: Session) -> list[str]:
    """Removed recordings whose tombstones still say what they were called."""
    named = select(RecordingRow.id).where(RecordingRow.state == RecordingState.REMOVED, RecordingRow.name != "")
    return list(session.scalars(named))


def forget_names(session: Session, recording_id: str) -> None:
    """Leave of a removed recording's row an id, a course and times: its name and title may say what was said."""
    session.execute(
        update(RecordingRow)
        .where(RecordingRow.id == recording_id, RecordingRow.state == RecordingState.REMOVED)
        .values(name="", title="", note=None, content_sha256="")
    )


def _course(session: Session, key: str) -> Course | None:
    row = session.scalars(select(CourseRow).where(CourseRow.name_key == key)).one_or_none()
    return None if row is None else _as_course(row)


def _as_course(row: CourseRow) -> Course:
    return Course(row.id, row.name, row.created_at, row.language, row.itn)


def _as_recording(row: RecordingRow) -> Recording:
    return Recording(**{field.name: getattr(row, field.name) for field in fields(Recording)})
