"""People and groups, read from the database and kept in it. Decides nothing about what they may."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from assistant.access.claims import SignedInAs
from assistant.access.role import Role
from assistant.access.tables import GroupRow, MembershipRow, PersonRow, PersonState, SessionRow, TokenRow
from assistant.courses.naming import LONGEST_COURSE_NAME, visible_name
from assistant.errors import BadInput, NotFound
from knowledge.database import insert_unless_there, lock_until_commit, new_id, slices, storable_text, utc_now
from knowledge.recordings.recording import name_key

_LOCK = 0x61646D69
_CLAIMS_LOCK, _GROUPS_LOCK = 0x636C6169, 0x67726F75
"""Who comes for the first time, and a group that is new, may come twice at once."""
NO_SUCH_PERSON = ("there is no such person", "choose one from the list of people")
NO_SUCH_GROUP = ("there is no such group", "choose one from the list of groups")
KEPT_BY_PROVIDER = ("the company's provider keeps this person's mail address", "change it there")
CLAIMED = ("the provider puts this person into the group", "take the person out there")
GROUP_TAKEN = ("there is a group of this name already", "give another name")


@dataclass(frozen=True, slots=True)
class Person:
    """`groups`: ids. `is_local`: signs in with a password of ours."""

    id: str
    audit_id: str
    name: str
    email: str | None
    role: Role
    state: PersonState
    is_local: bool
    groups: frozenset[str]
    created_at: dt.datetime
    signed_in_at: dt.datetime | None

    @property
    def is_active(self) -> bool:
        return self.state is PersonState.ACTIVE


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    members: int


def clean_person_name(name: str) -> str:
    """Raises BadInput."""
    shown = visible_name(name)
    if not shown:
        raise BadInput("the person has no name", "give the name to sign in with")
    if len(shown) > LONGEST_COURSE_NAME:
        raise BadInput(f"the name {shown[:40]}… is {len(shown)} characters long", f"use {LONGEST_COURSE_NAME} at most")
    return shown


def add_local(session: Session, name: str, *, role: Role, password_hash: str, email: str | None = None) -> Person:
    """Raises BadInput where the name is taken."""
    shown = clean_person_name(name)
    if local_by_name(session, shown) is not None:
        raise BadInput(f"there is somebody called {shown} already", "give another name")
    row = _new_row(shown, role)
    row.password_hash, row.email = password_hash, email
    session.add(row)
    session.flush()
    return _as_person(session, row)


def enter_claimed(session: Session, claimed: SignedInAs) -> Person:
    """The person of this provider as it is described now; made at the first time. Where nothing is claimed of a role,
    a person who is there keeps theirs and a new one is an employee. A suspended one stays so."""
    lock_until_commit(session, _CLAIMS_LOCK)
    row = session.scalars(
        select(PersonRow).where(PersonRow.issuer == claimed.issuer, PersonRow.subject == claimed.subject)
    ).one_or_none()
    if row is None:
        row = _new_row(clean_person_name(claimed.name), claimed.role or Role.EMPLOYEE)
        row.issuer, row.subject = claimed.issuer, claimed.subject
        session.add(row)
    row.name, row.email = clean_person_name(claimed.name), claimed.email
    row.name_key = name_key(row.name)
    row.role = claimed.role or row.role
    session.flush()
    _claim_groups(session, row.id, claimed.groups)
    return _as_person(session, row)


def of_provider(session: Session, *, issuer: str, subject: str, held: bool = False) -> Person | None:
    """`held`: so that nobody signs in with a provider until the commit."""
    if held:
        lock_until_commit(session, _CLAIMS_LOCK)
    row = session.scalars(
        select(PersonRow).where(PersonRow.issuer == issuer, PersonRow.subject == subject)
    ).one_or_none()
    return None if row is None else _as_person(session, row)


def person(session: Session, person_id: str) -> Person | None:
    row = session.get(PersonRow, person_id)
    return None if row is None else _as_person(session, row)


def known_person(session: Session, person_id: str) -> Person:
    """Raises NotFound."""
    found = person(session, person_id)
    if found is None:
        raise NotFound(*NO_SUCH_PERSON)
    return found


def held_person(session: Session, person_id: str) -> Person:
    """The person, whom nobody else changes until the commit: to be looked at before a change. Raises NotFound."""
    return _as_person(session, _row(session, person_id))


def local_by_name(session: Session, name: str) -> Person | None:
    row = _local_row(session, name)
    return None if row is None else _as_person(session, row)


def password_hash_of(session: Session, name: str, *, held: bool = False) -> tuple[Person, str | None] | None:
    """`held`: so that nobody changes it until the commit."""
    row = _local_row(session, name, held=held)
    return None if row is None else (_as_person(session, row), row.password_hash)


def named(session: Session, name: str) -> Person:
    """By name, mail address or id, for the command line. Raises NotFound, and BadInput where several are meant."""
    wanted = name_key(name)
    rows = session.scalars(
        select(PersonRow).where(
            (PersonRow.name_key == wanted) | (PersonRow.id == name) | (func.lower(PersonRow.email) == wanted)
        )
    ).all()
    if not rows:
        raise NotFound(f"there is nobody called {name}", "see `earmark users list`")
    if len(rows) > 1:
        raise BadInput(f"{len(rows)} people are called {name}", "give the id, see `earmark users list --json`")
    return _as_person(session, rows[0])


def list_people(session: Session, ids: Collection[str] | None = None) -> list[Person]:
    """All, or those of the ids, by name."""
    query = select(PersonRow).order_by(PersonRow.name_key, PersonRow.id)
    memberships = select(MembershipRow.person_id, MembershipRow.group_id)
    if ids is not None:
        query = query.where(PersonRow.id.in_(ids))
        memberships = memberships.where(MembershipRow.person_id.in_(ids))
    groups: dict[str, set[str]] = {}
    for person_id, group_id in session.execute(memberships):
        groups.setdefault(person_id, set()).add(group_id)
    return [_value(row, frozenset(groups.get(row.id, ()))) for row in session.scalars(query)]


def find_people(
    session: Session,
    wanted: str = "",
    *,
    role: Role | None = None,
    state: PersonState | None = None,
    in_group: str | None = None,
    whole_mail: bool = False,
    limit: int,
    offset: int = 0,
) -> tuple[list[Person], int]:
    """Those whose name or mail address holds `wanted`, by name, so many of them; and how many there are.

    `whole_mail`: for whoever may not see addresses: a part of one finds nobody, or it could be guessed by letters.
    """
    query = select(PersonRow)
    if wanted:
        holds = PersonRow.name_key.contains(name_key(wanted), autoescape=True)
        mail, part = func.lower(PersonRow.email), name_key(wanted)
        query = query.where(holds | (mail == part if whole_mail else mail.contains(part, autoescape=True)))
    if role is not None:
        query = query.where(PersonRow.role == role)
    if state is not None:
        query = query.where(PersonRow.state == state)
    if in_group is not None:
        query = query.where(PersonRow.id.in_(_members_of(in_group)))
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(PersonRow.name_key, PersonRow.id).limit(limit).offset(offset))
    return [_as_person(session, row) for row in rows], count


def names_in_audit(session: Session, audit_ids: Collection[str]) -> dict[str, str]:
    """Who stands behind the ids of the audit log: names by id, without those who were forgotten."""
    found: dict[str, str] = {}
    for some in slices(sorted(audit_ids)):
        query = select(PersonRow.audit_id, PersonRow.name).where(PersonRow.audit_id.in_(some))
        found.update((audit_id, name) for audit_id, name in session.execute(query))
    return found


def set_role(session: Session, person_id: str, role: Role) -> None:
    """Raises BadInput for the last admin there is."""
    row = _row(session, person_id)
    if role is not Role.ADMIN:
        _keep_an_admin(session, row)
    row.role = role
    session.flush()


def set_email(session: Session, person_id: str, email: str | None) -> None:
    """Where mails go. Raises BadInput for somebody of a provider."""
    row = _row(session, person_id)
    if row.issuer is not None:
        raise BadInput(*KEPT_BY_PROVIDER)
    row.email = email
    session.flush()


def suspend(session: Session, person_id: str) -> None:
    """From the next request on: sessions and tokens are gone. Raises BadInput for the last admin there is."""
    row = _row(session, person_id)
    _keep_an_admin(session, row)
    row.state = PersonState.SUSPENDED
    end_all_ways_in(session, person_id)


def bring_back(session: Session, person_id: str) -> None:
    _row(session, person_id).state = PersonState.ACTIVE
    session.flush()


def set_password(session: Session, person_id: str, password_hash: str) -> None:
    """Sessions end: whoever knew the old one is out. Raises BadInput for somebody of a provider."""
    keep_password(session, person_id, password_hash)
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))


def keep_password(session: Session, person_id: str, password_hash: str) -> None:
    """Raises BadInput for somebody of a provider."""
    row = _row(session, person_id)
    if row.issuer is not None:
        raise BadInput(f"{row.name} signs in with a provider", "the password is kept there")
    row.password_hash = password_hash
    session.flush()


def note_sign_in(session: Session, person_id: str, *, password_hash: str | None = None) -> None:
    """`password_hash`: the same password, hashed anew at today's cost."""
    row = _row(session, person_id)
    row.signed_in_at = utc_now()
    if password_hash is not None:
        row.password_hash = password_hash


