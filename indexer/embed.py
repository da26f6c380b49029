"""The fifth step: passages get their vectors, a batch at a time. Also for recordings whose vectors are missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from assistant.engine.client import EngineClient, ModelState, Priority
from assistant.errors import EmbedderDown
from assistant.jobs.job import Job, JobStep
from indexer.keeping import Progress, keep, pause_of
from indexer.patience import patiently
from indexer.services import Services
from knowledge.embedding import TextKind
from knowledge.passages.cutting import embedding_text
from knowledge.passages.passage import Passage
from knowledge.passages.store import count_passages, passages_without_vector, save_vectors

BATCH = 32
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors by passage id, of the embedder with this digest, and those of their tokens, packed. `left`: how many
    lacked them before these."""

    digest: str
    vectors: Mapping[str, NDArray[np.float32]]
    tokens: Mapping[str, bytes]
    left: int


def embed(services: Services, job: Job, revision: int, *, title: str) -> None:
    """Give every passage of the revision its vector. Raises EmbedderDown, Cancelled."""
    progress, pause = Progress(services, job), pause_of(services, job)

    def next_batch() -> Embedded | None:
        embedder = ready_embedder(services.engine)
        left = _without_vector(services, job, revision, embedder.digest)
        batch = left[:BATCH]
        return embed_passages(services.engine, batch, [title] * len(batch), embedder, left=len(left)) if batch else None

    with services.database.read() as session:
        total = count_passages(session, job.recording_id, revision)
    if not total:
        return
    while embedded := patiently(next_batch, patience_s=services.limits.patience_s, pause=pause):
        keep(services, job, _saving(embedded, progress, total))


def ready_embedder(engine: EngineClient) -> ModelState:
    """Raises EmbedderDown."""
    embedder = engine.state().embedder
    if embedder.state != "ready":
        raise EmbedderDown(f"the embedder {embedder.name} is {embedder.state}", embedder.detail or "")
    return embedder


def check_unchanged(engine: EngineClient, embedder: ModelState) -> None:
    """After asking for vectors. Raises EmbedderDown where another embedder than this one may have answered."""
    if engine.state().embedder.digest != embedder.digest:
        raise EmbedderDown("the embedder was changed meanwhile", "nothing to do: it is asked again")


def embed_passages(
    engine: EngineClient, passages: Sequence[Passage], titles: Sequence[str], embedder: ModelState, *, left: int = 0
) -> Embedded:
    """Raises EmbedderDown, also where another embedder than this one answered: its vectors are never mixed."""
    texts = [embedding_text(passage.text, title) for passage, title in zip(passages, titles, strict=True)]
    vectors = engine.embed(texts, kind=TextKind.PASSAGE, priority=Priority.INDEX)
    check_unchanged(engine, embedder)
    ids = [passage.id for passage in passages]
    by_id = dict(zip(ids, vectors.whole, strict=True))
    return Embedded(embedder.digest, by_id, dict(zip(ids, vectors.tokens, strict=True)), left)


def _without_vector(services: Services, job: Job, revision: int, digest: str) -> list[Passage]:
    with services.database.read() as session:
        return passages_without_vector(session, digest, _ALL, recording_id=job.recording_id, revision=revision)


def _saving(embedded: Embedded, progress: Progress, total: int) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        save_vectors(session, embedded.digest, embedded.vectors, tokens=embedded.tokens)
        done = total - embedded.left + len(embedded.vectors)
        progress.note(session, JobStep.EMBEDDING, done, total, "passages")

    return write
