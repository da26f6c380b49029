"""Published passages for questions: hundreds are read for each, and mostly the same ones again."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from knowledge.passages.passage import Passage
from knowledge.passages.store import published_passages
from knowledge.recordings.store import published_revisions

MOST_KEPT = 50_000
"""About 40 MB."""


class PassageReader:
    """Keeps the words of passages, which never change; that a passage is still published is looked up each time.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Passage] = {}

    def read(self, session: Session, passage_ids: Sequence[str]) -> list[Passage]:
        """In the order asked; those that are not, or no longer, published are left out."""
        found = self._still_published(session, passage_ids)
        missing = [passage_id for passage_id in passage_ids if passage_id not in found]
        if missing:
            read = {passage.id: passage for passage in published_passages(session, missing)}
            self._keep(read, instead_of=missing)
            found.update(read)
        return [found[passage_id] for passage_id in passage_ids if passage_id in found]

    def _still_published(self, session: Session, passage_ids: Sequence[str]) -> dict[str, Passage]:
        known = [passage for passage_id in passage_ids if (passage := self._kept.get(passage_id)) is not None]
        published = published_revisions(session, {passage.recording_id for passage in known})
        return {
            passage.id: passage
            for passage in known
            if published.get(passage.recording_id) == (passage.course_id, passage.revision)
        }

    def _keep(self, read: Mapping[str, Passage], *, instead_of: Sequence[str]) -> None:
        if len(self._kept) + len(read) > MOST_KEPT:
            self._kept = {}
        for passage_id in instead_of:
            self._kept.pop(passage_id, None)
        self._kept.update(read)
