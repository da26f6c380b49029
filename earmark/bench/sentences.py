"""A written text as if it were spoken: a sentence a segment, on a clock that only orders them."""

import re
from collections.abc import Iterable

from knowledge.passages.cutting import count_words
from knowledge.transcripts.segment import Segment

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])")
_SECONDS_A_WORD = 0.4


def sentences_of(text: str) -> list[str]:
    return list(filter(None, map(str.strip, _SENTENCE_END.split(text))))


def segments_of_sentences(sentences: Iterable[str]) -> list[Segment]:
    """In order; the seconds say nothing but that order."""
    segments: list[Segment] = []
    clock = 0.0
    for sentence in sentences:
        length = _SECONDS_A_WORD * max(count_words(sentence), 1.0)
        segments.append(Segment(clock, clock + length, sentence))
        clock += length
    return segments


def sentences_as_segments(text: str) -> list[Segment]:
    return segments_of_sentences(sentences_of(text))
