"""Which clips go through the model together. Pure."""

from collections.abc import Sequence

SHARED_PADDING = 0.5
"""A clip shorter than half the longest of its batch would be mostly padding."""


def batches_of(durations_s: Sequence[float], *, most_s: float) -> list[list[int]]:
    """Places of clips, longest first, so that a batch is alike in length and the first batch is the largest one.

    `most_s`: seconds of a batch, padding included. A clip longer than that is a batch of its own.
    """
    batches: list[list[int]] = []
    longest_s = 0.0
    for place in sorted(range(len(durations_s)), key=lambda place: -durations_s[place]):
        fits = batches and (len(batches[-1]) + 1) * longest_s <= most_s
        if fits and durations_s[place] >= SHARED_PADDING * longest_s:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest_s = durations_s[place]
    return batches
