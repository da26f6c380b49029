"""Which sign-ins were brought back already: each counts once, whichever process it comes to."""

import datetime as dt
from typing import Protocol

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from assistant.access.flow import Flow
from knowledge.database import Base, Database, UtcDateTime

KEPT = dt.timedelta(hours=1)
"""Beyond a flow's end, because the clocks of two hosts differ."""


class UsedFlows(Protocol):
    def use(self, flow: Flow, *, now: dt.datetime) -> bool:
        """Whether this is the first time."""
        ...


class UsedSignInFlowRow(Base):
    """`expires_at`: by then the flow is too old on any host."""

    __tablename__ = "used_sign_in_flow"

    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


class UsedFlowsTable:
    """Safe to call from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def use(self, flow: Flow, *, now: dt.datetime) -> bool:
        try:
            with self._database.write() as session:
                session.execute(delete(UsedSignInFlowRow).where(UsedSignInFlowRow.expires_at < now))
                session.add(UsedSignInFlowRow(digest=flow.digest, expires_at=flow.ends_at + KEPT))
        except IntegrityError:
            return False
        return True
