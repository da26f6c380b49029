"""Clips' results, kept one by one while a recording is recognised. Knows neither sound nor engine."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.recognising.recognizer import ClipOptions
from indexer.tables import ClipResultRow
from knowledge.transcripts.segment import Segment, TimeSource, Word


@dataclass(frozen=True, slots=True)
class ClipKey:
    """Which clip, heard how. Hearing a file is the same each time, so that the bounds find the clip again."""

    start_ms: int
    end_ms: int
    options_digest: str


@dataclass(frozen=True, slots=True)
class ClipResult:
    """`segments` on the recording's clock; `error`: why there are none."""

    key: ClipKey
    segments: tuple[Segment, ...]
    error: str | None = None


def options_digest(recogniser_digest: str, options: ClipOptions) -> str:
    told = [recogniser_digest, options.language, list(options.hotwords), options.itn, options.script]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def save_clip_results(session: Session, recording_id: str, results: Iterable[ClipResult]) -> None:
    for result in results:
        session.merge(
            ClipResultRow(
                recording_id=recording_id,
                start_ms=result.key.start_ms,
                end_ms=result.key.end_ms,
                options_digest=result.key.options_digest,
                segments=[_document(segment) for segment in result.segments],
                error=result.error,
            )
        )


def kept_clips(session: Session, recording_id: str) -> set[ClipKey]:
    """Clips that need no recognising again; one that gave an error is worth another try."""
    wanted = select(ClipResultRow.start_ms, ClipResultRow.end_ms, ClipResultRow.options_digest).where(
        ClipResultRow.recording_id == recording_id, ClipResultRow.error.is_(None)
    )
    return {ClipKey(*row) for row in session.execute(wanted)}


def results_of(session: Session, recording_id: str, keys: Iterable[ClipKey]) -> list[ClipResult]:
    """In the order of the recording."""
    wanted = set(keys)
    rows = session.scalars(
        select(ClipResultRow)
        .where(
            ClipResultRow.recording_id == recording_id,
            ClipResultRow.options_digest.in_({key.options_digest for key in wanted}),
        )
        .order_by(ClipResultRow.start_ms, ClipResultRow.end_ms)
    )
    found = ((ClipKey(row.start_ms, row.end_ms, row.options_digest), row) for row in rows)
    return [
        ClipResult(key, tuple(_segment(document) for document in row.segments), row.error)
        for key, row in found
        if key in wanted
    ]


def forget_clip_results(session: Session, recording_id: str) -> None:
    session.execute(delete(ClipResultRow).where(ClipResultRow.recording_id == recording_id))


def _document(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": segment.start_s,
        "end_s": segment.end_s,
        "text": segment.text,
        "language": segment.language,
        "time_source": segment.time_source.value,
        "words": [[word.start_s, word.end_s, word.text, word.probability] for word in segment.words],
        "hard_to_hear": segment.hard_to_hear,
        "invented": segment.invented,
    }


def _segment(document: dict[str, Any]) -> Segment:
    return Segment(
        **{
            **document,
            "time_source": TimeSource(document["time_source"]),
            "words": tuple(Word(*word) for word in document["words"]),
        }
    )
