"""A home's recordings as another embedder would have them, in a folder of their own, to try a change beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from assistant.engine.client import EngineClient
from assistant.errors import PartDown
from earmark.bench.bench_home import Progress, silent_progress
from earmark.build import House, open_house
from indexer.embed import ready_embedder
from indexer.housekeeping import embed_missing
from indexer.services import Services
from knowledge.database import Base, Database
from knowledge.passages import store as passages
from knowledge.passages.tables import PassageRow
from knowledge.recordings.tables import CourseRow, RecordingRow, RecordingState
from knowledge.transcripts.tables import SegmentRow, TranscriptRow

_ROWS_AT_ONCE = 500


@contextmanager
def embedded_beside(
    house: House, folder: Path, engine: EngineClient, progress: Progress = silent_progress
) -> Iterator[House]:
    """A house in an empty folder with what can be found in this one, its passages embedded by this engine. Nothing of
    the house is changed. Raises PartDown where the embedder goes away."""
    settings = house.settings.model_copy(update={"home": folder, "database_url": None})
    with open_house(settings) as beside:
        _copy(house.database, beside.database)
        services = Services(database=beside.database, home=folder, engine=engine)
        digest = ready_embedder(engine).digest
        total = _left(beside.database, digest)
        while left := _left(beside.database, digest):
            progress("embedding", total - left, total)
            if not embed_missing(services):
                raise PartDown("the embedder does not answer, or is late", "see `earmark doctor`")
        yield beside


def _copy(source: Database, target: Database) -> None:
    """What is published: courses, recordings, transcripts, passages, under the same ids; no vectors, no questions."""
    published = RecordingRow.state == RecordingState.READY
    with source.read() as reading:
        _copy_rows(reading.execute(select(CourseRow.__table__)).mappings(), CourseRow, target)
        _copy_rows(reading.execute(select(RecordingRow.__table__).where(published)).mappings(), RecordingRow, target)
        recordings = list(reading.execute(select(RecordingRow.id, RecordingRow.revision).where(published)))
        for recording_id, revision in recordings:
            assert revision is not None, "what is published has a revision"
            for table in (TranscriptRow, SegmentRow, PassageRow):
                query = select(table.__table__).where(table.recording_id == recording_id, table.revision == revision)
                _copy_rows(reading.execute(query).mappings(), table, target)
            with target.write() as writing:
                passages.publish(writing, recording_id, revision)


def _copy_rows(rows: Any, table: type[Base], target: Database) -> None:
    for some in rows.partitions(_ROWS_AT_ONCE):
        with target.write() as writing:
            writing.execute(insert(table), [dict(row) for row in some])


def _left(database: Database, digest: str) -> int:
    with database.read() as session:
        return passages.count_without_vector(session, digest)
