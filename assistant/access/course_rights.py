"""Who each course is for, kept and read; and the courses with which somebody may do something."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.access.caller import Caller
from assistant.access.policy import Action, CourseRights, courses_for, may
from assistant.access.tables import CourseGroupRow, CoursePersonRow, CourseRightsRow, GroupRow, PersonRow
from assistant.audit.event import AuditAction, AuditEvent, Detail
from assistant.audit.log import append
from assistant.courses.naming import clean_course_name
from assistant.errors import BadInput, Forbidden, NotFound
from knowledge.database import lock_until_commit
from knowledge.errors import NameTaken
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course
from knowledge.recordings.tables import CourseRow

_LOCK = 0x72696768
NO_SUCH_COURSE = ("there is no such course", "choose one from the list of courses")
NAME_TAKEN = ("there is a course of this name that is open to all", "give this one another name")
NOT_YOURS_TO_CHANGE = ("you may hear this course, but not change it", "ask one of its trainers, or an admin")


def hold(session: Session) -> None:
    """Queue behind whoever changes who courses are for: before looking at what is to be changed, since rights are
    written as a whole, and a change made of an older look would bring back what was taken away."""
    lock_until_commit(session, _LOCK)


def all_rights(session: Session) -> list[CourseRights]:
    stated = session.execute(select(CourseRightsRow.course_id, CourseRightsRow.open_to_all))
    open_to_all = {row.course_id: row.open_to_all for row in stated}
    groups: dict[str, set[str]] = {}
    for course_id, group_id in session.execute(select(CourseGroupRow.course_id, CourseGroupRow.group_id)):
        groups.setdefault(course_id, set()).add(group_id)
    people: dict[tuple[str, bool], set[str]] = {}
    named = select(CoursePersonRow.course_id, CoursePersonRow.teaches, CoursePersonRow.person_id)
    for course_id, teaches, person_id in session.execute(named):
        people.setdefault((course_id, teaches), set()).add(person_id)
    return [
        CourseRights(
            course_id,
            open_to_all.get(course_id, True),
            frozenset(groups.get(course_id, ())),
            frozenset(people.get((course_id, False), ())),
            frozenset(people.get((course_id, True), ())),
        )
        for course_id in session.scalars(select(CourseRow.id))
    ]


def permitted(session: Session, caller: Caller, action: Action) -> frozenset[str]:
    """The ids of the courses with which the caller may do it."""
    return courses_for(caller, action, all_rights(session))


def rights_of(session: Session, course_id: str) -> CourseRights | None:
    return next((rights for rights in all_rights(session) if rights.course_id == course_id), None)


def require(session: Session, caller: Caller, action: Action, course_id: str) -> CourseRights:
    """The course's rights where the caller may do it. Raises NotFound where the caller may not even know of it,
    Forbidden where hearing is all that is allowed."""
    rights = rights_of(session, course_id)
    if rights is None or not may(caller, Action.HEAR, rights):
        raise NotFound(*NO_SUCH_COURSE)
    if not may(caller, action, rights):
        raise Forbidden(*NOT_YOURS_TO_CHANGE)
    return rights


def course_to_fill(session: Session, caller: Caller, name: str) -> Course:
    """The course of this name that the caller may bring recordings into; made, with the caller as its trainer, where
    the caller knows of none. Raises BadInput, and Forbidden where the caller may only hear it."""
    shown = clean_course_name(name)
    hold(session)
    there = recordings.courses_by_name(session, shown)
    editable = permitted(session, caller, Action.EDIT)
    for course in there:
        if course.id in editable:
            return course
    heard = permitted(session, caller, Action.HEAR)
    if any(course.id in heard for course in there):
        raise Forbidden(*NOT_YOURS_TO_CHANGE)
    if not may(caller, Action.BRING_IN):
        raise Forbidden("you may not make courses", "ask a trainer")
    made = recordings.new_course(session, shown)
    trainers = frozenset({caller.person_id} if caller.person_id and made.id not in editable else ())
    _set_people(session, made.id, trainers, teaches=True)
    note(session, caller, AuditAction.COURSE_MADE, CourseRights(made.id, trainers=trainers))
    return made


def note(session: Session, caller: Caller, action: AuditAction, rights: CourseRights, **more: Detail) -> None:
    """In the audit log, how many and not who: the row outlives them."""
    counts: dict[str, Detail] = {
        "open": rights.open_to_all,
        "groups": len(rights.groups),
        "people": len(rights.people),
        "trainers": len(rights.trainers),
    }
    append(session, AuditEvent(caller.actor, action, "course", rights.course_id, details=counts | more))


def set_rights(
    session: Session, course_id: str, *, open_to_all: bool, groups: Collection[str], people: Collection[str]
) -> None:
    """Who may hear it from the next request on; its trainers and admins always do. Raises NotFound, BadInput."""
    _refuse_unknown(session, groups=groups, people=people)
    _list(session, course_id, listed=open_to_all)
    session.merge(CourseRightsRow(course_id=course_id, open_to_all=open_to_all))
    session.execute(delete(CourseGroupRow).where(CourseGroupRow.course_id == course_id))
    session.add_all(CourseGroupRow(course_id=course_id, group_id=each) for each in sorted(set(groups)))
    _set_people(session, course_id, people, teaches=False)


def set_trainers(session: Session, course_id: str, trainers: Collection[str]) -> None:
    """Raises NotFound for somebody unknown."""
    _refuse_unknown(session, groups=(), people=trainers)
    _set_people(session, course_id, trainers, teaches=True)


def rename(session: Session, course_id: str, name: str) -> None:
    """Raises NotFound, BadInput."""
    hold(session)
    rights = rights_of(session, course_id)
    if rights is None:
        raise NotFound(*NO_SUCH_COURSE)
    _name(session, course_id, clean_course_name(name), listed=rights.open_to_all)


def _list(session: Session, course_id: str, *, listed: bool) -> None:
    course = recordings.course(session, course_id)
    if course is None:
        raise NotFound(*NO_SUCH_COURSE)
    _name(session, course_id, course.name, listed=listed)


def _name(session: Session, course_id: str, name: str, *, listed: bool) -> None:
    try:
        recordings.name_course(session, course_id, name, listed=listed)
    except NameTaken as error:
        raise BadInput(*NAME_TAKEN) from error


def _set_people(session: Session, course_id: str, people: Collection[str], *, teaches: bool) -> None:
    session.execute(
        delete(CoursePersonRow).where(CoursePersonRow.course_id == course_id, CoursePersonRow.teaches.is_(teaches))
    )
    session.add_all(
        CoursePersonRow(course_id=course_id, person_id=each, teaches=teaches) for each in sorted(set(people))
    )
    session.flush()


def _refuse_unknown(session: Session, *, groups: Collection[str], people: Collection[str]) -> None:
    if not set(groups) <= set(session.scalars(select(GroupRow.id))):
        raise NotFound("there is no such group", "choose one from the list of groups")
    if not set(people) <= set(session.scalars(select(PersonRow.id))):
        raise NotFound("there is no such person", "choose one from the list of people")
