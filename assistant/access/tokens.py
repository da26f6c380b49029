"""Keys of programs: shown once, kept as a digest, with a name, an end, and no more than what they are for."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from assistant.access.caller import Caller, Scope, Way
from assistant.access.people import person as person_of
from assistant.access.secrets_kept import kept_form, new_secret
from assistant.access.tables import TokenRow
from assistant.courses.naming import visible_name
from assistant.errors import BadInput, NotFound
from knowledge.database import new_id

PREFIX = "earmark_"
"""So that scanners of repositories know one when they see it."""
LONGEST_DAYS = 366
MOST = 50
NOTED_EVERY = dt.timedelta(minutes=1)
FOR_NOTHING = ("a token that may do nothing is of no use", "choose what it is for")
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: dt.datetime
    expires_at: dt.datetime
    seen_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class SeenToken:
    caller: Caller
    note_due: bool


def make(
    session: Session, person_id: str, *, name: str, scopes: Collection[Scope], days: int, now: dt.datetime
) -> tuple[Token, str]:
    """The token and its secret, which nobody can read again. Raises BadInput."""
    shown = visible_name(name)
    if not shown or len(shown) > _LONGEST_NAME:
        raise BadInput(f"a token needs a name of 1 to {_LONGEST_NAME} characters", "name what will use it")
    if not scopes:
        raise BadInput(*FOR_NOTHING)
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(f"a token lives 1 to {LONGEST_DAYS} days")
    if len(tokens_of(session, person_id)) >= MOST:
        raise BadInput(f"there are {MOST} tokens already", "remove one that is not used")
    secret = PREFIX + new_secret()
    row = TokenRow(
        id=new_id(),
        person_id=person_id,
        name=shown,
        secret_hash=kept_form(secret),
        scopes=" ".join(sorted(scopes)),
        created_at=now,
        expires_at=now + dt.timedelta(days=days),
    )
    session.add(row)
    session.flush()
    return _value(row), secret


def seen(session: Session, secret: str, *, now: dt.datetime) -> SeenToken | None:
    """Whose token this is; None where there is none, it has expired, or its owner is gone or suspended."""
    row = session.scalars(select(TokenRow).where(TokenRow.secret_hash == kept_form(secret))).one_or_none()
    caller = None if row is None else _caller(session, row, now)
    if row is None or caller is None:
        return None
    return SeenToken(caller, row.seen_at is None or now - row.seen_at > NOTED_EVERY)


def by_id(session: Session, token_id: str, *, now: dt.datetime) -> Caller | None:
    """Whose token this is still: for what takes longer than a request should."""
    row = session.get(TokenRow, token_id)
    return None if row is None else _caller(session, row, now)


def note_seen(session: Session, token_id: str, *, now: dt.datetime) -> None:
    session.execute(update(TokenRow).where(TokenRow.id == token_id).values(seen_at=now))


def tokens_of(session: Session, person_id: str) -> list[Token]:
    """Newest first, those that have expired too."""
    rows = session.scalars(
        select(TokenRow).where(TokenRow.person_id == person_id).order_by(TokenRow.created_at.desc(), TokenRow.id)
    )
    return [_value(row) for row in rows]


def revoke(session: Session, token_id: str, *, person_id: str) -> None:
    """Only one's own. Raises NotFound."""
    gone = session.execute(
        delete(TokenRow).where(TokenRow.id == token_id, TokenRow.person_id == person_id).returning(TokenRow.id)
    ).one_or_none()
    if gone is None:
        raise NotFound("there is no such token of yours", "choose one from the list")


def _caller(session: Session, row: TokenRow, now: dt.datetime) -> Caller | None:
    owner = person_of(session, row.person_id)
    if now >= row.expires_at or owner is None or not owner.is_active:
        return None
    return Caller(
        owner.id, owner.role, Way.TOKEN, owner.name, owner.groups, _scopes(row.scopes), row.id, owner.audit_id
    )


def _scopes(text: str) -> frozenset[Scope]:
    """What an older Earmark knew and this one does not is left out."""
    return frozenset(Scope(each) for each in text.split() if each in Scope.__members__.values())


def _value(row: TokenRow) -> Token:
    return Token(row.id, row.name, _scopes(row.scopes), row.created_at, row.expires_at, row.seen_at)