def end_all_ways_in(session: Session, person_id: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))
    session.execute(delete(TokenRow).where(TokenRow.person_id == person_id))
    session.flush()


def delete_person(session: Session, person_id: str) -> None:
    """The row, and with it sessions, tokens, memberships and rights. Raises NotFound, BadInput for the last admin."""
    refuse_last_admin(session, person_id)
    delete_person_whoever(session, person_id)


def refuse_last_admin(session: Session, person_id: str) -> None:
    """Raises BadInput where nobody could undo anything without this person, NotFound."""
    _keep_an_admin(session, _row(session, person_id))


def delete_person_whoever(session: Session, person_id: str) -> None:
    """Also the last admin: an older backup may hold nobody else."""
    session.delete(_row(session, person_id))
    session.flush()


def count_people(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(PersonRow)) or 0


def count_admins(session: Session) -> int:
    """Those who may sign in."""
    query = select(func.count()).select_from(PersonRow)
    return session.scalar(query.where(PersonRow.role == Role.ADMIN, PersonRow.state == PersonState.ACTIVE)) or 0


def list_groups(session: Session) -> list[Group]:
    members = select(MembershipRow.group_id, func.count().label("members")).group_by(MembershipRow.group_id).subquery()
    rows = session.execute(
        select(GroupRow, func.coalesce(members.c.members, 0))
        .outerjoin(members, members.c.group_id == GroupRow.id)
        .order_by(GroupRow.name_key)
    )
    return [Group(row.id, row.name, count) for row, count in rows]


