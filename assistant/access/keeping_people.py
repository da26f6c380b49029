"""What an admin does with people and groups: each act and its row in the audit log in one transaction.

`actor`: the admin's id in the audit log.
"""

from collections.abc import Collection

from sqlalchemy.orm import Session

from assistant.access import attempts, course_rights, people, sessions
from assistant.access.passwords import hash_password, made_up_password
from assistant.access.people import Group, Person
from assistant.access.role import Role
from assistant.audit.event import AuditAction, AuditEvent, Detail
from assistant.audit.log import append
from assistant.errors import BadInput
from assistant.notices.mail import mail_address
from knowledge.database import Database

NO_MAIL_ADDRESS = ("this is no mail address", "write it as in anna@example.com, or leave it empty")
"""What is wrong and what to do, as pages say it in their language."""


def note_view(database: Database, actor: str, person: Person) -> None:
    """Somebody else's account is looked at: groups, sessions, when they last signed in."""
    with database.write() as session:
        _note(session, actor, AuditAction.VIEWED_OTHERS_DATA, person)


def add_account(
    database: Database,
    actor: str,
    name: str,
    *,
    role: Role,
    email: str = "",
    groups: Collection[str] = (),
    password: str | None = None,
) -> tuple[Person, str]:
    """The person, and the password: made up where none is given, and nobody can read it again. `email`: where mails
    go, empty for none; `groups`: names, made where there are none. Raises BadInput."""
    address = _clean_email(email)
    password = password or made_up_password()
    hashed = hash_password(password, name=name)  # some 30 ms, with no transaction open
    with database.write() as session:
        person = people.add_local(session, name, role=role, password_hash=hashed, email=address)
        people.set_groups(session, person.id, [people.group_of_name(session, each).id for each in groups])
        _note(session, actor, AuditAction.PERSON_ADDED, person, role=role.value, groups=len(groups))
    return person, password


def change_role(database: Database, actor: str, person_id: str, role: Role) -> None:
    """From the next request on. Raises NotFound, BadInput for the last admin there is."""
    with database.write() as session:
        person = people.held_person(session, person_id)
        people.set_role(session, person_id, role)
        if role is not person.role:
            _note(session, actor, AuditAction.ROLE_CHANGED, person, before=person.role.value, after=role.value)


def change_email(database: Database, actor: str, person_id: str, email: str) -> None:
    """Where mails to somebody go from now on; nowhere where it is empty. Raises NotFound, BadInput for what is no
    address, and for somebody whose address a provider keeps."""
    address = _clean_email(email)
    with database.write() as session:
        person = people.held_person(session, person_id)
        people.set_email(session, person_id, address)
        if address != person.email:
            _note(session, actor, AuditAction.MAIL_ADDRESS_CHANGED, person)


def set_groups(database: Database, actor: str, person_id: str, groups: Collection[str]) -> None:
    """These by name and no others, but those that a provider tells; made where there are none. Raises NotFound."""
    with database.write() as session:
        people.set_groups(session, person_id, [people.group_of_name(session, each).id for each in groups])
        _note_groups(session, actor, person_id)


def put_into_group(database: Database, actor: str, person_id: str, group_id: str) -> None:
    """Raises NotFound."""
    with database.write() as session:
        people.put_into_group(session, person_id, group_id)
        _note_groups(session, actor, person_id)


def take_out_of_group(database: Database, actor: str, person_id: str, group_id: str) -> None:
    """Raises NotFound, BadInput where the provider says that the person is in it."""
    with database.write() as session:
        people.take_out_of_group(session, person_id, group_id)
        _note_groups(session, actor, person_id)


def suspend(database: Database, actor: str, person_id: str) -> None:
    """Out from the next request on: sessions and tokens are gone. Raises NotFound, BadInput for the last admin."""
    with database.write() as session:
        person = people.known_person(session, person_id)
        people.suspend(session, person_id)
        _note(session, actor, AuditAction.PERSON_SUSPENDED, person)


def let_in_again(database: Database, actor: str, person_id: str) -> None:
    """Raises NotFound."""
    with database.write() as session:
        person = people.known_person(session, person_id)
        people.bring_back(session, person_id)
        _note(session, actor, AuditAction.PERSON_RESTORED, person)


def give_new_password(
    database: Database, actor: str, person_id: str, *, password: str | None = None
) -> tuple[Person, str]:
    """Made up where none is given, and shown to the admin once; sessions with the old one end. Raises NotFound,
    BadInput for somebody whom a provider signs in."""
    with database.read() as session:
        person = people.known_person(session, person_id)
    password = password or made_up_password()
    hashed = hash_password(password, name=person.name)
    with database.write() as session:
        people.set_password(session, person_id, hashed)
        attempts.forgive(session, name=person.name)
        _note(session, actor, AuditAction.PASSWORD_RESET, person)
    return person, password


def end_sessions(database: Database, actor: str, person_id: str) -> None:
    """Wherever the person is signed in, it is over; programs with tokens go on. Raises NotFound."""
    with database.write() as session:
        person = people.known_person(session, person_id)
        open_now = len(sessions.sessions_of(session, person_id))
        sessions.end_others(session, person_id, kept="")
        _note(session, actor, AuditAction.SESSIONS_ENDED, person, sessions=open_now)


def make_group(database: Database, actor: str, name: str) -> Group:
    """Raises BadInput where there is one of this name."""
    with database.write() as session:
        group = people.make_group(session, name)
        append(session, AuditEvent(actor, AuditAction.GROUP_MADE, "group", group.id))
    return group


def rename_group(database: Database, actor: str, group_id: str, name: str) -> None:
    """Raises NotFound, BadInput where another has this name."""
    with database.write() as session:
        people.rename_group(session, group_id, name)
        append(session, AuditEvent(actor, AuditAction.GROUP_RENAMED, "group", group_id))


def remove_group(database: Database, actor: str, group_id: str) -> None:
    """Its members no longer hear what only it could hear. Raises NotFound."""
    with database.write() as session:
        group = people.known_group(session, group_id)
        courses = sum(group_id in one.groups for one in course_rights.all_rights(session))
        people.remove_group(session, group_id)
        counts = {"members": group.members, "courses": courses}
        append(session, AuditEvent(actor, AuditAction.GROUP_REMOVED, "group", group_id, details=counts))


def _note_groups(session: Session, actor: str, person_id: str) -> None:
    person = people.known_person(session, person_id)
    _note(session, actor, AuditAction.GROUPS_CHANGED, person, groups=len(person.groups))


def _clean_email(given: str) -> str | None:
    """Raises BadInput."""
    address = given.strip()
    if not address:
        return None
    try:
        mail_address(address)
    except ValueError as error:
        raise BadInput(*NO_MAIL_ADDRESS) from error
    return address


def _note(session: Session, actor: str, action: AuditAction, person: Person, **details: Detail) -> None:
    append(session, AuditEvent(actor, action, "person", person.audit_id, details=details))
