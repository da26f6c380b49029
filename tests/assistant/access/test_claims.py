"""What claims say of a person, whatever a provider puts into them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.access.claims import (
    LONGEST_NAME,
    RANK,
    ClaimMapping,
    missing_in,
    person_in,
    read_required,
    read_roles,
    strings_at,
    value_at,
)
from assistant.access.errors import Refusal, SignInRefused
from assistant.access.role import Role

ROLES = {"earmark-admins": Role.ADMIN, "compliance": Role.COMPLIANCE, "hr": Role.HR, "trainers": Role.TRAINER}
MAPPING = ClaimMapping(role_claim="roles", roles=ROLES, groups_claim="groups")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.text("abc.", min_size=1, max_size=6)


def claims(**more: Any) -> dict[str, Any]:
    return {"iss": "https://sso.example.org", "sub": "f3a1", **more}


@given(st.permutations([*ROLES, "staff", "guest"]), st.integers(0, 6))
def test_of_several_roles_the_highest_counts_in_whatever_order_they_come(values: list[str], taken: int) -> None:
    given_roles = [ROLES[value] for value in values[:taken] if value in ROLES]
    person = person_in(claims(roles=values[:taken]), MAPPING)
    assert person.role == max(given_roles, key=RANK.__getitem__, default=Role.EMPLOYEE)


def test_every_role_has_its_rank() -> None:
    assert set(RANK) == set(Role)
    assert RANK[Role.EMPLOYEE] < RANK[Role.TRAINER] < RANK[Role.HR] < RANK[Role.COMPLIANCE] < RANK[Role.ADMIN]


@given(ANYTHING)
def test_a_claim_of_any_shape_gives_no_more_than_it_names(value: Any) -> None:
    """A role is given by a string that is mapped, never by what merely looks like one."""
    person = person_in(claims(roles=value, groups=value, name=value, email=value), MAPPING)
    named = value if isinstance(value, list) else [value]
    assert (person.role is Role.EMPLOYEE) == (not any(isinstance(each, str) and each in ROLES for each in named))
    assert person.groups <= {each for each in named if isinstance(each, str)}
    assert person.name


@given(st.dictionaries(st.text(), ANYTHING), st.text())
def test_whatever_a_provider_says_there_is_a_person_or_a_refusal(said: dict[str, Any], path: str) -> None:
    mapping = ClaimMapping(groups_claim=path)
    missing_in(said, mapping)
    try:
        person = person_in(said, mapping)
    except SignInRefused:
        return
    assert person.subject == said["sub"]


@given(st.sampled_from(["Admin", "EARMARK-ADMINS", " earmark-admins", "earmark-admins ", "earmark", "hr,trainers"]))
def test_a_value_counts_only_as_it_is_written(value: str) -> None:
    assert person_in(claims(roles=[value]), MAPPING).role is Role.EMPLOYEE


def test_a_single_value_may_come_without_a_list() -> None:
    assert person_in(claims(roles="hr", groups="nurses"), MAPPING).role is Role.HR
    assert person_in(claims(roles="hr", groups="nurses"), MAPPING).groups == {"nurses"}


@given(NAMES, st.lists(NAMES, max_size=3), st.text())
def test_a_path_leads_to_what_lies_there(first: str, rest: list[str], value: str) -> None:
    steps = [first, *rest]
    nested: Any = value
    for step in reversed(steps):
        nested = {step: nested}
    assert value_at(nested, ".".join(steps)) == value


def test_a_name_with_dots_is_read_as_one_first() -> None:
    said = {"https://earmark.example/roles": ["hr"], "realm_access": {"roles": ["trainers"]}, "a.b": {"c.d": "x"}}
    assert strings_at(said, "https://earmark.example/roles") == ["hr"]
    assert strings_at(said, "realm_access.roles") == ["trainers"]
    assert strings_at(said, "a.b.c.d") == ["x"]
    assert strings_at(said, "realm_access.groups") == []
    assert strings_at(said, "realm_access.roles.admin") == []
    assert strings_at(said, "") == []


def test_whom_nothing_gives_a_role_is_refused_where_the_company_says_so() -> None:
    closed = ClaimMapping(role_claim="roles", roles=ROLES, default_role=None)
    assert person_in(claims(roles=["hr"]), closed).role is Role.HR
    with pytest.raises(SignInRefused) as refusal:
        person_in(claims(roles=["guest"]), closed)
    assert refusal.value.refusal is Refusal.NO_ROLE


@pytest.mark.parametrize(
    "said", [{}, {"hd": "evil.example"}, {"hd": "EXAMPLE.ORG"}, {"email": "a@example.org"}], ids=str
)
def test_who_lacks_the_required_claim_is_not_let_in(said: dict[str, Any]) -> None:
    ours = ClaimMapping(required=read_required("hd=example.org"))
    assert person_in(claims(hd="example.org"), ours).subject == "f3a1"
    assert missing_in(claims(name="Ana", email="ana@example.org"), ours)
    with pytest.raises(SignInRefused) as refusal:
        person_in(claims(**said), ours)
    assert refusal.value.refusal is Refusal.NOT_OURS


@pytest.mark.parametrize("text", ["hd", "hd=", "=example.org"])
def test_a_required_claim_that_cannot_be_read_is_refused(text: str) -> None:
    assert read_required(" ") is None
    with pytest.raises(ValueError, match="CLAIM=VALUE"):
        read_required(text)


def test_without_a_claim_for_roles_the_provider_says_nothing_of_them() -> None:
    assert person_in(claims(roles=["earmark-admins"]), ClaimMapping()).role is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"name": "Ana Lima", "preferred_username": "alima"}, "Ana Lima"),
        ({"preferred_username": "alima", "email": "ana@example.org"}, "alima"),
        ({"name": " ", "email": "ana@example.org"}, "ana@example.org"),
        ({}, "f3a1"),
        ({"name": "Ana\n\tLima\x00"}, "Ana Lima"),
        ({"name": "Ana\u202egnp.exe"}, "Anagnp.exe"),
        ({"name": "林小美"}, "林小美"),
        ({"name": "x" * 5000}, "x" * LONGEST_NAME),
        ({"name": "\ud800"}, "f3a1"),
    ],
    ids=ascii,
)
def test_a_name_is_one_line_that_can_be_shown_and_kept(said: dict[str, Any], name: str) -> None:
    assert person_in(claims(**said), MAPPING).name == name


@pytest.mark.parametrize(
    ("said", "email"),
    [
        ({"email": "ana@example.org"}, "ana@example.org"),
        ({"email": "ana@example.org", "email_verified": True}, "ana@example.org"),
        ({"email": "ana@example.org", "email_verified": "true"}, "ana@example.org"),
        ({"email": "boss@example.org", "email_verified": False}, None),
        ({"email": "boss@example.org", "email_verified": "false"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_an_address_that_the_provider_doubts_is_left_out(said: dict[str, Any], email: str | None) -> None:
    assert person_in(claims(**said), MAPPING).email == email


@given(st.dictionaries(st.text("abc=/ -").filter(lambda text: text.strip() == text != ""), st.sampled_from(Role)))
def test_roles_are_read_as_they_were_written(roles: dict[str, Role]) -> None:
    assert read_roles(", ".join(f"{value}={role.value}" for value, role in roles.items())) == roles


@pytest.mark.parametrize("text", ["admins", "admins=", "=admin", "admins=Admin", "admins=boss", "a=hr,a=admin"])
def test_roles_that_cannot_be_read_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("=")[0] or "admin"):
        read_roles(text)


@pytest.mark.parametrize(
    "wrong",
    [{"roles": ROLES}, {"role_claim": "roles"}, {"default_role": None}],
    ids=["no claim", "no values", "nobody"],
)
def test_a_mapping_that_can_mean_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="claim"):
        ClaimMapping(**wrong)


@pytest.mark.parametrize("left_out", ["name", "email", "roles", "groups"])
def test_what_is_missing_is_noticed(left_out: str) -> None:
    whole = claims(name="Ana", email="ana@example.org", roles=[], groups=[])
    assert not missing_in(whole, MAPPING)
    assert missing_in({name: value for name, value in whole.items() if name != left_out}, MAPPING)
