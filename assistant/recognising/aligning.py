"""Times for words whose recogniser gave none: an aligner hears the clip again, beside the text that was written down.

Only what the aligner measured is taken. Where its answers are not in order as they stand, the segment keeps no word
times and the page lights the sentence: seconds that were filled in between would be invented ones.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Clip, Recognised, Recognizer, Samples
from knowledge.transcripts.segment import Segment, TimeSource, Word

FEWEST_IN_ORDER = 0.9
"""Share of the aligner's seconds that must be in order as they stand; ours, no aligner's figure was measured."""
MOST_WITHOUT_LENGTH = 0.5
"""Share of words that may begin and end in one step: an aligner that lost the text puts them all there."""
LONGEST_WORD_S = 3.0
"""A word that lasts longer holds a pause that the aligner did not see."""


@dataclass(frozen=True, slots=True)
class Said:
    """A stretch of sound and what is said in it. `language`: BCP 47."""

    samples: Samples
    text: str
    language: str

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Measured:
    """What an aligner said of one piece of text: its piece as it spells it, and the seconds, as they came."""

    text: str
    start_s: float
    end_s: float


class Aligner(Protocol):
    """One caller at a time. Never raises for a single stretch: one that it cannot align has no pieces."""

    @property
    def digest(self) -> str: ...

    @property
    def languages(self) -> frozenset[str]:
        """BCP 47 codes, without regions."""

    def align(self, said: Sequence[Said]) -> list[tuple[Measured, ...]]:
        """The pieces of each stretch, in the order of its text."""


class AlignedRecognizer:
    """A recogniser whose words get their seconds from an aligner; everything else is the recogniser's own."""

    def __init__(self, recogniser: Recognizer, aligner: Aligner) -> None:
        self._recogniser = recogniser
        self._aligner = aligner
        self.name = recogniser.name
        self.digest = recogniser.digest
        self.languages = recogniser.languages
        # Not in every language and not every time: clips are cut as if there were none.
        self.gives_word_times = recogniser.gives_word_times

    @property
    def batch_s(self) -> float:
        return self._recogniser.batch_s

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        heard = self._recogniser.recognize(clips)
        wanted = [
            (at, place, _said(clip, segment))
            for at, (clip, recognised) in enumerate(zip(clips, heard, strict=True))
            for place, segment in enumerate(recognised.segments)
            if clip.options.word_times
            and segment.searchable
            and not segment.words
            and _language(segment) in self._aligner.languages
        ]
        segments = [list(recognised.segments) for recognised in heard]
        measured = self._aligner.align([said for _, _, said in wanted])
        for (at, place, said), pieces in zip(wanted, measured, strict=True):
            segments[at][place] = with_words(segments[at][place], pieces, duration_s=said.duration_s)
        return [replace(each, segments=tuple(own)) for each, own in zip(heard, segments, strict=True)]


def with_words(segment: Segment, pieces: Sequence[Measured], *, duration_s: float) -> Segment:
    """The segment with its words, spelled as in its text; as it was where the pieces cannot be believed."""
    if not pieces or not believable(pieces, duration_s=duration_s):
        return segment
    texts = spelled(segment.text, [piece.text for piece in pieces])
    if texts is None:
        return segment
    words = tuple(
        Word(segment.start_s + min(piece.start_s, duration_s), segment.start_s + min(piece.end_s, duration_s), text)
        for text, piece in zip(texts, in_order(pieces), strict=True)
    )
    return replace(segment, words=words, time_source=TimeSource.ALIGNER)


def believable(pieces: Sequence[Measured], *, duration_s: float) -> bool:
    """Nearly all seconds in order as they came, inside the sound, no word longer than words are."""
    seconds = [second for piece in pieces for second in (piece.start_s, piece.end_s)]
    if min(seconds) < 0 or max(seconds) > duration_s + 1 / SAMPLE_RATE_HZ + 0.1:
        return False
    if any(piece.end_s - piece.start_s > LONGEST_WORD_S for piece in pieces):
        return False
    if sum(piece.end_s <= piece.start_s for piece in pieces) > MOST_WITHOUT_LENGTH * len(pieces):
        return False
    backwards = sum(later < earlier for earlier, later in itertools.pairwise(seconds))
    return 1 - backwards / max(1, len(seconds) - 1) >= FEWEST_IN_ORDER


def in_order(pieces: Sequence[Measured]) -> list[Measured]:
    """Seconds that run backwards wait for those before them; nothing is put between."""
    reached, ordered = 0.0, []
    for piece in pieces:
        start_s = max(reached, piece.start_s)
        reached = max(start_s, piece.end_s)
        ordered.append(Measured(piece.text, start_s, reached))
    return ordered


def spelled(text: str, pieces: Sequence[str]) -> list[str] | None:
    """The text cut at its pieces, each with the marks that follow it; None where a piece is not in the text.

    Aligners drop marks inside words too: `3.5` comes as `35`, `e-mail` as `email`.
    """
    starts, at = [], 0
    for piece in pieces:
        found = re.compile(r"[^\w\s]*".join(map(re.escape, piece))).search(text, at)
        if found is None:
            return None
        starts.append(found.start())
        at = found.end()
    starts = [0, *starts[1:]]
    return [text[start:end].strip() for start, end in itertools.pairwise([*starts, len(text)])]


def _said(clip: Clip, segment: Segment) -> Said:
    first, last = (round(second * SAMPLE_RATE_HZ) for second in (segment.start_s, segment.end_s))
    return Said(clip.samples[first:last], segment.text, _language(segment))


def _language(segment: Segment) -> str:
    return segment.language.split("-")[0]
