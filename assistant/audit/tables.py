"""The table of the audit log: `append` alone adds to it, retention alone takes the oldest away, nothing changes one."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from knowledge.database import Base


class AuditRow(Base):
    """One event. `seq` counts from 1 without a gap; `hash` is over all the rest, `previous` is the hash before.

    `at` (RFC 3339, UTC, microseconds) and `details` (JSON) are kept as the very text that was hashed, and no column
    is an enum: a row that somebody bent must still be readable to be named, and any other way of writing it shows.
    """

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(index=True)
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None] = mapped_column(index=True)
    outcome: Mapped[str]
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str]
    hash: Mapped[str]
