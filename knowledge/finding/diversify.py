"""Overlapping passages of one recording are one moment: a person hears it once.

Knows ranks and places only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.index.view import Place


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage, where it stands in the pool, and its fused score."""

    passage: Place
    at: int
    score: float


def moments(ranked: Sequence[Ranked], *, k: int) -> list[Ranked]:
    """The best passage of each of the k best moments; `ranked` is best first."""
    kept: list[Ranked] = []
    for candidate in ranked:
        if len(kept) == k:
            break
        if not any(same_moment(candidate.passage, other.passage) for other in kept):
            kept.append(candidate)
    return kept


def same_moment(one: Place, other: Place) -> bool:
    """Do they share a segment? Passages that only touch are two moments: merging those too cost a right one among
    three for every twelve questions asked of short, mixed recordings, and gained nothing on lectures."""
    if (one.recording_id, one.revision) != (other.recording_id, other.revision):
        return False
    return one.first_segment <= other.last_segment and other.first_segment <= one.last_segment
