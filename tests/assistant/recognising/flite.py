"""Speech for tests, made by flite."""

import subprocess
from pathlib import Path

import numpy as np

from assistant.recognising.recognizer import Samples


def say(text: str, folder: Path, *, voice: str = "slt") -> Samples:
    """16 kHz speech of a text."""
    wav = folder / "said.wav"
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(wav)], check=True)
    raw = np.frombuffer(wav.read_bytes()[44:], "<i2")
    return (raw / 32768).astype(np.float32)
