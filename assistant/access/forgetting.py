"""Forgetting a person: noted first, then everything they asked and learnt, then who they were. The audit log keeps its
rows, of somebody whom nobody can name any more."""

from pathlib import Path

from sqlalchemy.orm import Session

from assistant.access import people
from assistant.audit.event import AuditAction, AuditEvent
from assistant.audit.log import append
from assistant.forgetting.deletions import DeletionKind, note_deletion
from assistant.learning.store import forget_asker
from assistant.questions import log
from assistant.questions.deleting import forget_questions_of
from knowledge.database import Database


def forget(database: Database, home: Path, person_id: str, *, actor: str, beside: Path | None = None) -> int:
    """Delete the person with questions, answers, kept voices, own learning, sessions, tokens, groups and rights. How
    many questions.

    `actor`: who wants it, as the audit log calls them. Safe to begin again. Raises NotFound, BadInput for the last
    admin, and what `note_deletion` raises: then nothing is deleted.
    """
    with database.read() as session:
        person = people.known_person(session, person_id)
        people.refuse_last_admin(session, person_id)
    note_deletion(home, DeletionKind.PERSON, [person_id], beside=beside)
    with database.write() as session:  # first of all: nothing new is asked meanwhile
        people.end_all_ways_in(session, person_id)
    questions = len(forget_questions_of(database, home, person_id, actor=actor, beside=beside))
    with database.write() as session:
        forget_asker(session, person_id)
        people.delete_person(session, person_id)
        append(
            session,
            AuditEvent(
                actor, AuditAction.PERSON_FORGOTTEN, "person", person.audit_id, details={"questions": questions}
            ),
        )
    # what was being answered or kept in that moment
    forget_questions_of(database, home, person_id, actor=actor, beside=beside)
    with database.write() as session:
        forget_asker(session, person_id)
    database.forget_deleted()
    return questions


def forget_again(session: Session, person_id: str) -> bool:
    """Who is on a list of deletions and there still, or again by an older backup; whether there was anything left.

    Kept voices go as what no question knows any more.
    """
    gone = bool(log.delete_questions_of(session, person_id))
    gone |= forget_asker(session, person_id)
    if people.person(session, person_id) is None:
        return gone
    people.delete_person_whoever(session, person_id)
    return True
