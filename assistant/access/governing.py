"""Changing who a course is for: what follows from a change is known, and said, before it is made.

The rules above are pure; below they are asked of the database, in the transaction that makes the change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.access import course_rights, people
from assistant.access.caller import Caller, Way
from assistant.access.people import NO_SUCH_PERSON, Person
from assistant.access.policy import Action, CourseRights, may
from assistant.access.role import Role
from assistant.access.tables import MembershipRow, PersonRow, PersonState
from assistant.audit.event import AuditAction
from assistant.courses.naming import clean_course_name
from assistant.errors import BadInput, Forbidden, NotFound
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course

ONLY_TRAINERS_TEACH = ("only somebody whose role is trainer can be a trainer of a course", "an admin changes roles")


class Turn(StrEnum):
    """What is changed about who a course is for."""

    OPEN = "open"
    CLOSE = "close"
    """To all but the groups and people that it names."""
    ADD_GROUP = "add-group"
    DROP_GROUP = "drop-group"
    ADD_PERSON = "add-person"
    DROP_PERSON = "drop-person"
    ADD_TRAINER = "add-trainer"
    DROP_TRAINER = "drop-trainer"


@dataclass(frozen=True, slots=True)
class Change:
    """`subject`: id of the group or person; empty where there is none."""

    turn: Turn
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Follows:
    """`losing`: how many people hear it now and will not. `nobody_teaches`: it had a trainer and will have none.
    `out_of_my_hands`: whoever asks may change it now and will not be able to."""

    losing: int = 0
    nobody_teaches: bool = False
    out_of_my_hands: bool = False

    @property
    def takes_away(self) -> bool:
        return bool(self.losing) or self.nobody_teaches or self.out_of_my_hands

    @property
    def said(self) -> str:
        """What somebody agreed to, to be compared with what follows when it is made."""
        return f"{self.losing}-{int(self.nobody_teaches)}-{int(self.out_of_my_hands)}"


@dataclass(frozen=True, slots=True)
class Made:
    """How a change ended: `kept`, or not yet, since nobody has agreed to what follows."""

    rights: CourseRights
    follows: Follows
    kept: bool


def changed(rights: CourseRights, change: Change) -> CourseRights:
    one = frozenset({change.subject})
    match change.turn:
        case Turn.OPEN | Turn.CLOSE:
            return replace(rights, open_to_all=change.turn is Turn.OPEN)
        case Turn.ADD_GROUP:
            return replace(rights, groups=rights.groups | one)
        case Turn.DROP_GROUP:
            return replace(rights, groups=rights.groups - one)
        case Turn.ADD_PERSON:
            return replace(rights, people=rights.people | one)
        case Turn.DROP_PERSON:
            return replace(rights, people=rights.people - one)
        case Turn.ADD_TRAINER:
            return replace(rights, trainers=rights.trainers | one)
        case Turn.DROP_TRAINER:
            return replace(rights, trainers=rights.trainers - one)


def what_follows(before: CourseRights, after: CourseRights, everybody: Iterable[Caller], asking: Caller) -> Follows:
    """What the change takes away, and from whom; `everybody`: all who could sign in."""
    everybody = tuple(everybody)
    return Follows(
        losing=len(hearers(before, everybody) - hearers(after, everybody)),
        nobody_teaches=bool(_teachers(before, everybody)) and not _teachers(after, everybody),
        out_of_my_hands=may(asking, Action.GOVERN, before) and not may(asking, Action.GOVERN, after),
    )


def hearers(rights: CourseRights, everybody: Iterable[Caller]) -> frozenset[str]:
    """The ids of those who may hear it."""
    return frozenset(one.person_id for one in everybody if one.person_id and may(one, Action.HEAR, rights))


def everybody(session: Session) -> list[Caller]:
    """All who could sign in, as the policy sees them, without their names."""
    groups: dict[str, set[str]] = {}
    for person_id, group_id in session.execute(select(MembershipRow.person_id, MembershipRow.group_id)):
        groups.setdefault(person_id, set()).add(group_id)
    rows = session.execute(select(PersonRow.id, PersonRow.role).where(PersonRow.state == PersonState.ACTIVE))
    return [Caller(each, role, Way.SESSION, groups=frozenset(groups.get(each, ()))) for each, role in rows]


def make_change(session: Session, caller: Caller, course_id: str, change: Change, *, agreed: str) -> Made:
    """Make it where it takes nothing away, or where `agreed` says what it takes away; else only say what it would.

    Raises NotFound, Forbidden where the caller may not change the course, BadInput.
    """
    course_rights.hold(session)
    before = course_rights.require(session, caller, Action.GOVERN, course_id)
    _refuse_whom_nobody_finds(session, caller, before, change)
    after = changed(before, change)
    follows = what_follows(before, after, everybody(session), caller)
    if follows.takes_away and agreed != follows.said:
        return Made(before, follows, kept=False)
    if after != before:
        course_rights.set_rights(
            session, course_id, open_to_all=after.open_to_all, groups=after.groups, people=after.people
        )
        course_rights.set_trainers(session, course_id, after.trainers)
        course_rights.note(
            session, caller, AuditAction.COURSE_RIGHTS_CHANGED, after, change=change.turn.value, losing=follows.losing
        )
    return Made(after, follows, kept=True)


def make_course(session: Session, caller: Caller, name: str, *, open_to_all: bool) -> Course:
    """An empty course, its trainer whoever makes it: closed before the first recording is in it, if it is to be.

    Raises BadInput, Forbidden.
    """
    if not may(caller, Action.BRING_IN):
        raise Forbidden("you may not make courses", "ask a trainer")
    made = recordings.new_unlisted_course(session, clean_course_name(name))
    course_rights.set_rights(session, made.id, open_to_all=open_to_all, groups=(), people=())
    trainers = frozenset({caller.person_id} if caller.person_id and caller.role is Role.TRAINER else ())
    course_rights.set_trainers(session, made.id, trainers)
    course_rights.note(session, caller, AuditAction.COURSE_MADE, CourseRights(made.id, open_to_all, trainers=trainers))
    return made


def rename_course(session: Session, caller: Caller, course_id: str, name: str) -> None:
    """Raises NotFound, Forbidden, BadInput."""
    course_rights.hold(session)
    rights = course_rights.require(session, caller, Action.GOVERN, course_id)
    course_rights.rename(session, course_id, name)
    course_rights.note(session, caller, AuditAction.COURSE_RIGHTS_CHANGED, rights, change="name")


def _teachers(rights: CourseRights, everybody: Iterable[Caller]) -> frozenset[str]:
    """Those of its trainers who can change it: somebody whose role is another now, or who is suspended, cannot."""
    return frozenset(one.person_id for one in everybody if one.person_id in rights.trainers and _teaches(one, rights))


def _teaches(person: Caller, rights: CourseRights) -> bool:
    return person.role is Role.TRAINER and may(person, Action.GOVERN, rights)


def person_for(session: Session, caller: Caller, rights: CourseRights, person_id: str) -> Person:
    """Somebody whom this caller may know of: who could sign in, so that a search finds them, or whom the course names.

    For whoever keeps people everybody is there; else who is suspended looks like nobody. Raises NotFound.
    """
    person = people.known_person(session, person_id)
    is_named = person_id in rights.people | rights.trainers
    if not (person.is_active or is_named or may(caller, Action.KEEP_PEOPLE)):
        raise NotFound(*NO_SUCH_PERSON)
    return person


def _refuse_whom_nobody_finds(session: Session, caller: Caller, rights: CourseRights, change: Change) -> None:
    if change.turn not in (Turn.ADD_PERSON, Turn.ADD_TRAINER):
        return
    person = person_for(session, caller, rights, change.subject)
    if change.turn is Turn.ADD_TRAINER and person.role is not Role.TRAINER:
        raise BadInput(*ONLY_TRAINERS_TEACH)
