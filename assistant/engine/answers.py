"""OpenAI's response forms: what was heard as text, subtitles, a document or a stream of events. And Cohere's of
reranking. Pure.

Fields that nobody measured (log-probabilities, tokens) are left out, never invented.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.engine.client import HeardSpeech
from assistant.recognising.subtitles import write_srt, write_vtt
from knowledge.embedding import TextVectors
from knowledge.reranking import TextScores
from knowledge.transcripts.segment import Segment, Word

FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
STREAMED_FORMATS = ("json", "text", "verbose_json")
MEDIA_TYPES = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}


def joined(segments: Iterable[Segment]) -> str:
    """What was said; what by rule nobody said is left out, as it is everywhere but in verbose_json."""
    return " ".join(segment.text for segment in segments if segment.searchable)


def as_text(segments: Sequence[Segment], response_format: str) -> str:
    """Plain text or subtitles."""
    said = tuple(segment for segment in segments if segment.searchable)
    if response_format == "srt":
        return write_srt(said)
    if response_format == "vtt":
        return write_vtt(said)
    return joined(said) + "\n"


def verbose_document(speech: HeardSpeech, *, words: bool = True) -> dict[str, Any]:
    """OpenAI's verbose_json, with `language`, `time_source` and `hard_to_hear` beside each segment's own fields."""
    document: dict[str, Any] = {
        "task": "transcribe",
        "language": speech.language,
        "duration": round(speech.duration_s, 3),
        "text": joined(speech.segments),
        "segments": [_segment_document(number, segment) for number, segment in enumerate(speech.segments)],
    }
    if words and any(segment.words for segment in speech.segments):
        document["words"] = [
            {"word": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)}
            for segment in speech.segments
            for word in segment.words
        ]
    return document


@dataclass
class Events:
    """OpenAI's events of one transcript as it is written down: deltas, or segments where `verbose` is asked for."""

    verbose: bool
    _told: int = 0
    _said: bool = False

    def of(self, segments: Sequence[Segment]) -> list[dict[str, Any]]:
        """The next segments, in order. Deltas put behind each other are the whole text."""
        if self.verbose:
            first, self._told = self._told, self._told + len(segments)
            return [
                {"type": "transcript.text.segment", **_segment_document(number, segment)}
                for number, segment in enumerate(segments, first)
            ]
        text = joined(segments)
        if not text:
            return []
        delta, self._said = f" {text}" if self._said else text, True
        return [{"type": "transcript.text.delta", "delta": delta}]

    def end(self, speech: HeardSpeech, **beside: Any) -> dict[str, Any]:
        """The last event: the whole text; with `verbose` all that is not a segment's own too."""
        if not self.verbose:
            return {"type": "transcript.text.done", "text": joined(speech.segments)}
        whole = {name: value for name, value in verbose_document(speech).items() if name not in ("segments", "words")}
        return {"type": "transcript.text.done", **whole, **beside}


def embedding_document(
    vectors: TextVectors, *, encoding: str, with_tokens: bool, model: str, digest: str
) -> dict[str, Any]:
    """OpenAI's embedding list, beside each vector those of its tokens where asked for. No tokens are counted here, so
    usage says 0."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()
            if encoding == "base64"
            else [float(value) for value in row],
            **({"tokens": base64.b64encode(tokens).decode()} if with_tokens else {}),
        }
        for index, (row, tokens) in enumerate(zip(vectors.whole, vectors.tokens, strict=True))
    ]
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
        "earmark": {"digest": digest},
    }


def reranking_document(scores: TextScores, *, top_n: int | None, model: str, digest: str) -> dict[str, Any]:
    """Best first, of equal ones the earlier. `relevance_score` is the model's logit, on no scale from 0 to 1."""
    best = sorted(range(len(scores)), key=lambda index: -scores[index])[:top_n]
    return {
        "model": model,
        "results": [{"index": index, "relevance_score": float(scores[index])} for index in best],
        "earmark": {"digest": digest},
    }


def _segment_document(number: int, segment: Segment) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": number,
        "start": round(segment.start_s, 3),
        "end": round(segment.end_s, 3),
        "text": segment.text,
        "language": segment.language,
        "time_source": segment.time_source.value,
        "hard_to_hear": segment.hard_to_hear,
        "invented": segment.invented,
    }
    if segment.words:
        document["words"] = [_word_document(word) for word in segment.words]
    return document


def _word_document(word: Word) -> dict[str, Any]:
    document: dict[str, Any] = {"word": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)}
    if word.probability is not None:
        document["probability"] = word.probability
    return document
