"""What a course's recordings say, read from the database for its map. That they may be heard is seen to before."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.finding.quoting import Piece, pieces_of
from knowledge.recordings.tables import RecordingRow, RecordingState
from knowledge.terms.term_map import Explained, Said, Term, TermMap
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.tables import SegmentRow

Published = Mapping[str, int]
"""The recordings of a course that can be heard now, the oldest first: id to published revision. What is removed, or
written down anew, is another value."""


def published_in(session: Session, course_id: str) -> dict[str, int]:
    query = (
        select(RecordingRow.id, RecordingRow.revision)
        .where(RecordingRow.course_id == course_id, RecordingRow.state == RecordingState.READY)
        .where(RecordingRow.revision.is_not(None))
        .order_by(RecordingRow.created_at, RecordingRow.id)
    )
    return {recording_id: revision or 0 for recording_id, revision in session.execute(query)}


def said_in(session: Session, published: Published) -> list[Said]:
    """Everything that is searched, in NFC, recording by recording."""
    columns = (SegmentRow.ordinal, SegmentRow.start_s, SegmentRow.end_s, SegmentRow.text, SegmentRow.language)
    found: list[Said] = []
    for recording_id, revision in published.items():
        query = (
            select(*columns)
            .where(SegmentRow.recording_id == recording_id, SegmentRow.revision == revision)
            .where(SegmentRow.invented.is_(False))
            .order_by(SegmentRow.ordinal)
        )
        found.extend(
            Said(recording_id, ordinal, start_s, end_s, unicodedata.normalize("NFC", text), language)
            for ordinal, start_s, end_s, text, language in session.execute(query)
            if text.strip()
        )
    return found


def with_sentences(session: Session, drawn: TermMap, published: Published) -> TermMap:
    """Where words have times, each term explained by the sentence that says it; else by its segment, as it was."""
    sought: dict[str, set[int]] = defaultdict(set)
    for term in drawn.terms:
        sought[term.explained.recording_id].add(term.explained.ordinal)
    pieces = {
        (recording_id, ordinal): pieces_of(segment)
        for recording_id, ordinals in sought.items()
        for ordinal in sorted(ordinals)
        for segment in transcripts.segments_of(
            session, recording_id, published[recording_id], first=ordinal, last=ordinal
        )
    }

    def sharpened(term: Term) -> Term:
        where = term.explained
        return replace(term, explained=_sentence_of(where, pieces.get((where.recording_id, where.ordinal), ())))

    return replace(drawn, terms=tuple(map(sharpened, drawn.terms)))


def _sentence_of(where: Explained, pieces: Sequence[Piece]) -> Explained:
    """From the piece that the term begins in to the one that it ends in: a pause may part it."""
    spans = _spans_in(where.text, pieces)
    touched = [
        (piece, start, end)
        for piece, (start, end) in zip(pieces, spans, strict=False)
        if start < where.term_end and end > where.term_start
    ]
    if not touched:
        return where
    (first, start, _), (last, _, end) = touched[0], touched[-1]
    return replace(
        where,
        start_s=first.start_s,
        end_s=last.end_s,
        text=where.text[start:end],
        term_start=where.term_start - start,
        term_end=where.term_end - start,
    )


def _spans_in(text: str, pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """Where each piece stands in its segment's text, which says the same but for white space; empty where it does
    not."""
    places = [at for at, sign in enumerate(text) if not sign.isspace()]
    signs = ["".join(unicodedata.normalize("NFC", piece.text).split()) for piece in pieces]
    ends = list(accumulate(map(len, signs)))
    if not all(signs) or not ends or ends[-1] != len(places):
        return []
    starts = [0, *ends[:-1]]
    return [(places[first], places[behind - 1] + 1) for first, behind in zip(starts, ends, strict=True)]
