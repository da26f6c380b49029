"""Where a script was not recognised though something was said: stretches worth recognising once more, listening for the
part of the script that belongs there. Pure rules; knows no recogniser and no files.

The recursion of Moreno et al., "A recursive algorithm for the forced alignment of very long audio segments" (ICSLP
1998), once: what was recognised on both sides bounds what can have been said between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.recognising.script_alignment import PlacedSentence, align, placed_sentences
from assistant.recognising.script_text import script_sentences
from knowledge.transcripts.segment import Segment

FEWEST_WORDS = 2
MOST_WORDS_A_SCRIPT_WORD = 3.0
"""Far more was said than the script has: a digression, and nothing to be found by listening for the script."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the recording in which these sentences of the script may have been said, and no others."""

    start_s: float
    end_s: float
    script: str


def gaps(segments: Sequence[Segment], script: str) -> Iterator[Gap]:
    """`segments`: what was heard, with words' times. In order; none overlaps another, nor a sentence that was heard."""
    sentences = script_sentences(script)
    words = [word for segment in segments for word in segment.words]
    start, end = PlacedSentence(-1, 0.0, 0.0), PlacedSentence(len(sentences), float("inf"), float("inf"))
    for before, after in pairwise([start, *placed_sentences(segments, script), end]):
        missing = sentences[before.number + 1 : after.number]
        said = sum(word.start_s >= before.end_s and word.end_s <= after.start_s for word in words)
        most = MOST_WORDS_A_SCRIPT_WORD * sum(len(sentence.spoken) for sentence in missing)
        if missing and FEWEST_WORDS <= said <= most:
            yield Gap(before.end_s, after.start_s, "\n".join(sentence.text for sentence in missing))


def filled(aligned: Sequence[Segment], gap: Gap, heard_again: Sequence[Segment]) -> list[Segment]:
    """`aligned` with what was heard in the gap when listening for its sentences, if any of them was.

    What lies in a gap is no sentence of the script yet, so nothing that was placed is lost.
    """
    if not placed_sentences(heard_again, gap.script):
        return list(aligned)
    around = [segment for segment in aligned if segment.end_s <= gap.start_s or segment.start_s >= gap.end_s]
    return sorted([*around, *align(heard_again, gap.script)], key=lambda segment: (segment.start_s, segment.end_s))