def known_group(session: Session, group_id: str) -> Group:
    """Raises NotFound."""
    row = _group_row(session, group_id)
    return Group(
        row.id, row.name, session.scalar(select(func.count()).select_from(_members_of(group_id).subquery())) or 0
    )


def claimed_members(session: Session, group_id: str) -> frozenset[str]:
    """The ids of those whom the provider puts there: only it can take them out."""
    return frozenset(session.scalars(_members_of(group_id).where(MembershipRow.claimed)))


def claimed_groups(session: Session, person_id: str) -> frozenset[str]:
    """The ids of the groups in which the provider puts somebody."""
    return frozenset(
        session.scalars(
            select(MembershipRow.group_id).where(MembershipRow.person_id == person_id, MembershipRow.claimed)
        )
    )


def make_group(session: Session, name: str) -> Group:
    """Raises BadInput where there is one of this name."""
    lock_until_commit(session, _GROUPS_LOCK)
    _refuse_taken_group(session, name)
    return group_of_name(session, name)


def rename_group(session: Session, group_id: str, name: str) -> None:
    """Raises NotFound, BadInput where another has this name."""
    lock_until_commit(session, _GROUPS_LOCK)
    row = _group_row(session, group_id)
    _refuse_taken_group(session, name, but=group_id)
    row.name = clean_group_name(name)
    row.name_key = name_key(row.name)
    session.flush()


def group_of_name(session: Session, name: str) -> Group:
    """The group of this name, however it is capitalised; made where there is none."""
    shown = clean_group_name(name)
    lock_until_commit(session, _GROUPS_LOCK)
    row = session.scalars(select(GroupRow).where(GroupRow.name_key == name_key(shown))).one_or_none()
    if row is None:
        row = GroupRow(id=new_id(), name=shown, name_key=name_key(shown), created_at=utc_now())
        session.add(row)
        session.flush()
    return Group(row.id, row.name, 0)


def clean_group_name(name: str) -> str:
    """Raises BadInput."""
    shown = visible_name(name)
    if not shown or len(shown) > LONGEST_COURSE_NAME:
        raise BadInput(f"a group needs a name of 1 to {LONGEST_COURSE_NAME} characters")
    return shown


def remove_group(session: Session, group_id: str) -> None:
    """Courses that were open to it alone are closed then. Raises NotFound."""
    session.delete(_group_row(session, group_id))
    session.flush()


