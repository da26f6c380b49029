"""Sound for models of random weights, which say nonsense to anything."""

import numpy as np

from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Samples


def noise(seconds: float, seed: int) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
