"""Deleting questions for good: noted first, then row and sound, then what the database still holds of them."""

from collections.abc import Sequence
from pathlib import Path

from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.forgetting.deletions import DeletionKind, note_deletion
from assistant.questions import log
from assistant.questions.sounds import forget_sounds
from knowledge.database import Database


def forget_questions(
    database: Database,
    home: Path,
    ids: Sequence[str],
    *,
    actor: str,
    action: AuditAction = AuditAction.QUESTION_DELETED,
    beside: Path | None = None,
) -> list[str]:
    """Delete these questions with their answers and kept sounds; the ids of those that were there.

    `actor`, `action`: what the audit log says of it, with how many there were.
    `beside`: the folder whose list of deletions gets it at once, too. Raises what `note_deletion` raises.
    """
    with database.read() as session:
        known = log.known_ids(session, ids)
    there = [each for each in ids if each in known]
    if not there:
        return []
    note_deletion(home, DeletionKind.QUESTION, there, beside=beside)
    with database.write() as session:
        gone = log.delete_questions(session, there)
        only = gone[0] if len(gone) == 1 else None
        if gone:
            append(session, AuditEvent(actor, action, "question", only, details={"questions": len(gone)}))
    forget_sounds(home, there)
    database.forget_deleted()
    return gone


def forget_questions_of(
    database: Database, home: Path, asker: str, *, actor: str, beside: Path | None = None
) -> list[str]:
    """The same for everything that one asker asked."""
    with database.read() as session:
        ids = log.ids_of(session, asker)
    return forget_questions(database, home, ids, actor=actor, beside=beside)
