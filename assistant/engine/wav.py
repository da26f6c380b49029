"""The one form in which a cut clip travels: 16 kHz mono WAV, 16 bit. Knows no other sound."""

import io
import wave

import numpy as np

from assistant.errors import BadMedia
from assistant.recognising.recognizer import SAMPLE_RATE_HZ, Samples

WAY_OUT = "send 16 kHz mono WAV, 16 bit, or leave clip=true out"


def clip_to_wav(samples: Samples) -> bytes:
    """Values outside [-1, 1] are clipped, what is no number becomes silence."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    pcm = np.round(np.clip(finite, -1.0, 1.0) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(pcm.tobytes())
    return file.getvalue()


def wav_to_clip(content: bytes, *, filename: str) -> Samples:
    """Raises BadMedia where it is anything else, or is cut short."""
    try:
        with wave.open(io.BytesIO(content), "rb") as reader:
            form = (reader.getframerate(), reader.getnchannels(), reader.getsampwidth())
            frames = reader.readframes(reader.getnframes())
            promised = reader.getnframes()
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # RuntimeError: a chunk longer than the file
        raise BadMedia(f"{filename}: not a WAV file that can be read: {error or 'cut short'}", WAY_OUT) from error
    if form != (SAMPLE_RATE_HZ, 1, 2):
        rate, channels, width = form
        raise BadMedia(f"{filename}: {rate} Hz, {channels} channel(s), {8 * width} bit", WAY_OUT)
    if len(frames) != 2 * promised:
        raise BadMedia(f"{filename}: cut short, {len(frames) // 2} samples of {promised}", WAY_OUT)
    if not frames:
        raise BadMedia(f"{filename}: no samples", WAY_OUT)
    return (np.frombuffer(frames, "<i2") / np.float32(32767)).astype(np.float32)
