"""What pages of rights read and change: who a course is for, who may hear it, what one person sees of it.

Each within what this caller may govern. Knows no templates.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request

from assistant.access import course_rights, governing, people
from assistant.access.caller import Caller, SignIn
from assistant.access.course_rights import NO_SUCH_COURSE
from assistant.access.people import Person
from assistant.access.policy import Action, CourseRights, may
from assistant.access.role import Role
from assistant.access.sessions import caller_of
from assistant.access.tables import PersonState
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import BadInput, NotFound
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course, Recording
from web.library import services_of
from web.rules import NOT_HERE

TOO_SHORT = ("two letters at least are needed to find somebody", "write some of the name")
SHORTEST_FIND, LONGEST_FIND = 2, 120
MOST_FOUND = 20
MOST_NAMED = 100
"""So many people of a course are listed; the rest are found by their names."""


@dataclass(frozen=True, slots=True)
class Named:
    """A group or a person. `counts`: not for a trainer who cannot change the course any more, see the policy."""

    id: str
    name: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class WhoMayHear:
    """`others`: the groups that it does not name. `unnamed`: people beyond those that are listed.
    `hearers`: how many of the `people_here` who could sign in hear it."""

    open_to_all: bool
    groups: tuple[Named, ...]
    others: tuple[Named, ...]
    people: tuple[Named, ...]
    unnamed: int
    trainers: tuple[Named, ...]
    hearers: int
    people_here: int


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody whom a trainer searched for, and what this course is to them."""

    id: str
    name: str
    hears: bool
    is_named: bool
    teaches: bool
    could_teach: bool


@dataclass(frozen=True, slots=True)
class CourseSeen:
    """A course as one person sees it; without recordings where it is not there for them."""

    name: str
    course: Course
    hears: bool
    edits: bool
    recordings: tuple[Recording, ...]


@dataclass(frozen=True, slots=True)
class HouseSeen:
    """The lists of courses and recordings as one person sees them."""

    name: str
    courses: tuple[Course, ...]
    recordings: tuple[Recording, ...]


def only_where_people_sign_in(request: Request) -> None:
    """Raises NotFound where nobody signs in: there are no people then."""
    if services_of(request).sign_in is SignIn.NONE:
        raise NotFound(*NOT_HERE)


def who_may_hear(database: Database, caller: Caller, course_id: str) -> WhoMayHear:
    """Raises NotFound, and Forbidden where the caller may not say who hears it."""
    with database.read() as session:
        rights = course_rights.require(session, caller, Action.GOVERN, course_id)
        everybody = governing.everybody(session)
        groups = [(group.id in rights.groups, Named(group.id, group.name)) for group in people.list_groups(session)]
        named = people.list_people(session, rights.people)
        trainers = people.list_people(session, rights.trainers)
    return WhoMayHear(
        open_to_all=rights.open_to_all,
        groups=tuple(group for is_in, group in groups if is_in),
        others=tuple(group for is_in, group in groups if not is_in),
        people=tuple(Named(one.id, one.name, one.is_active) for one in named[:MOST_NAMED]),
        unnamed=max(0, len(named) - MOST_NAMED),
        trainers=tuple(Named(one.id, one.name, _may(one, Action.GOVERN, rights)) for one in trainers),
        hearers=len(governing.hearers(rights, everybody)),
        people_here=len(everybody),
    )


def subject_name(database: Database, caller: Caller, course_id: str, subject: str) -> str:
    """The name of a group or person in a change; empty where there is none."""
    with database.read() as session:
        course_rights.require(session, caller, Action.GOVERN, course_id)
        person = people.person(session, subject)
        if person is not None:
            return person.name
        return next((group.name for group in people.list_groups(session) if group.id == subject), "")


def find_for_course(database: Database, caller: Caller, course_id: str, wanted: str) -> tuple[FoundPerson, ...]:
    """Active people by some of their name. Raises NotFound, Forbidden, BadInput for too little of a name: a trainer
    learns of those whom the trainer looks for, not of everybody."""
    with database.read() as session:
        rights = course_rights.require(session, caller, Action.GOVERN, course_id)
        if len(wanted) < SHORTEST_FIND:
            raise BadInput(*TOO_SHORT)
        found, _ = people.find_people(
            session, wanted[:LONGEST_FIND], state=PersonState.ACTIVE, whole_mail=True, limit=MOST_FOUND
        )
    return tuple(
        FoundPerson(
            one.id,
            one.name,
            hears=_may(one, Action.HEAR, rights),
            is_named=one.id in rights.people,
            teaches=one.id in rights.trainers,
            could_teach=one.role is Role.TRAINER,
        )
        for one in found
    )


def see_course_as(database: Database, caller: Caller, course_id: str, person_id: str) -> CourseSeen:
    """For whoever governs the course, who hears all of it anyway; nobody is there whom the caller could not find.
    Noted in the audit log. Raises NotFound, Forbidden.
    """
    with database.write() as session:
        rights = course_rights.require(session, caller, Action.GOVERN, course_id)
        course = recordings.course(session, course_id)
        person = governing.person_for(session, caller, rights, person_id)
        if course is None:
            raise NotFound(*NO_SUCH_COURSE)
        hears = _may(person, Action.HEAR, rights)
        shown = recordings.list_recordings(session, {course_id}) if hears else ()
        _note_view(session, caller, person, course=course_id)
    return CourseSeen(person.name, course, hears, _may(person, Action.EDIT, rights), tuple(shown))


def see_house_as(database: Database, caller: Caller, person_id: str) -> HouseSeen:
    """For whoever keeps people, and no more than the caller hears, too. Noted in the audit log. Raises NotFound."""
    with database.write() as session:
        person = people.known_person(session, person_id)
        theirs = course_rights.permitted(session, caller_of(person), Action.HEAR) if person.is_active else frozenset()
        shown = theirs & course_rights.permitted(session, caller, Action.HEAR)
        courses = tuple(course for course in recordings.list_courses(session) if course.id in shown)
        found = tuple(recordings.list_recordings(session, shown))
        _note_view(session, caller, person)
    return HouseSeen(person.name, courses, found)


def courses_of_group(database: Database, group_id: str) -> tuple[Collection[Course], int]:
    """The courses that this group hears, and how many of them no group, no person and not all would hear without it.

    For whoever keeps groups. Raises NotFound.
    """
    with database.read() as session:
        people.known_group(session, group_id)
        of_group = {one.course_id: one for one in course_rights.all_rights(session) if group_id in one.groups}
        courses = [course for course in recordings.list_courses(session) if course.id in of_group]
    alone = [one for one in of_group.values() if not one.open_to_all and len(one.groups) == 1 and not one.people]
    return courses, len(alone)


def _may(person: Person, action: Action, rights: CourseRights) -> bool:
    """Somebody who is suspended sees nothing."""
    return person.is_active and may(caller_of(person), action, rights)


def _note_view(session: Session, caller: Caller, person: Person, *, course: str | None = None) -> None:
    details = {} if course is None else {"course": course}
    append(
        session, AuditEvent(caller.audit_id, AuditAction.VIEWED_AS_PERSON, "person", person.audit_id, details=details)
    )
