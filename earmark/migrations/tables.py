"""All tables of the product, gathered on their shared Base by importing them."""

from sqlalchemy import MetaData

import assistant.jobs.tables
import assistant.questions.tables
import indexer.tables
import knowledge.passages.tables
import knowledge.recordings.tables
import knowledge.transcripts.tables
from knowledge.database import Base

__all__ = ["all_tables"]

_GATHERED = (
    assistant.jobs.tables,
    assistant.questions.tables,
    indexer.tables,
    knowledge.passages.tables,
    knowledge.recordings.tables,
    knowledge.transcripts.tables,
)


def all_tables() -> MetaData:
    return Base.metadata
