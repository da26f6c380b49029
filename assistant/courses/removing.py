"""Removing a recording: gone from the next request on; its files and words follow in the worker's next round."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.audit.event import EARMARK, AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.errors import NotFound
from assistant.jobs import store as jobs
from knowledge.database import Database
from knowledge.passages import store as passages
from knowledge.recordings.tables import RecordingRow, RecordingState


def remove_recording(database: Database, recording_id: str, *, actor: str = EARMARK) -> None:
    """Cancel its job and leave a tombstone, in one transaction. `actor`: who wants it, as the audit log calls them.

    Raises NotFound.
    """
    with database.write() as session:
        remove_in(session, recording_id)
        append(session, AuditEvent(actor, AuditAction.RECORDING_REMOVED, "recording", recording_id))


def remove_in(session: Session, recording_id: str) -> None:
    """The same inside the caller's transaction. The job goes first: workers lock it before anything else, too."""
    state = session.scalar(select(RecordingRow.state).where(RecordingRow.id == recording_id))
    if state is None or state is RecordingState.REMOVED:
        raise NotFound(f"no recording {recording_id}", "see `earmark recordings`")
    jobs.cancel_all_of(session, recording_id)
    passages.retract(session, recording_id)
