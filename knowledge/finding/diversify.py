"""Neighbouring and overlapping passages of one recording are one moment: a person hears it once.

Knows ranks and places only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.passages.passage import Passage


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage, where it stands in the pool, and its fused score."""

    passage: Passage
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


def same_moment(one: Passage, other: Passage) -> bool:
    """Do they share a segment, or does one begin where the other ends?"""
    if (one.recording_id, one.revision) != (other.recording_id, other.revision):
        return False
    return one.first_segment <= other.last_segment + 1 and other.first_segment <= one.last_segment + 1
