"""The worker signs for the audit log now and then, by itself, and ends its old rows once a day."""

import dataclasses
import datetime as dt

from assistant.audit.checkpoints import CheckpointBook
from assistant.audit.event import EARMARK, AuditAction, AuditEvent
from assistant.audit.keeping import AuditKeeper
from assistant.audit.log import append
from indexer.housekeeping import AUDIT_ENDS_EVERY_S, CHECKPOINT_EVERY_S, HouseKeeper
from indexer.services import Services
from knowledge.database import utc_now


def test_a_checkpoint_is_made_when_its_time_has_come_and_rows_came(services: Services) -> None:
    book = CheckpointBook(services.home, services.home / "audit" / "checkpoints.jsonl")
    clock = [1000.0]
    keeper = AuditKeeper(services.database, book, keep_days=30)
    house = HouseKeeper(dataclasses.replace(services, audit=keeper, clock=lambda: clock[0]))

    def after(seconds: float, *, row_of: dt.timedelta | None = None) -> list[tuple[str, int]]:
        clock[0] += seconds
        if row_of is not None:
            with services.database.write() as session:
                append(session, AuditEvent(EARMARK, AuditAction.RECORDING_REMOVED), now=utc_now() - row_of)
        house.keep(idle=False)
        return [(each.kind.value, each.seq) for each in book.signed().statements]

    assert after(0) == []
    assert after(CHECKPOINT_EVERY_S / 2, row_of=dt.timedelta(days=29)) == []
    assert after(CHECKPOINT_EVERY_S / 2) == [("checkpoint", 1)]
    assert after(CHECKPOINT_EVERY_S) == [("checkpoint", 1)]
    assert after(CHECKPOINT_EVERY_S, row_of=dt.timedelta(0)) == [("checkpoint", 1), ("checkpoint", 2)]
    assert after(AUDIT_ENDS_EVERY_S) == [("checkpoint", 1), ("checkpoint", 2)]
    house.leave()
