"""An engine with the packaged embedder in this very process, for tests of what is asked; it hears nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.engine.client import EngineState, HeardSpeech, ModelState, OnSegments, Priority
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.database import Database
from knowledge.embedding import TextKind, TextVectors
from knowledge.passages.cutting import cut_passages, embedding_text
from knowledge.passages.store import publish, replace_passages, save_vectors
from knowledge.sentence_embedder import SentenceEmbedder
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import save_transcript

NO_OPTIONS = ClipOptions()


@dataclass(frozen=True)
class ReadingEngine:
    embedder: SentenceEmbedder

    def state(self) -> EngineState:
        reads = self.embedder
        recogniser = ModelState("deaf", "a" * 64, "ready", trial=True, languages=frozenset({"en"}))
        return EngineState(
            recogniser, ModelState(reads.name, reads.digest, "ready", trial=True, languages=reads.languages), 1
        )

    def recognize_clip(
        self, clip: Clip, *, priority: Priority = Priority.INDEX, deadline_s: float | None = None
    ) -> Recognised:
        return Recognised()

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions = NO_OPTIONS,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        longest_s: float | None = None,
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        return HeardSpeech((), "en", 1.0, 0.0, 0.0)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors:
        return self.embedder.embed(texts, kind=kind)

    def make_findable(self, database: Database, recording_id: str, segments: Sequence[Segment]) -> None:
        """What indexing does behind the recogniser."""
        drafts = cut_passages(segments)
        made = self.embed([embedding_text(each.text, "") for each in drafts], kind=TextKind.PASSAGE)
        with database.write() as session:
            revision = save_transcript(session, recording_id, "given", segments)
            ids = replace_passages(session, recording_id, revision, drafts)
            whole, tokens = (dict(zip(ids, each, strict=True)) for each in (made.whole, made.tokens))
            save_vectors(session, self.embedder.digest, whole, tokens=tokens)
            publish(session, recording_id, revision)