def set_groups(session: Session, person_id: str, group_ids: Iterable[str]) -> None:
    """Those given here; those that the provider claims stay. Raises NotFound."""
    _row(session, person_id)
    known = set(session.scalars(select(GroupRow.id)))
    wanted = set(group_ids)
    if not wanted <= known:
        raise NotFound(*NO_SUCH_GROUP)
    session.execute(delete(MembershipRow).where(MembershipRow.person_id == person_id, MembershipRow.claimed.is_(False)))
    claimed = set(session.scalars(select(MembershipRow.group_id).where(MembershipRow.person_id == person_id)))
    session.add_all(
        MembershipRow(group_id=each, person_id=person_id, claimed=False) for each in sorted(wanted - claimed)
    )
    session.flush()


def put_into_group(session: Session, person_id: str, group_id: str) -> None:
    """Given here; who is in it by the provider stays so. Raises NotFound."""
    known_person(session, person_id)
    _group_row(session, group_id)
    insert_unless_there(session, MembershipRow, [{"group_id": group_id, "person_id": person_id, "claimed": False}])


def take_out_of_group(session: Session, person_id: str, group_id: str) -> None:
    """Raises NotFound, BadInput where the provider says that the person is in it."""
    known_person(session, person_id)
    _group_row(session, group_id)
    row = session.get(MembershipRow, (group_id, person_id), with_for_update=True)
    if row is not None and row.claimed:
        raise BadInput(*CLAIMED)
    if row is not None:
        session.delete(row)
        session.flush()


def _claim_groups(session: Session, person_id: str, names: Collection[str]) -> None:
    wanted = {group_of_name(session, name).id for name in sorted(names) if visible_name(name)}
    session.execute(delete(MembershipRow).where(MembershipRow.person_id == person_id, MembershipRow.claimed.is_(True)))
    given = set(session.scalars(select(MembershipRow.group_id).where(MembershipRow.person_id == person_id)))
    session.add_all(MembershipRow(group_id=each, person_id=person_id, claimed=True) for each in sorted(wanted - given))
    session.flush()


def _keep_an_admin(session: Session, row: PersonRow) -> None:
    """Somebody must be able to undo what is done now."""
    if row.role is not Role.ADMIN or row.state is not PersonState.ACTIVE:
        return
    lock_until_commit(session, _LOCK)  # two who leave at once would each count on the other
    others = session.scalar(
        select(func.count())
        .select_from(PersonRow)
        .where(PersonRow.role == Role.ADMIN, PersonRow.state == PersonState.ACTIVE, PersonRow.id != row.id)
    )
    if not others:
        raise BadInput(f"{row.name} is the only admin there is", "make somebody else an admin first")


def _new_row(name: str, role: Role) -> PersonRow:
    return PersonRow(
        id=new_id(),
        audit_id=new_id(),
        name=name,
        name_key=name_key(name),
        role=role,
        state=PersonState.ACTIVE,
        created_at=utc_now(),
    )


def _group_row(session: Session, group_id: str) -> GroupRow:
    row = session.get(GroupRow, group_id)
    if row is None:
        raise NotFound(*NO_SUCH_GROUP)
    return row


def _members_of(group_id: str) -> Select[str]:
    return select(MembershipRow.person_id).where(MembershipRow.group_id == group_id)


def _refuse_taken_group(session: Session, name: str, *, but: str = "") -> None:
    key = name_key(clean_group_name(name))
    if session.scalar(select(GroupRow.id).where(GroupRow.name_key == key, GroupRow.id != but)) is not None:
        raise BadInput(*GROUP_TAKEN)


def _row(session: Session, person_id: str) -> PersonRow:
    row = session.get(PersonRow, person_id, with_for_update=True)
    if row is None:
        raise NotFound(*NO_SUCH_PERSON)
    return row


def _local_row(session: Session, name: str, *, held: bool = False) -> PersonRow | None:
    if name != storable_text(name):
        return None  # PostgreSQL would not even look; leaving the NUL out would give each name many spellings
    query = select(PersonRow).where(PersonRow.name_key == name_key(name), PersonRow.issuer.is_(None))
    return session.scalars(query.with_for_update() if held else query).one_or_none()


def _as_person(session: Session, row: PersonRow) -> Person:
    groups = session.scalars(select(MembershipRow.group_id).where(MembershipRow.person_id == row.id))
    return _value(row, frozenset(groups))


def _value(row: PersonRow, groups: frozenset[str]) -> Person:
    return Person(
        id=row.id,
        audit_id=row.audit_id,
        name=row.name,
        email=row.email,
        role=row.role,
        state=row.state,
        is_local=row.issuer is None,
        groups=groups,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
    )
