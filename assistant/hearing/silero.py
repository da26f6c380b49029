"""Silero's speech detector by onnxruntime: blocks of sound in, the probability of speech for each out.

Runs the wheel's sequence model without importing the wheel (which would bring torch), keeping its state between
calls, so that hours stream through it. Knows nothing of spans.
"""

import importlib.util
import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Read when it is loaded: otherwise onnxruntime (1.31, Linux too) keeps an identifier of this machine in the user's
# cache and looks its maker's servers up. Nothing leaves the company's server.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from assistant.recognising.recognizer import Samples

BLOCK = 512
"""Samples a probability stands for: 32 ms."""
CONTEXT = 64
"""Samples before a block that the model wants to see with it."""

Probabilities = NDArray[np.float32]
"""float32, shape (n_blocks,), in [0, 1]."""


@cache
def load_session() -> onnxruntime.InferenceSession:
    """The model, on one thread: a process hears one file, and several run at once."""
    found = importlib.util.find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("the package silero-vad is not installed")
    model = Path(found.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


class SileroDetector:
    """One stream of sound; make a new one for each file."""

    def __init__(self) -> None:
        self._session = load_session()
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(CONTEXT, dtype=np.float32)

    def probabilities(self, blocks: Samples) -> Probabilities:
        """One probability a BLOCK; `blocks` holds whole blocks and follows the last call's."""
        if not len(blocks):
            return np.zeros(0, dtype=np.float32)
        joined = np.concatenate([self._context, blocks])
        windows = np.lib.stride_tricks.sliding_window_view(joined, BLOCK + CONTEXT)[::BLOCK]
        feeds = {"input": np.ascontiguousarray(windows), "h": self._h, "c": self._c}
        heard, self._h, self._c = self._session.run(None, feeds)
        self._context = joined[-CONTEXT:]
        return np.asarray(heard, dtype=np.float32).reshape(-1)
