"""The last step: the revision becomes the one that is found, and the job is done, in one transaction."""

from sqlalchemy.orm import Session

from assistant.jobs import store as jobs
from assistant.jobs.job import Job
from indexer.clip_results import forget_clip_results
from indexer.keeping import keep
from indexer.services import Services
from knowledge.passages import store as passages


def publish(services: Services, job: Job, revision: int) -> None:
    """Findable from here on. What was kept for a restart is no longer needed."""

    def write(session: Session) -> None:
        passages.publish(session, job.recording_id, revision)
        forget_clip_results(session, job.recording_id)
        jobs.finish(session, job)

    keep(services, job, write)
