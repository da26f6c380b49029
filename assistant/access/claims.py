"""What a provider's claims say of a person: name, role, groups. Pure; believes its caller that they were verified."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.access.errors import NO_ACCESS, Refusal, SignInRefused
from assistant.access.role import Role

RANK = {role: rank for rank, role in enumerate([Role.EMPLOYEE, Role.TRAINER, Role.HR, Role.COMPLIANCE, Role.ADMIN])}
"""Of several roles the last one named here is taken."""
NAMED_BY = ("name", "preferred_username", "email")
LONGEST_SUBJECT = 255
LONGEST_NAME = 200
MOST_GROUPS = 2000
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the writing direction: a name holding them would rearrange the page around it."""


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """Which claims give role and groups.

    `role_claim`, `groups_claim`: a claim's name, or a path into it with dots; empty where the provider has none.
    `roles`: the claim's values that give a role. `default_role`: of those whom no value gives one; None refuses them.
    `required`: a claim and the value that it must have, because a provider of everybody lets everybody sign in.
    """

    role_claim: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    default_role: Role | None = Role.EMPLOYEE
    groups_claim: str = ""
    required: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.roles and not self.role_claim:
            raise ValueError("roles are mapped, but no claim is named that holds them")
        if self.role_claim and not self.roles:
            raise ValueError("a claim is named that holds roles, but none of its values is mapped")
        if self.default_role is None and not self.role_claim:
            raise ValueError("without a claim that holds roles nobody could come in")


@dataclass(frozen=True, slots=True)
class SignedInAs:
    """A person as the provider knows them: `issuer` and `subject` together never change, the rest may.

    `email` is shown at most; nobody is recognised by it. `role`: None where the provider says nothing of roles.
    `sid`: the provider's session. `id_token`: the hint for signing out there.
    """

    issuer: str
    subject: str
    name: str
    email: str | None
    role: Role | None
    groups: frozenset[str]
    sid: str | None = None
    id_token: str | None = field(default=None, repr=False)


def read_roles(text: str) -> dict[str, Role]:
    """The mapping of a setting such as `earmark-admins=admin, hr=hr`. Raises ValueError naming the wrong part."""
    roles: dict[str, Role] = {}
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        value, equals, name = (piece.strip() for piece in part.rpartition("="))
        if not equals or not value:
            raise ValueError(f"{part!r}: write VALUE=ROLE")
        if name not in set(Role):
            raise ValueError(f"{part!r}: no such role; there are {', '.join(Role)}")
        if value in roles:
            raise ValueError(f"{value!r} is mapped twice")
        roles[value] = Role(name)
    return roles


def read_required(text: str) -> tuple[str, str] | None:
    """The claim and its value of a setting such as `hd=example.org`; None for an empty one. Raises ValueError."""
    if not text.strip():
        return None
    claim, equals, value = (piece.strip() for piece in text.partition("="))
    if not equals or not claim or not value:
        raise ValueError(f"{text!r}: write CLAIM=VALUE")
    return claim, value


def person_in(claims: Mapping[str, Any], mapping: ClaimMapping) -> SignedInAs:
    """Raises SignInRefused where a required claim or a role is missing, or where there is no subject."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not _is_plain(subject):
        raise SignInRefused(Refusal.SUBJECT)
    if mapping.required is not None and mapping.required[1] not in strings_at(claims, mapping.required[0]):
        raise SignInRefused(Refusal.NOT_OURS, NO_ACCESS)
    sid = claims.get("sid")
    return SignedInAs(
        issuer=str(claims.get("iss", "")),
        subject=subject,
        name=_name_in(claims) or subject,
        email=_email_in(claims),
        role=_role_in(claims, mapping),
        groups=frozenset(strings_at(claims, mapping.groups_claim)[:MOST_GROUPS]),
        sid=sid if isinstance(sid, str) and sid else None,
    )


def missing_in(claims: Mapping[str, Any], mapping: ClaimMapping) -> bool:
    """Whether the provider's user info could tell more than these claims do."""
    required = mapping.required[0] if mapping.required else ""
    asked = ["name", "email", *filter(None, [mapping.role_claim, mapping.groups_claim, required])]
    return any(value_at(claims, path) is None for path in asked)


def strings_at(claims: Mapping[str, Any], path: str) -> list[str]:
    """The claim's strings: those in a list, or the one that it is. What is no string, or not plain, does not count."""
    value = value_at(claims, path) if path else None
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each and _is_plain(each)]


def value_at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, else the one that a path with dots leads to; None where there is none.

    A name may hold dots itself (`https://earmark.example/roles`), and so may a step on the way.
    """
    if path in claims:
        return claims[path]
    for at in (at for at, sign in enumerate(path) if sign == "."):
        inner = claims.get(path[:at])
        if isinstance(inner, Mapping):
            found = value_at(inner, path[at + 1 :])
            if found is not None:
                return found
    return None


def _role_in(claims: Mapping[str, Any], mapping: ClaimMapping) -> Role | None:
    if not mapping.role_claim:
        return None
    given = [mapping.roles[value] for value in strings_at(claims, mapping.role_claim) if value in mapping.roles]
    if given:
        return max(given, key=RANK.__getitem__)
    if mapping.default_role is None:
        raise SignInRefused(Refusal.NO_ROLE, NO_ACCESS)
    return mapping.default_role


def _name_in(claims: Mapping[str, Any]) -> str:
    names = (_shown(claims.get(claim)) for claim in NAMED_BY)
    return next(filter(None, names), "")


def _email_in(claims: Mapping[str, Any]) -> str | None:
    """None where the provider itself says that it is not verified. Some write the word instead of the boolean."""
    if claims.get("email_verified", True) not in (True, "true"):
        return None
    return _shown(claims.get("email")) or None


def _shown(value: object) -> str:
    """On one line, without signs that are not seen or that turn the writing direction."""
    if not isinstance(value, str):
        return ""
    seen = "".join(" " if not _is_plain(sign) else sign for sign in value if sign not in _DIRECTIONS)
    return " ".join(seen.split())[:LONGEST_NAME].strip()


def _is_plain(text: str) -> bool:
    return not any(unicodedata.category(sign) in _NOT_SHOWN for sign in text)
