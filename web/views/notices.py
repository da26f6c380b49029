"""What somebody has not seen yet of the answers that others gave: for the frame of every page."""

from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from assistant.notices import store
from assistant.notices.store import Notice
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from web.visitors import Visitor


def unseen_by(database: Database, visitor: Visitor) -> Sequence[Notice]:
    """Newest first; none for nobody, and while the database cannot be read: the page that says so has the frame."""
    if visitor.caller is None or visitor.asker is None:
        return ()
    try:
        return store.unseen(database, visitor.asker)
    except (KnowledgeError, SQLAlchemyError):
        return ()
