"""A real home for a bench: the product's own tables, cutting, index and finding, filled with text that is given.

Knows no model: whoever calls brings the embedding.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from earmark.migrations import migrate
from knowledge.database import Database, new_id, utc_now
from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.finding.find import Looked, Question, find, look
from knowledge.finding.languages import can_read
from knowledge.finding.moment import Found
from knowledge.index.follower import IndexFollower
from knowledge.index.view import IndexView
from knowledge.passages.cutting import cut_passages, embedding_text
from knowledge.passages.store import publish, replace_passages, save_vectors
from knowledge.recordings.store import course_by_name
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.reranking import Rerank
from knowledge.transcripts.segment import UNDETERMINED, Segment
from knowledge.transcripts.store import save_transcript, segments_of

Embed = Callable[[list[str], TextKind], TextVectors]
Progress = Callable[[str, int, int], None]
"""(what is being done, done, total)"""

COURSE = "Bench"


@dataclass(frozen=True, slots=True)
class GivenRecording:
    """A recording of which only the transcript is known."""

    name: str
    title: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class BenchEmbedder:
    """`languages`: what it was trained for, None for a multilingual one; texts of others are not embedded."""

    embed: Embed
    digest: str
    languages: frozenset[str] | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class BenchReranker:
    """`rerank` takes the time it needs and never declines, so that a rerun gives the same."""

    rerank: Rerank
    digest: str
    name: str = ""


def silent_progress(what: str, done: int, total: int) -> None:
    """For callers that show nothing."""


@dataclass
class BenchHome:
    """An opened home. `names`: recording id → its name in the data."""

    database: Database
    index: IndexFollower
    embedder: BenchEmbedder | None
    reranker: BenchReranker | None = None
    names: dict[str, str] = field(default_factory=dict)
    _read: dict[str, list[Segment]] = field(default_factory=dict)

    def fill(self, recordings: Sequence[GivenRecording], *, progress: Progress = silent_progress) -> None:
        """Keep, cut, embed and publish, as indexing does after the recogniser."""
        for done, recording in enumerate(recordings):
            progress("indexing", done, len(recordings))
            self._publish(recording)
        progress("indexing", len(recordings), len(recordings))
        self.index.compact()  # else every question would look through each recording apart

    def count(self, view: IndexView) -> int:
        """Passages that a question is searched in."""
        return view.count(courses=self.courses())

    def ask(self, text: str, *, k: int = 5, view: IndexView) -> Found:
        rerank = self.reranker.rerank if self.reranker else None
        return find(self.question(text), view=view, segments=self.segments, courses=self.courses(), k=k, rerank=rerank)

    def look(self, text: str, *, k: int = 5, view: IndexView, tokens: bool = True) -> Looked | None:
        """What `ask` sees before its verdict, which a reranker has no part in. `tokens`: False for what a home sees
        that lacks their vectors."""
        question = self.question(text, tokens=tokens)
        return look(question, view=view, segments=self.segments, courses=self.courses(), k=k)

    def question(self, text: str, *, tokens: bool = True) -> Question:
        made = self._vectors(text)
        return Question(
            text,
            UNDETERMINED,
            made.whole if made else None,
            self._languages,
            made.tokens[0] if made and tokens else b"",
        )

    def courses(self) -> frozenset[str]:
        with self.database.read() as session:
            course = course_by_name(session, COURSE)
        return frozenset() if course is None else frozenset({course.id})

    @property
    def _languages(self) -> frozenset[str] | None:
        return None if self.embedder is None else self.embedder.languages

    def _vectors(self, text: str) -> TextVectors | None:
        if self.embedder is None or not text.strip() or not self._embeds(text):
            return None
        return self.embedder.embed([text], TextKind.QUESTION)

    def _publish(self, recording: GivenRecording) -> None:
        drafts = cut_passages(recording.segments)
        at = [place for place, each in enumerate(drafts) if self._embeds(each.text)]
        texts = [embedding_text(drafts[place].text, recording.title) for place in at]
        vectors = self.embedder.embed(texts, TextKind.PASSAGE) if self.embedder and texts else None
        with self.database.write() as session:
            recording_id = _keep(session, recording)
            revision = save_transcript(session, recording_id, "bench", recording.segments)
            ids = replace_passages(session, recording_id, revision, drafts)
            if self.embedder is not None and vectors is not None:
                whose = [ids[place] for place in at]
                rows, tokens = (dict(zip(whose, each, strict=True)) for each in (vectors.whole, vectors.tokens))
                save_vectors(session, self.embedder.digest, rows, tokens=tokens)
            publish(session, recording_id, revision)
        self.names[recording_id] = recording.name

    def _embeds(self, text: str) -> bool:
        """What it cannot read at all costs time and gives nothing."""
        return self.embedder is not None and can_read(self.embedder.languages, text)

    def segments(self, recording_id: str, revision: int, first: int, last: int) -> list[Segment]:
        if recording_id not in self._read:
            with self.database.read() as session:
                self._read[recording_id] = segments_of(session, recording_id, revision)
        return self._read[recording_id][first : last + 1]


@contextmanager
def opened_bench(
    home: Path, embedder: BenchEmbedder | None, reranker: BenchReranker | None = None
) -> Iterator[BenchHome]:
    """`home`: a folder of its own, empty; a bench never touches a home that is in use."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    migrate(database, home)
    index = IndexFollower(
        database,
        home / "index",
        analyse=analyse,
        analysis_version=ANALYSIS_VERSION,
        embedder_digest=None if embedder is None else embedder.digest,
    )
    try:
        yield BenchHome(database, index, embedder, reranker)
    finally:
        index.close()
        database.close()


def _keep(session: Session, recording: GivenRecording) -> str:
    course = course_by_name(session, COURSE, create=True)
    row = RecordingRow(
        id=new_id(),
        course_id=course.id,
        name=recording.name,
        title=recording.title or recording.name,
        state=RecordingState.INDEXING,
        content_sha256=hashlib.sha256(recording.name.encode()).hexdigest(),
        size_bytes=0,
        original_path="",
        created_at=utc_now(),
    )
    session.add(row)
    session.flush()
    return row.id
