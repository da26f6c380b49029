"""What a worker does for the audit log now and then: look at what is new, sign where it stands, let old rows go."""

import datetime as dt

import structlog

from assistant.audit.checkpoints import CheckpointBook, check_newest, make_checkpoint
from assistant.audit.retention import prune
from knowledge.database import Database

_LOG = structlog.get_logger()


class AuditKeeper:
    """Of one home. Several workers may each have one: what was signed already is not signed again."""

    def __init__(self, database: Database, book: CheckpointBook, keep_days: int) -> None:
        """`keep_days`: 0 for ever."""
        self._database = database
        self._book = book
        self._keep_days = keep_days

    def sign(self, *, now: dt.datetime) -> None:
        """A checkpoint where rows came since the last. Raises UnusableKey, Busy, OSError."""
        for finding in check_newest(self._database, self._book):
            _LOG.error("the audit log was bent", finding=str(finding))
        made = make_checkpoint(self._database, self._book, now=now)
        if made is not None:
            _LOG.info("audit checkpoint", row=made.seq)

    def apply_retention(self, *, now: dt.datetime) -> None:
        if self._keep_days:
            gone = prune(self._database, self._book, before=now - dt.timedelta(days=self._keep_days), now=now)
            if gone:
                _LOG.info("audit retention", rows=gone)
