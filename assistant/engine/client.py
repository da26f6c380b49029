"""What everyone else sees of the engine: sound to segments, texts to vectors, over HTTP.

`EngineClient` is the Protocol; `HttpEngineClient` (in http_client.py) speaks to a live engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.embedding import TextKind, TextVectors
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import Segment

OnSegments = Callable[[Sequence[Segment]], None]
"""Told the segments of one clip after another, as soon as they and all before them are there; now and then none at
all, so that whoever is told can say by raising that nobody listens any more."""


class Priority(StrEnum):
    """Questions go ahead of all indexing."""

    QUESTION = "question"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class ModelState:
    """`state`: loading, ready or down; `detail` says why it is down, or what it does while loading.

    `trial`: the default that needs no download. `runs_by`: the library that computes, where there may be several.
    """

    name: str
    digest: str
    state: str
    trial: bool
    detail: str | None = None
    languages: frozenset[str] | None = None
    gives_word_times: bool = False
    dimensions: int | None = None
    runs_by: str | None = None


@dataclass(frozen=True, slots=True)
class EngineState:
    """`children`: how many processes recognise. `clips_at_once`: how many clips keep them busy. `reranker`: None where
    none is set."""

    recogniser: ModelState
    embedder: ModelState
    children: int
    clips_at_once: int = 2
    reranker: ModelState | None = None


@dataclass(frozen=True, slots=True)
class HeardSpeech:
    """A whole file's transcript. `decode_ms`, `recognise_ms`: wall time inside the engine."""

    segments: tuple[Segment, ...]
    language: str
    duration_s: float
    decode_ms: float
    recognise_ms: float


class EngineClient(Protocol):
    """Safe to call from several threads. Raises RecognizerDown, EmbedderDown, RerankerDown, Busy, BadMedia,
    UnknownLanguage."""

    def state(self) -> EngineState: ...

    def recognize_clip(
        self, clip: Clip, *, priority: Priority = Priority.INDEX, deadline_s: float | None = None
    ) -> Recognised:
        """One stretch already cut; segments on the clip's own clock."""

    def transcribe(
        self,
        sound: Path | bytes,
        *,
        filename: str,
        options: ClipOptions = ClipOptions(),
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        longest_s: float | None = None,
        asker: str | None = None,
        on_segments: OnSegments | None = None,
    ) -> HeardSpeech:
        """A whole file: decoded and cut by the engine. BadInput for one longer than `longest_s`, found out soon.

        `asker`: who asks often takes turns with those who ask seldom. `on_segments` is told them in order while the
        rest is still being heard; what it was told stands also where this raises in the end.
        """

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: TextKind,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextVectors: ...

    def rerank(
        self,
        question: str,
        texts: Sequence[str],
        *,
        priority: Priority = Priority.QUESTION,
        deadline_s: float | None = None,
        asker: str | None = None,
    ) -> TextScores:
        """How well each text answers the question. Where that takes longer than `deadline_s` by what it took before,
        DeadlinePassed comes at once."""
