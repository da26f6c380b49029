"""Real speech for the indexer's tests: the demo's spoken questions, with pauses between them."""

import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from assistant.recognising.recognizer import SAMPLE_RATE_HZ

SPOKEN = Path(__file__).parents[2] / "data" / "questions"
PAUSE_S = 1.5


def spoken_questions() -> list[NDArray[np.int16]]:
    """int16, shape (n_samples,), at SAMPLE_RATE_HZ, one a question."""
    return [_decoded(path) for path in sorted(SPOKEN.glob("*.flac"))]


def write_talk(path: Path, *, stretches: int) -> Path:
    """A WAV of so many spoken stretches; no two of them sound the same."""
    questions, rng = spoken_questions(), np.random.default_rng(7)
    parts = []
    for at in range(stretches):
        pause = rng.normal(0, 8, int(PAUSE_S * SAMPLE_RATE_HZ)).astype(np.int16)
        quieter = 1.0 - 0.01 * (at // len(questions))
        parts += [pause, (questions[at % len(questions)] * quieter).astype(np.int16)]
    parts.append(rng.normal(0, 8, SAMPLE_RATE_HZ).astype(np.int16))
    return write_wav(path, np.concatenate(parts))


def write_wav(path: Path, samples: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.tobytes())
    return path


def _decoded(path: Path) -> NDArray[np.int16]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in (*frames, *resampler.resample(None))])
