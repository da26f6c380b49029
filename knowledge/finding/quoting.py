"""The best sentence inside a passage: where playback begins and ends.

Its bounds are always ones that something measured: a segment's, or its words' where words have times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import count_in, idf, taken_apart
from knowledge.finding.moment import Sentence
from knowledge.index.view import Hashes, TokenField
from knowledge.transcripts.segment import Segment, Word

SENTENCE_S = 15.0
"""A sentence is put together from pieces up to so long; a longer segment is one as it is."""
PAUSE_S = 0.4
_ENDS = (".", "!", "?", "。", "！", "？")
_SOUND_SHARE = 0.3
LEAST_TOLD = 1.5
"""What a question must say at least, by idf: one word that every fourth passage holds, or three that most hold."""
_COST_A_SECOND = 0.004
"""Of two stretches that cover the question alike the shorter one is quoted."""


@dataclass(frozen=True, slots=True)
class Piece:
    start_s: float
    end_s: float
    text: str
    language: str
    exact: bool


def best_sentence(segments: Sequence[Segment], asked: Asked) -> Sentence | None:
    """None where nothing in the passage can be quoted (its segments are gone, or hard to hear)."""
    pieces = [piece for segment in segments for piece in pieces_of(segment)]
    if not pieces:
        return None
    spans = list(_spans(pieces))
    worth = _cover(pieces, spans, asked) - _COST_A_SECOND * np.array(
        [pieces[last].end_s - pieces[first].start_s for first, last in spans]
    )
    first, last = spans[int(np.argmax(worth))]
    chosen = pieces[first : last + 1]
    return Sentence(
        start_s=chosen[0].start_s,
        end_s=max(piece.end_s for piece in chosen),
        text=" ".join(piece.text for piece in chosen),
        exact=all(piece.exact for piece in chosen),
    )


def pieces_of(segment: Segment) -> list[Piece]:
    """A segment, or its sentences where all of its words have times: where a script's spelling was taken, those that
    were not heard as they are written have none, and a sentence put together without them would lack them."""
    if not segment.searchable:
        return []
    if not _all_timed(segment):
        return [Piece(segment.start_s, segment.end_s, segment.text.strip(), segment.language, exact=False)]
    return [
        Piece(words[0].start_s, words[-1].end_s, _written(words), segment.language, exact=True)
        for words in _sentences(segment.words)
    ]


def _all_timed(segment: Segment) -> bool:
    return bool(segment.words) and "".join(segment.text.split()) == "".join(
        part for word in segment.words for part in word.text.split()
    )


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in words:
        paused = sentence and word.start_s - sentence[-1].end_s >= PAUSE_S
        if sentence and (paused or sentence[-1].text.rstrip().endswith(_ENDS)):
            yield sentence
            sentence = []
        sentence.append(word)
    if sentence:
        yield sentence


def _written(words: Sequence[Word]) -> str:
    """Word texts as one line; Chinese words come without spaces between them."""
    texts = [word.text.strip() for word in words]
    wide = all(ord(text[0]) > 0x2E80 for text in texts if text)
    return ("" if wide else " ").join(texts)


def _spans(pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    """First and last piece of every stretch up to SENTENCE_S, and every single piece."""
    for first in range(len(pieces)):
        for last in range(first, len(pieces)):
            if last > first and pieces[last].end_s - pieces[first].start_s > SENTENCE_S:
                break
            yield first, last


def _cover(pieces: Sequence[Piece], spans: Sequence[tuple[int, int]], asked: Asked) -> NDArray[np.float64]:
    apart = [taken_apart(each.text, each.language) for each in pieces]
    words, sounds = (_cover_of_spans([each.of(field) for each in apart], spans, asked, field) for field in TokenField)
    return (1 - _SOUND_SHARE) * words + _SOUND_SHARE * sounds


def _cover_of_spans(
    pieces: Sequence[Hashes], spans: Sequence[tuple[int, int]], asked: Asked, field: TokenField
) -> NDArray[np.float64]:
    """Pieces are counted once; a span holds what its pieces hold. Squared, what tells a token apart counts double:
    small words say little about where in a passage the answer is."""
    tokens = sorted(set(asked.tokens.of(field)))
    if not tokens:
        return np.zeros(len(spans))
    up_to = np.vstack([np.zeros(len(tokens)), count_in(pieces, tokens).cumsum(axis=0)])
    first, last = np.array(spans).T
    return _share(up_to[last + 1] - up_to[first] > 0, idf(tokens, asked.statistics[field]) ** 2)


def cover(texts: Sequence[Hashes], asked: Asked, field: TokenField) -> NDArray[np.float64]:
    """Which share of what the question says, by idf, each text holds too: 0 to 1. Small words alone say too little for
    anything to answer them, though every text holds them."""
    tokens = sorted(set(asked.tokens.of(field)))
    if not tokens or not texts:
        return np.zeros(len(texts))
    return _share(count_in(texts, tokens) > 0, idf(tokens, asked.statistics[field]), least=LEAST_TOLD)


def _share(holds: NDArray[np.bool_], told: NDArray[np.float64], *, least: float = 1e-9) -> NDArray[np.float64]:
    return np.asarray(holds @ told / max(float(told.sum()), least))
