"""What hearing a file gives, piece by piece. Knows neither decoder nor detector."""

from dataclasses import dataclass
from pathlib import Path

from assistant.recognising.recognizer import Samples


@dataclass(frozen=True, slots=True)
class SpeechClip:
    """A stretch of speech, at most 30 s: bounds on the recording's clock, samples for the recogniser."""

    start_s: float
    end_s: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class HearingProgress:
    """`declared_s` is what the file says of its own length: only a hint, often wrong."""

    decoded_s: float
    declared_s: float | None


@dataclass(frozen=True, slots=True)
class HeardFile:
    """The end of a file: what was in it. `playable` is our own seekable copy where one was asked for.

    `note` says what was skipped or repaired, None where nothing was.
    """

    duration_s: float
    speech_s: float
    has_picture: bool
    playable: Path | None
    note: str | None


@dataclass(frozen=True, slots=True)
class HearingLimits:
    """`max_hours`: of decoded sound. The rest is fixed by measurement (AUDIO: hostile and odd files)."""

    max_hours: float = 24.0
    memory_bytes: int = 1_500_000_000
    slowest_decoding: float = 20.0
    """Refused when a minute passes with decoding slower than this many times real time ..."""
    slow_for_s: float = 60.0


Heard = SpeechClip | HearingProgress | HeardFile
"""`hear(...)` yields clips and progress in order, and one HeardFile at the end."""
