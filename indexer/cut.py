"""The fourth step: the transcript is cut into passages, the unit of search."""

from sqlalchemy.orm import Session

from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobStep
from indexer.keeping import keep
from indexer.services import Services
from knowledge.passages.cutting import cut_passages
from knowledge.passages.store import replace_passages
from knowledge.transcripts.store import segments_of


def cut(services: Services, job: Job, revision: int) -> None:
    """Keep the revision's passages; the job goes on with embedding them."""
    with services.database.read() as session:
        segments = segments_of(session, job.recording_id, revision)
    drafts = cut_passages(segments)

    def write(session: Session) -> None:
        replace_passages(session, job.recording_id, revision, drafts)
        jobs.advance(session, job, JobStep.EMBEDDING, total=len(drafts), unit="passages")

    keep(services, job, write)
