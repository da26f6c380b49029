"""Tables of people, groups, sessions, tokens, and of who a course is for."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from assistant.access.role import Role
from knowledge.database import Base, UtcDateTime


class PersonState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class PersonRow(Base):
    """Local people have a `password_hash` and no `issuer`; those of a provider the other way round.

    `name_key`: the name as it is compared. `audit_id`: who it is in the audit log, known from here alone.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    audit_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(index=True)
    email: Mapped[str | None]
    role: Mapped[Role]
    state: Mapped[PersonState]
    password_hash: Mapped[str | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


Index(
    "uq_person_local_name",
    PersonRow.name_key,
    unique=True,
    sqlite_where=PersonRow.issuer.is_(None),
    postgresql_where=PersonRow.issuer.is_(None),
)


class GroupRow(Base):
    __tablename__ = "people_group"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class MembershipRow(Base):
    """`claimed`: told by the provider, and renewed with each sign-in; else given here."""

    __tablename__ = "people_group_member"

    group_id: Mapped[str] = mapped_column(ForeignKey("people_group.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    claimed: Mapped[bool]


class SessionRow(Base):
    """Secrets are kept as SHA-256. `previous_hash`: the one before the last rotation, good for a moment more.

    `provider_session`, `id_token`: what a provider needs to end it, and by which it asks for its end.
    """

    __tablename__ = "sign_in_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    previous_hash: Mapped[str | None] = mapped_column(index=True)
    rotated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    form_token: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    provider_session: Mapped[str | None] = mapped_column(index=True)
    id_token: Mapped[str | None] = mapped_column(Text)


class TokenRow(Base):
    """A program's key. `scopes`: separated by spaces; `seen_at`: when it was last used."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class FailureRow(Base):
    """Attempts to sign in that failed. `key`: a digest of the name tried, or of the address it came from."""

    __tablename__ = "sign_in_failure"

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    last_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class CourseRightsRow(Base):
    """A course without a row here is open to all."""

    __tablename__ = "course_rights"

    course_id: Mapped[str] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), primary_key=True)
    open_to_all: Mapped[bool] = mapped_column(default=True, server_default=true())


class CourseGroupRow(Base):
    __tablename__ = "course_group"

    course_id: Mapped[str] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[str] = mapped_column(
        ForeignKey("people_group.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class CoursePersonRow(Base):
    """`teaches`: a trainer of the course, else somebody who may hear it."""

    __tablename__ = "course_person"

    course_id: Mapped[str] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    teaches: Mapped[bool] = mapped_column(primary_key=True)
