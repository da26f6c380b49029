"""All tables of the product, gathered on their shared Base by importing them."""

from sqlalchemy import MetaData

import assistant.access.tables
import assistant.access.used_flows
import assistant.audit.tables
import assistant.feedback.tables
import assistant.inbox.tables
import assistant.jobs.tables
import assistant.learning.tables
import assistant.notices.tables
import assistant.proof.tables
import assistant.questions.tables
import assistant.topics.tables
import indexer.tables
import knowledge.passages.tables
import knowledge.recordings.tables
import knowledge.transcripts.tables
from knowledge.database import Base

__all__ = ["all_tables"]

_GATHERED = (
    assistant.access.tables,
    assistant.audit.tables,
    assistant.access.used_flows,
    assistant.jobs.tables,
    assistant.feedback.tables,
    assistant.inbox.tables,
    assistant.notices.tables,
    assistant.learning.tables,
    assistant.proof.tables,
    assistant.questions.tables,
    assistant.topics.tables,
    indexer.tables,
    knowledge.passages.tables,
    knowledge.recordings.tables,
    knowledge.transcripts.tables,
)


def all_tables() -> MetaData:
    return Base.metadata
