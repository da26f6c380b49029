"""Vectors of texts embedded before: a batch is several times as fast as the same texts one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from earmark.bench.bench_home import BenchEmbedder, Embed, GivenRecording, Progress, silent_progress
from knowledge.embedding import TextKind, TextVectors, Vectors
from knowledge.finding.languages import can_read
from knowledge.passages.cutting import cut_passages, embedding_text

BATCH = 256


@dataclass
class KeptVectors:
    """Asks `embed` for what it has not seen yet. Vectors may also be given: then the text is never embedded."""

    embed: Embed
    _kept: dict[tuple[TextKind, str], tuple[Vectors, bytes]] = field(default_factory=dict)

    def __call__(self, texts: list[str], kind: TextKind) -> TextVectors:
        self.make(texts, kind)
        kept = [self._kept[kind, text] for text in texts]
        return TextVectors(np.stack([whole for whole, _ in kept]), tuple(tokens for _, tokens in kept))

    def make(self, texts: Iterable[str], kind: TextKind, progress: Progress = silent_progress) -> None:
        """In batches of texts of like length, so that little of a batch is padding."""
        fresh = sorted({text for text in texts if (kind, text) not in self._kept}, key=lambda text: (len(text), text))
        for first in range(0, len(fresh), BATCH):
            progress("embedding", first, len(fresh))
            batch = fresh[first : first + BATCH]
            self.give(batch, self.embed(batch, kind), kind)

    def give(self, texts: Sequence[str], vectors: TextVectors, kind: TextKind) -> None:
        each = zip(texts, vectors.whole, vectors.tokens, strict=True)
        self._kept.update(((kind, text), (whole, tokens)) for text, whole, tokens in each)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An embedder that may be asked for everything at once before it is needed one by one; None: there is none."""

    embedder: BenchEmbedder | None
    vectors: KeptVectors | None

    def passages(self, recordings: Iterable[GivenRecording], progress: Progress = silent_progress) -> None:
        if self.vectors is not None:
            drafts = [draft for each in recordings for draft in cut_passages(each.segments)]
            texts = [embedding_text(each.text, "") for each in drafts if self.embeds(each.text)]
            self.vectors.make(texts, TextKind.PASSAGE, progress)

    def questions(self, texts: Iterable[str], progress: Progress = silent_progress) -> None:
        if self.vectors is not None:
            said = [text for text in texts if text.strip() and self.embeds(text)]
            self.vectors.make(said, TextKind.QUESTION, progress)

    def embeds(self, text: str) -> bool:
        return self.embedder is not None and can_read(self.embedder.languages, text)


def prepared(embedder: BenchEmbedder | None) -> Prepared:
    """The same embedder, but for the vectors it keeps."""
    if embedder is None:
        return Prepared(None, None)
    kept = KeptVectors(embedder.embed)
    return Prepared(replace(embedder, embed=kept), kept)
