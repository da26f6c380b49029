"""The laws of the policy, tried on whatever people, tokens and courses chance brings. The table of roles stands here a
second time, written down from what was promised, so that a slip in the one shows in the other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.caller import HERE, Caller, Scope, Way
from assistant.access.policy import COURSE, HOUSE, SCOPE_OF, Action, CourseRights, courses_for, may
from assistant.access.role import Role

PROMISED: dict[Action, set[str]] = {
    Action.BE_HERE: {"employee", "trainer", "hr", "compliance", "admin"},
    Action.ASK: {"employee", "trainer", "hr", "compliance", "admin"},
    Action.BROWSE: {"employee", "trainer", "hr", "compliance", "admin"},
    Action.BRING_IN: {"trainer", "admin"},
    Action.TRANSCRIBE: {"trainer", "admin"},
    Action.ANSWER_OPEN: {"trainer", "admin"},
    Action.KEEP_PEOPLE: {"admin"},
    Action.READ_AUDIT: {"compliance", "admin"},
    Action.SEE_TOPICS: {"hr", "admin"},
    Action.SHAPE_TOPICS: {"hr", "admin"},
    Action.SEE_PROOF: {"trainer", "admin"},
    Action.WATCH: {"admin"},
    Action.SEE_TOPICS: {"hr", "admin"},
    Action.SHAPE_TOPICS: {"hr", "admin"},
}
"""What a role may do in the house. An action that is new is in neither table until somebody promises it."""

ids = st.sampled_from(["p1", "p2", "p3"])
groups = st.frozensets(st.sampled_from(["g1", "g2", "g3"]))
people = st.builds(Caller, ids, st.sampled_from(Role), st.just(Way.SESSION), groups=groups)
tokens = st.builds(
    lambda person, scopes: replace(person, way=Way.TOKEN, scopes=scopes),
    people,
    st.frozensets(st.sampled_from(Scope)),
)
courses = st.builds(
    CourseRights, st.just("c1"), st.booleans(), groups, st.frozensets(ids, max_size=2), st.frozensets(ids, max_size=2)
)
actions = st.sampled_from(sorted(Action))


def asked(caller: Caller, action: Action, course: CourseRights) -> bool:
    return may(caller, action, course if action in COURSE else None)


@given(person=people, action=st.sampled_from(sorted(PROMISED)))
def test_what_a_role_may_do_in_the_house_is_what_was_promised(person: Caller, action: Action) -> None:
    assert may(person, action) == (person.role.value in PROMISED[action])


@given(person=people, course=courses)
def test_only_an_admin_and_the_trainers_of_a_course_change_it(person: Caller, course: CourseRights) -> None:
    teaches = person.role is Role.TRAINER and person.person_id in course.trainers
    for action in (Action.EDIT, Action.GOVERN):
        assert may(person, action, course) == (person.role is Role.ADMIN or teaches)


@given(person=people, course=courses)
def test_whoever_may_change_a_course_may_hear_it(person: Caller, course: CourseRights) -> None:
    if may(person, Action.EDIT, course):
        assert may(person, Action.HEAR, course)


@given(person=people, course=courses, more=groups)
def test_one_more_group_never_takes_hearing_away(person: Caller, course: CourseRights, more: frozenset[str]) -> None:
    wider = replace(person, groups=person.groups | more)
    assert may(wider, Action.HEAR, course) >= may(person, Action.HEAR, course)
    opened = replace(course, groups=course.groups | more)
    assert may(person, Action.HEAR, opened) >= may(person, Action.HEAR, course)


@given(person=people, course=courses)
def test_a_group_opens_ears_and_nothing_else(person: Caller, course: CourseRights) -> None:
    alone = replace(person, groups=frozenset())
    for action in sorted(set(Action) - {Action.HEAR}):
        assert asked(person, action, course) == asked(alone, action, course)


@given(person=people, course=courses)
def test_a_course_closed_to_somebody_is_heard_by_none_of_the_roles_but_admin(
    person: Caller, course: CourseRights
) -> None:
    closed = replace(course, open_to_all=False, groups=frozenset(), people=frozenset(), trainers=frozenset())
    assert may(person, Action.HEAR, closed) == (person.role is Role.ADMIN)


@given(token=tokens, action=actions, course=courses)
def test_a_token_never_does_more_than_its_owner(token: Caller, action: Action, course: CourseRights) -> None:
    owner = replace(token, way=Way.SESSION, scopes=None)
    assert asked(token, action, course) <= asked(owner, action, course)


@given(token=tokens, action=actions, course=courses, scope=st.sampled_from(Scope))
def test_one_scope_less_never_lets_a_token_do_more(
    token: Caller, action: Action, course: CourseRights, scope: Scope
) -> None:
    narrower = replace(token, scopes=(token.scopes or frozenset()) - {scope})
    assert asked(narrower, action, course) <= asked(token, action, course)


@pytest.mark.parametrize("scopes", [None, frozenset()])
@given(action=actions, course=courses)
def test_a_token_without_a_scope_does_nothing(
    scopes: frozenset[Scope] | None, action: Action, course: CourseRights
) -> None:
    assert not asked(Caller("p1", Role.ADMIN, Way.TOKEN, scopes=scopes), action, course)


@given(scopes=st.frozensets(st.sampled_from(Scope)))
def test_no_token_governs_people_courses_or_the_log(scopes: frozenset[Scope]) -> None:
    token = Caller("p1", Role.ADMIN, Way.TOKEN, scopes=scopes)
    assert not may(token, Action.KEEP_PEOPLE)
    assert not may(token, Action.READ_AUDIT)
    assert not may(token, Action.GOVERN, CourseRights("c1"))


def test_every_action_is_about_a_course_or_the_house_and_a_new_one_is_nobodys() -> None:
    assert set(Action) == COURSE | set(HOUSE)
    assert not COURSE & set(HOUSE)
    assert set(SCOPE_OF) <= set(Action)
    assert set(PROMISED) == set(HOUSE)


@pytest.mark.parametrize("action", sorted(Action))
def test_asking_for_a_course_without_one_or_with_one_in_vain_is_a_mistake(action: Action) -> None:
    with pytest.raises(ValueError, match="course"):
        may(HERE, action, None if action in COURSE else CourseRights("c1"))


@given(person=people, action=st.sampled_from(sorted(COURSE)), rights=st.lists(courses, max_size=5))
def test_the_courses_for_somebody_are_those_that_are_allowed_one_by_one(
    person: Caller, action: Action, rights: list[CourseRights]
) -> None:
    numbered = [replace(one, course_id=str(number)) for number, one in enumerate(rights)]
    assert courses_for(person, action, numbered) == {one.course_id for one in numbered if may(person, action, one)}
