"""What an engine is to run: plain values from the settings, handed to device children as JSON. Knows no model."""

import os
from dataclasses import dataclass, field

from assistant.engine.lanes import LaneLimits
from knowledge.model_files import MINILM

POCKETSPHINX = "pocketsphinx"
REMOTE = "remote"
MOST_CORES = 8
REMOTE_CHILDREN = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """When a child counts as silent. A clip is given `floor_s`, or `per_clip_second` times its length if longer.

    `ping_every_s`, `pong_within_s`: an idle child is asked whether it lives. `load_s`: loading a model.
    `backoff_s`: pause before a child that died is started again, doubled up to `longest_backoff_s`.
    """

    floor_s: float = 30.0
    per_clip_second: float = 10.0
    ping_every_s: float = 5.0
    pong_within_s: float = 10.0
    load_s: float = 300.0
    backoff_s: float = 0.2
    longest_backoff_s: float = 30.0

    def for_clip(self, duration_s: float) -> float:
        return max(self.floor_s, self.per_clip_second * duration_s)


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """`recogniser`: pocketsphinx or remote. `recogniser_model`: a folder, or the remote server's name of its model.

    `children`: recogniser children, the one kept for questions included; where absent one for every core (at most 8)
    and one for questions. `embedder`: a folder or the packaged name. `max_hours`: longest file, of decoded sound.
    """

    recogniser: str = POCKETSPHINX
    recogniser_model: str | None = None
    recogniser_url: str | None = None
    recogniser_key: str | None = field(default=None, repr=False)
    children: int | None = None
    embedder: str = MINILM
    embedder_threads: int | None = None
    max_hours: float = 24.0
    max_upload_mb: float = 4096.0
    limits: LaneLimits = LaneLimits()
    patience: Patience = Patience()

    @property
    def recogniser_children(self) -> int:
        if self.children is not None:
            return max(1, self.children)
        if self.recogniser == REMOTE:
            return REMOTE_CHILDREN
        return min(MOST_CORES, os.cpu_count() or 1) + 1

    @property
    def recogniser_is_trial(self) -> bool:
        return self.recogniser == POCKETSPHINX

    @property
    def embedder_is_trial(self) -> bool:
        return self.embedder == MINILM
