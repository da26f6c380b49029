"""Sessions of browsers: kept here, found by a secret in a cookie, renewed as they go, ended from one request to the
next. Times come in as arguments."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from assistant.access.caller import Caller, Way
from assistant.access.people import Person, known_person
from assistant.access.people import person as person_of
from assistant.access.secrets_kept import kept_form, new_secret
from assistant.access.tables import SessionRow
from knowledge.database import new_id

ROTATED_EVERY = dt.timedelta(minutes=15)
GRACE = dt.timedelta(seconds=60)
"""How long the secret before the last one is good still: pages ask for several things at once."""
NOTED_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """`idle`: without a request; `longest`: whatever happens in it."""

    idle: dt.timedelta = dt.timedelta(hours=8)
    longest: dt.timedelta = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Begun:
    """`secret`: shown to the browser this once."""

    session_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class SeenSession:
    """What a secret stands for. `due`: it is time to rotate it, or to note that it was used."""

    id: str
    caller: Caller
    form_token: str
    rotation_due: bool
    note_due: bool


@dataclass(frozen=True, slots=True)
class SpentSession:
    """A session of which somebody showed a secret that is no longer its own. `audit_id`: of its person."""

    id: str
    audit_id: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line in the list of a person's sessions."""

    id: str
    created_at: dt.datetime
    seen_at: dt.datetime


def begin(
    session: Session,
    person_id: str,
    *,
    now: dt.datetime,
    provider_session: str | None = None,
    id_token: str | None = None,
) -> Begun:
    """A session with a secret that nobody had before: one that was planted in the browser is worth nothing."""
    begun = Begun(new_id(), new_secret())
    session.add(
        SessionRow(
            id=begun.session_id,
            person_id=person_id,
            secret_hash=kept_form(begun.secret),
            rotated_at=now,
            form_token=new_secret(),
            created_at=now,
            seen_at=now,
            provider_session=provider_session,
            id_token=id_token,
        )
    )
    session.flush()
    return begun


def seen(session: Session, secret: str, *, limits: SessionLimits, now: dt.datetime) -> SeenSession | None:
    """Whose session this is; None where there is none, it is over, or its person is suspended."""
    kept = kept_form(secret)
    row = session.scalars(
        select(SessionRow).where(or_(SessionRow.secret_hash == kept, SessionRow.previous_hash == kept))
    ).one_or_none()
    if row is None or now - row.seen_at > limits.idle or now - row.created_at > limits.longest:
        return None
    if row.secret_hash != kept and now - row.rotated_at > GRACE:
        return None
    person = person_of(session, row.person_id)
    if person is None or not person.is_active:
        return None
    return SeenSession(
        id=row.id,
        caller=caller_of(person, way_id=row.id),
        form_token=row.form_token,
        rotation_due=row.secret_hash == kept and now - row.rotated_at > ROTATED_EVERY,
        note_due=now - row.seen_at > NOTED_EVERY,
    )


def spent(session: Session, secret: str, *, now: dt.datetime) -> SpentSession | None:
    """The session whose secret this was until it was rotated, longer ago than any request of its browser takes."""
    row = session.scalars(select(SessionRow).where(SessionRow.previous_hash == kept_form(secret))).one_or_none()
    if row is None or now - row.rotated_at <= GRACE:
        return None
    return SpentSession(row.id, known_person(session, row.person_id).audit_id)


def by_id(session: Session, session_id: str, *, limits: SessionLimits, now: dt.datetime) -> Caller | None:
    """Whose session this is still: for what takes longer than a request should."""
    row = session.get(SessionRow, session_id)
    if row is None or now - row.created_at > limits.longest:
        return None
    person = person_of(session, row.person_id)
    return caller_of(person, way_id=row.id) if person is not None and person.is_active else None


def caller_of(person: Person, *, way_id: str = "") -> Caller:
    """The person with a session, or as one who would have one."""
    return Caller(person.id, person.role, Way.SESSION, person.name, person.groups, None, way_id, person.audit_id)


def note_seen(session: Session, session_id: str, *, now: dt.datetime) -> None:
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))


def rotate(session: Session, session_id: str, secret: str, *, now: dt.datetime) -> str | None:
    """A new secret in place of this one; None where another request was faster."""
    fresh = new_secret()
    kept = kept_form(secret)
    changed = session.execute(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.secret_hash == kept)
        .values(secret_hash=kept_form(fresh), previous_hash=kept, rotated_at=now, seen_at=now)
        .returning(SessionRow.id)
    ).one_or_none()
    return None if changed is None else fresh


def end(session: Session, session_id: str) -> str | None:
    """Ends it at once. Gives the provider's ID token, where it came from one."""
    row = session.get(SessionRow, session_id)
    if row is None:
        return None
    id_token = row.id_token
    session.delete(row)
    session.flush()
    return id_token


def end_others(session: Session, person_id: str, *, kept: str) -> None:
    """All sessions of a person but the one that asks for it."""
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id, SessionRow.id != kept))


def end_of_provider(session: Session, *, person_id: str | None, provider_session: str | None) -> int:
    """What a provider's back-channel logout names: one session, or all of a person. How many ended."""
    if person_id is None and provider_session is None:
        return 0
    query = delete(SessionRow)
    if person_id is not None:
        query = query.where(SessionRow.person_id == person_id)
    if provider_session is not None:
        query = query.where(SessionRow.provider_session == provider_session)
    return len(session.execute(query.returning(SessionRow.id)).all())


def sessions_of(session: Session, person_id: str) -> list[OpenSession]:
    """Latest used first."""
    known_person(session, person_id)
    rows = session.scalars(
        select(SessionRow).where(SessionRow.person_id == person_id).order_by(SessionRow.seen_at.desc())
    )
    return [OpenSession(row.id, row.created_at, row.seen_at) for row in rows]


def sweep(session: Session, *, limits: SessionLimits, now: dt.datetime) -> None:
    """What is over leaves the database."""
    over = or_(SessionRow.seen_at < now - limits.idle, SessionRow.created_at < now - limits.longest)
    session.execute(delete(SessionRow).where(over))
