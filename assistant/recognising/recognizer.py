"""What every recogniser promises: a batch of clips in, for each its segments or the reason there are none.

Knows no engine. Engines (pocketsphinx, an OpenAI-compatible server, later Fun-ASR) live one to a file beside this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.transcripts.segment import Segment

SAMPLE_RATE_HZ = 16_000
MAX_CLIP_S = 30.0
"""Longer stretches make the production model drop whole passages (FUNASR: known troubles)."""

Samples = NDArray[np.float32]
"""float32, shape (n_samples,), in [-1, 1], mono at SAMPLE_RATE_HZ."""


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """What is known about a clip beside its sound.

    `language`: BCP 47, None to detect. `hotwords`: terms likely to be said. `itn`: write numbers as figures.
    `script`: text believed to be what is said (at most 1 MB), used by engines that can mix it in. `word_times`:
    whether they are wanted, where measuring them is work of its own.
    """

    language: str | None = None
    hotwords: tuple[str, ...] = ()
    itn: bool = True
    script: str | None = None
    word_times: bool = True


@dataclass(frozen=True, slots=True)
class Clip:
    """One stretch of speech, already cut, at most MAX_CLIP_S long."""

    samples: Samples
    options: ClipOptions = ClipOptions()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Recognised:
    """What one clip gave: segments on the clip's own clock (second 0 is its first sample), or an error.

    An empty tuple without an error means that no speech was heard. `truncated`: the engine ran out of room
    before the clip was over. `hard_to_hear`: why the words are doubtful.
    """

    segments: tuple[Segment, ...] = ()
    error: str | None = None
    truncated: bool = False
    hard_to_hear: str | None = None


class Recognizer(Protocol):
    """An engine that turns clips into text.

    Not thread-safe unless an engine says so: one caller at a time. Never raises for a single bad clip: its slot
    says what was wrong. Raises RecognizerDown when the engine itself cannot work, UnknownLanguage when no clip of
    this language can ever work.
    """

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """SHA-256 over the model's files (or a remote server's address and model name), hex."""

    @property
    def languages(self) -> frozenset[str] | None:
        """BCP 47 codes it can hear; None when nobody knows."""

    @property
    def gives_word_times(self) -> bool: ...

    @property
    def batch_s(self) -> float:
        """Seconds of sound that are best given in one call; 0 where clips one by one are as fast."""

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        """One result a clip, in the same order."""
