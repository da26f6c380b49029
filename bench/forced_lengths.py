"""How long the answers of random weights shall be, which never come to their end by themselves."""

from collections.abc import Sequence

import numpy as np

SPREAD = 0.4


def forced_lengths(seconds: Sequence[float], tokens_a_second: float) -> list[int]:
    """Heavy-tailed around so many tokens a second; the same for the same seconds."""
    draws = [np.random.default_rng(round(1000 * each)).lognormal(0.0, SPREAD) for each in seconds]
    return [max(2, round(each * tokens_a_second * draw)) for each, draw in zip(seconds, draws, strict=True)]
