"""The worker's part in topics: now and then it groups what was asked and closes the weeks that are over. Beside its
other work, since grouping ten thousand questions takes many seconds."""

import structlog

from assistant.errors import EarmarkError
from indexer.services import Services
from knowledge.database import utc_now

TOPICS_EVERY_S = 3600.0
GRACE_S = 2.0
"""How long a worker that ends waits; what is cut off is done by the next."""
_LOG = structlog.get_logger()


def keep_topics(services: Services) -> None:
    """Where the engine does not say which languages its embedder knows it is put off: a week may close late."""
    try:
        languages = services.engine.state().embedder.languages
    except EarmarkError as error:
        _LOG.info("topics put off", reason=error.detail)
        return
    from assistant.topics.updating import update_topics  # a second of libraries, for a worker alone, beside its work

    update_topics(services.database, services.topics, now=utc_now(), languages=languages)
