"""Signing in with a password kept here, and out again: each an entry in the audit log, each in one transaction."""

import datetime as dt

from sqlalchemy.orm import Session

from assistant.access import attempts, people, sessions
from assistant.access.caller import Caller, Way
from assistant.access.claims import SignedInAs
from assistant.access.errors import NO_ACCESS
from assistant.access.passwords import hash_password, needs_hashing_anew, password_is
from assistant.access.people import Person
from assistant.access.sessions import Begun
from assistant.audit.event import EARMARK, NOBODY, AuditAction, AuditEvent, Detail, Outcome
from assistant.audit.log import append
from assistant.errors import BadInput, SignInRefused
from knowledge.database import Database

WRONG = ("name and password do not belong together", "try again, or ask an admin for a new password")
"""The same for a name that nobody has, a wrong password and a suspended account."""
NOT_YOUR_PASSWORD = ("this is not your password", "try again")


def sign_in(
    database: Database, name: str, password: str, *, address: str, now: dt.datetime, instead_of: str | None = None
) -> Begun:
    """A session for whoever knows the password; `instead_of`, the browser's session so far, ends.

    Takes as long for a name that nobody has. Raises SignInRefused, and Busy after too many failures.
    """
    with database.write() as session:
        attempts.count_attempt(session, name=name, address=address, now=now)
        found = people.password_hash_of(session, name)
    person, password_hash = found if found is not None else (None, None)
    is_right = password_is(password, password_hash)  # some 30 ms, with no transaction open
    if person is None or not is_right or not person.is_active:
        _note_refusal(database, person)
        raise SignInRefused(*WRONG)
    anew = None
    if password_hash is not None and needs_hashing_anew(password_hash):
        anew = hash_password(password, name=person.name)
    with database.write() as session:
        still = people.password_hash_of(session, name, held=True)
        if still is not None and still[0].is_active and still[1] == password_hash:  # nobody replaced it meanwhile
            attempts.take_back(session, name=name, address=address, now=now)
            people.note_sign_in(session, person.id, password_hash=anew)
            return begin_session(session, person, now=now, instead_of=instead_of)
    _note_refusal(database, person)
    raise SignInRefused(*WRONG)


def sign_in_claimed(database: Database, claimed: SignedInAs, *, now: dt.datetime, instead_of: str | None) -> Begun:
    """A session for somebody whom the provider vouches for, entered as it describes them now.

    Raises SignInRefused for somebody who is suspended here.
    """
    with database.write() as session:
        before = people.of_provider(session, issuer=claimed.issuer, subject=claimed.subject, held=True)
        person = people.enter_claimed(session, claimed)
        if person.is_active:
            people.note_sign_in(session, person.id)
            begun = begin_session(
                session, person, now=now, instead_of=instead_of, provider_session=claimed.sid, id_token=claimed.id_token
            )
            _note_claims(session, before, person)
            return begun
        _note_claims(session, before, person)
        append(session, AuditEvent(person.audit_id, AuditAction.SIGN_IN_REFUSED, outcome=Outcome.REFUSED))
    raise SignInRefused(*NO_ACCESS, reason="suspended")


def _note_claims(session: Session, before: Person | None, now: Person) -> None:
    """What the provider changed of the person's rights."""

    def note(action: AuditAction, **details: Detail) -> None:
        append(session, AuditEvent(EARMARK, action, "person", now.audit_id, details={"by": "provider", **details}))

    if before is None:
        note(AuditAction.PERSON_ADDED, role=now.role.value, groups=len(now.groups))
        return
    if before.role is not now.role:
        note(AuditAction.ROLE_CHANGED, before=before.role.value, after=now.role.value)
    if before.groups != now.groups:
        note(AuditAction.GROUPS_CHANGED, groups=len(now.groups))


def note_refused_provider(database: Database) -> None:
    """Somebody came back from the provider with what does not hold."""
    with database.write() as session:
        append(session, AuditEvent(NOBODY, AuditAction.SIGN_IN_REFUSED, outcome=Outcome.REFUSED))


