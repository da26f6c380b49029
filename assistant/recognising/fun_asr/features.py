"""What Fun-ASR hears of a clip: log mel energies, seven frames stacked at every sixth. Pure; knows no model.

The same numbers as funasr 1.4.16's WavFrontend without dither, which would make results unrepeatable.
"""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Samples

N_MELS = 80
STACKED, STEP = 7, 6
FRAME_MS, SHIFT_MS = 25.0, 10.0
FEATURES = N_MELS * STACKED

Features = NDArray[np.float32]
"""float32, shape (n_frames, FEATURES)."""


def features_of(samples: Samples) -> Features:
    """Raises ValueError for a clip too short for one frame."""
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.samp_freq = SAMPLE_RATE_HZ
    options.frame_opts.window_type = "hamming"
    options.frame_opts.frame_length_ms = FRAME_MS
    options.frame_opts.frame_shift_ms = SHIFT_MS
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = N_MELS
    options.energy_floor = 0.0
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(SAMPLE_RATE_HZ, (samples * 32768.0).tolist())
    fbank.input_finished()
    if fbank.num_frames_ready == 0:
        raise ValueError(f"{len(samples)} samples hold no frame of {FRAME_MS:.0f} ms")
    frames = np.stack([fbank.get_frame(number) for number in range(fbank.num_frames_ready)])
    return stacked(frames)


def stacked(frames: NDArray[np.float32]) -> Features:
    """Each sixth frame with its three neighbours on either side; at the ends the first and the last are repeated."""
    centres = np.arange(0, len(frames), STEP)[:, None]
    around = np.arange(STACKED)[None, :] - (STACKED - 1) // 2
    places = np.clip(centres + around, 0, len(frames) - 1)
    return np.ascontiguousarray(frames[places].reshape(len(centres), -1), np.float32)


def audio_tokens(n_frames: int) -> int:
    """How many of the adaptor's frames the language model is given: halved three times, rounded up."""
    for _ in range(3):
        n_frames = (n_frames + 1) // 2
    return n_frames
