"""Every access is decided here, by one pure function. Pages, API, media, exports, search and streams all ask it.

What is not allowed is forbidden: an action without its line in the tables below is nobody's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from assistant.access.caller import Caller, Scope, Way
from assistant.access.role import Role


class Action(StrEnum):
    """What somebody wants to do. The first three are about one course, the rest about the house."""

    HEAR = "hear"
    """Find, read and play its recordings; know that it exists."""
    EDIT = "edit"
    """Bring recordings in and remove them, see their jobs, say how they are heard."""
    GOVERN = "govern"
    """Say who may hear it and who its trainers are."""

    BE_HERE = "be-here"
    """See the pages that everybody sees, one's own data among them."""
    ASK = "ask"
    BROWSE = "browse"
    """The lists of courses and recordings, each within what one may hear."""
    BRING_IN = "bring-in"
    """The page of uploads and jobs; a new course."""
    ANSWER_OPEN = "answer-open"
    """See what nobody could answer, each within the courses that one may hear, and answer it."""
    TRANSCRIBE = "transcribe"
    """Have any sound written down, with nothing kept."""
    KEEP_PEOPLE = "keep-people"
    """Accounts, roles, groups."""
    READ_AUDIT = "read-audit"
    SEE_TOPICS = "see-topics"
    """What people ask about, as figures of many."""
    SHAPE_TOPICS = "shape-topics"
    """Rename, merge and split topics."""
    SEE_PROOF = "see-proof"
    """How often what people confirmed is found: figures alone."""
    WATCH = "watch"
    """Metrics of the whole house."""


EVERYBODY = frozenset(Role)
TEACHES = frozenset({Role.TRAINER, Role.ADMIN})
HOUSE: Mapping[Action, frozenset[Role]] = {
    Action.BE_HERE: EVERYBODY,
    Action.ASK: EVERYBODY,
    Action.BROWSE: EVERYBODY,
    Action.BRING_IN: TEACHES,
    Action.ANSWER_OPEN: TEACHES,
    Action.TRANSCRIBE: TEACHES,
    Action.KEEP_PEOPLE: frozenset({Role.ADMIN}),
    Action.READ_AUDIT: frozenset({Role.COMPLIANCE, Role.ADMIN}),
    Action.SEE_TOPICS: frozenset({Role.HR, Role.ADMIN}),
    Action.SHAPE_TOPICS: frozenset({Role.HR, Role.ADMIN}),
    Action.SEE_PROOF: TEACHES,
    Action.WATCH: frozenset({Role.ADMIN}),
}
COURSE = frozenset({Action.HEAR, Action.EDIT, Action.GOVERN})
SCOPE_OF: Mapping[Action, Scope] = {
    Action.ASK: Scope.ASK,
    Action.HEAR: Scope.READ,
    Action.BROWSE: Scope.READ,
    Action.EDIT: Scope.WRITE,
    Action.BRING_IN: Scope.WRITE,
    Action.TRANSCRIBE: Scope.TRANSCRIBE,
    Action.WATCH: Scope.METRICS,
}
"""What a token needs for an action. What is not here needs a person who has signed in."""
_SCOPES_THAT_HEAR = frozenset({Scope.ASK, Scope.READ, Scope.WRITE})


@dataclass(frozen=True, slots=True)
class CourseRights:
    """Who a course is for. `groups`, `people`, `trainers`: ids."""

    course_id: str
    open_to_all: bool = True
    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    trainers: frozenset[str] = frozenset()


def may(caller: Caller, action: Action, course: CourseRights | None = None) -> bool:
    """Whether the caller may do it. Raises ValueError where a course is missing, or given in vain."""
    if (action in COURSE) != (course is not None):
        raise ValueError(f"{action} needs {'a' if action in COURSE else 'no'} course")
    if not _in_scope(caller, action):
        return False
    if course is None:
        return caller.role in HOUSE.get(action, frozenset())
    if caller.role is Role.ADMIN or _teaches(caller, course):
        return True
    return action is Action.HEAR and _is_for(caller, course)


def as_person(caller: Caller) -> Caller:
    """The same without the limits of a token."""
    return replace(caller, way=Way.SESSION, scopes=None) if caller.way is Way.TOKEN else caller


def courses_for(caller: Caller, action: Action, courses: Iterable[CourseRights]) -> frozenset[str]:
    """The ids of those courses with which the caller may do it."""
    return frozenset(course.course_id for course in courses if may(caller, action, course))


def _in_scope(caller: Caller, action: Action) -> bool:
    if caller.way is not Way.TOKEN:
        return True
    scopes = caller.scopes or frozenset()
    if action is Action.HEAR:  # what a question is answered from, and what an upload is watched by
        return bool(scopes & _SCOPES_THAT_HEAR)
    return action in SCOPE_OF and SCOPE_OF[action] in scopes


def _teaches(caller: Caller, course: CourseRights) -> bool:
    return caller.role is Role.TRAINER and caller.person_id in course.trainers


def _is_for(caller: Caller, course: CourseRights) -> bool:
    return course.open_to_all or caller.person_id in course.people or not caller.groups.isdisjoint(course.groups)