def end_at_provider(database: Database, *, issuer: str, subject: str | None, provider_session: str | None) -> int:
    """What the provider itself ends: all of a person's sessions, or one. How many."""
    with database.write() as session:
        person = people.of_provider(session, issuer=issuer, subject=subject) if subject is not None else None
        if subject is not None and person is None:
            return 0
        ended = sessions.end_of_provider(
            session, person_id=person.id if person else None, provider_session=provider_session
        )
        if ended:
            actor = person.audit_id if person else EARMARK
            append(session, AuditEvent(actor, AuditAction.SIGNED_OUT, details={"by": "provider", "sessions": ended}))
    return ended


def begin_session(
    session: Session,
    person: Person,
    *,
    now: dt.datetime,
    instead_of: str | None = None,
    provider_session: str | None = None,
    id_token: str | None = None,
) -> Begun:
    """In the caller's transaction, for somebody who has shown who they are."""
    if instead_of is not None:
        sessions.end(session, instead_of)
    begun = sessions.begin(session, person.id, now=now, provider_session=provider_session, id_token=id_token)
    details = {"way": "local" if person.is_local else "provider"}
    append(session, AuditEvent(person.audit_id, AuditAction.SIGNED_IN, "session", begun.session_id, details=details))
    return begun


def sign_out(database: Database, caller: Caller) -> str | None:
    """Ends the session. Gives the provider's ID token, where the session came from one."""
    if caller.way is not Way.SESSION:
        return None
    with database.write() as session:
        id_token = sessions.end(session, caller.way_id)
        append(session, AuditEvent(caller.audit_id, AuditAction.SIGNED_OUT, "session", caller.way_id))
    return id_token


def end_where_spent(database: Database, secret: str, *, now: dt.datetime) -> None:
    """Where a secret that was rotated away is shown again, two hold the session, and one of them stole it: it ends for
    both, as RFC 9700 (4.14.2) has it for refresh tokens. An honest browser loses nothing, its secret was over."""
    with database.read() as session:
        if sessions.spent(session, secret, now=now) is None:
            return
    with database.write() as session:
        found = sessions.spent(session, secret, now=now)
        if found is not None:
            sessions.end(session, found.id)
            details = {"why": "a spent secret was shown"}
            append(session, AuditEvent(found.audit_id, AuditAction.SIGNED_OUT, "session", found.id, details=details))


def change_password(database: Database, caller: Caller, *, old: str, new: str, address: str, now: dt.datetime) -> None:
    """One's own; every other session ends. Raises SignInRefused, BadInput, Busy."""
    with database.write() as session:
        person = people.known_person(session, caller.person_id or "")
        found = people.password_hash_of(session, person.name) if person.is_local else None
        if found is None:
            raise BadInput("your password is kept by your company's provider", "change it there")
        attempts.count_attempt(session, name=person.name, address=address, now=now)
    if not password_is(old, found[1]):
        _note_refusal(database, person)
        raise SignInRefused(*NOT_YOUR_PASSWORD)
    with database.write() as session:  # also where the new one will not do: the old one was right
        attempts.take_back(session, name=person.name, address=address, now=now)
    hashed = hash_password(new, name=person.name)
    with database.write() as session:
        still = people.password_hash_of(session, person.name, held=True)
        if still is None or not still[0].is_active or still[1] != found[1]:
            raise SignInRefused(*NOT_YOUR_PASSWORD)  # an admin replaced it meanwhile, or put the person out
        people.keep_password(session, person.id, hashed)
        sessions.end_others(session, person.id, kept=caller.way_id)
        append(session, AuditEvent(caller.audit_id, AuditAction.PASSWORD_RESET, "person", caller.audit_id))


def _note_refusal(database: Database, person: Person | None) -> None:
    actor = NOBODY if person is None else person.audit_id
    with database.write() as session:
        append(session, AuditEvent(actor, AuditAction.SIGN_IN_REFUSED, outcome=Outcome.REFUSED))
