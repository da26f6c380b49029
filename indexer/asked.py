"""What a worker does for questions: open ones are sorted, what waited for a recording is answered, what a removed one
answered is open again, vectors are made."""

import structlog

from assistant.engine.client import Priority
from assistant.errors import EarmarkError
from assistant.inbox.answers import give_up_removed, settle_coming
from assistant.inbox.sorting import AT_ONCE, sort_open_questions
from assistant.questions.embedding import save_vectors, without_vector
from indexer.embed import check_unchanged, ready_embedder
from indexer.services import Services
from knowledge.database import utc_now
from knowledge.embedding import TextKind

EMBEDDED_AT_ONCE = 64
_LOG = structlog.get_logger()


def keep_inbox(services: Services) -> bool:
    """Whether there is more to do at once."""
    settle_coming(services.database, now=utc_now())
    give_up_removed(services.database, now=utc_now())
    return sort_open_questions(services.database, now=utc_now()) == AT_ONCE


def embed_questions(services: Services) -> bool:
    """A batch of those that lack a vector of the embedder that runs; whether there were any."""
    try:
        embedder = ready_embedder(services.engine)
        with services.database.read() as session:
            batch = without_vector(session, embedder.digest, embedder.languages, limit=EMBEDDED_AT_ONCE)
        if not batch:
            return False
        made = services.engine.embed([each.text for each in batch], kind=TextKind.QUESTION, priority=Priority.INDEX)
        check_unchanged(services.engine, embedder)
    except EarmarkError as error:
        _LOG.info("embedding questions put off", reason=error.detail)
        return False
    with services.database.write() as session:
        save_vectors(session, embedder.digest, batch, made.whole)
    return True
