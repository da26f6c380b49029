"""A recording's way from file to findable, step by step. Each step ends with one transaction that names the next, so
that a killed job goes on where it was and does nothing twice.

`run` is all a worker knows; a cluster is another file with a function of the same signature.
"""

import structlog

from assistant.errors import EmbedderDown
from assistant.jobs.job import Job, JobStep
from assistant.jobs.store import get
from indexer.cut import cut
from indexer.embed import embed
from indexer.keeping import Progress
from indexer.publish import publish
from indexer.receive import open_source
from indexer.services import Services
from indexer.transcribe import transcribe
from knowledge.transcripts.store import latest_revision

_LOG = structlog.get_logger()
_TRANSCRIBED = (JobStep.CUTTING, JobStep.EMBEDDING, JobStep.PUBLISHING)


def run(services: Services, job: Job) -> None:
    """Do what is left of a job. Raises EarmarkError or KnowledgeError: passing ones are worth another attempt."""
    source = open_source(services, job)
    if job.step not in _TRANSCRIBED:
        transcribe(services, job, source)
    revision = _revision(services, job)
    if _step(services, job) is JobStep.CUTTING:
        cut(services, job, revision)
    if _step(services, job) is JobStep.EMBEDDING:
        _embed_if_possible(services, job, revision, title=source.title)
        Progress(services, job).say(JobStep.PUBLISHING, 0.0, 1.0, "recordings")
    publish(services, job, revision)


def _embed_if_possible(services: Services, job: Job, revision: int, *, title: str) -> None:
    """Words and sounds find a recording without vectors, too; the worker adds them when the embedder is back."""
    try:
        embed(services, job, revision, title=title)
    except EmbedderDown as error:
        _LOG.warning("published without vectors", job=job.id, reason=error.detail)


def _step(services: Services, job: Job) -> JobStep:
    with services.database.read() as session:
        return get(session, job.id).step


def _revision(services: Services, job: Job) -> int:
    with services.database.read() as session:
        revision = latest_revision(session, job.recording_id)
    if revision is None:
        raise ValueError(f"job {job.id} has no transcript at step {job.step}")
    return revision
