"""What an engine is to run: plain values from the settings, handed to device children as JSON. Knows no model."""

import os
from dataclasses import dataclass, field

from assistant.engine.lanes import LaneLimits
from knowledge.model_files import MINILM

POCKETSPHINX = "pocketsphinx"
FUNASR = "funasr"
REMOTE = "remote"
MOST_CORES = 8
REMOTE_CHILDREN = 4
FUNASR_CHILDREN = 2
"""One is kept for questions; each holds the weights (1.7 GB in half precision)."""
REMOTE_PATIENCE_S = 240.0
"""A remote server is given a minute, three times over, before its own client gives up."""
MOST_THREADS = 4
"""Of a child that embeds or reranks."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When a child counts as silent. A clip is given `floor_s`, or `per_clip_second` times its length if longer:
    of the child's own processor time, or of the clock while it gets none.

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


@dataclass(frozen=True, slots=True)
class RecogniserSpec:
    """`name`: pocketsphinx, funasr or remote. `model`: a folder, or the remote server's name of its model.

    `device`, `dtype`: where funasr and the aligner run and in which numbers; `digests`: file that keeps their
    models' digests. `aligner`: folder of the model that gives words their times, where the recogniser does not.
    """

    name: str = POCKETSPHINX
    model: str | None = None
    url: str | None = None
    key: str | None = field(default=None, repr=False)
    device: str = "auto"
    dtype: str = "auto"
    digests: str | None = None
    aligner: str | None = None

    @property
    def trial(self) -> bool:
        return self.name == POCKETSPHINX


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """`model`: a folder, or the packaged name. `threads`: half the cores (at most 4) where absent. `exports`: folder
    for the model's export to ONNX Runtime, which is made there once and is a cache; torch alone where absent."""

    model: str = MINILM
    threads: int | None = None
    exports: str | None = None

    @property
    def trial(self) -> bool:
        return self.model == MINILM

    @property
    def threads_used(self) -> int:
        return self.threads or half_the_cores()


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """`model`: the folder of a cross-encoder. `threads`: as for an embedder."""

    model: str
    threads: int | None = None

    @property
    def threads_used(self) -> int:
        return self.threads or half_the_cores()


def half_the_cores() -> int:
    """At most 4. More threads than free cores wait for each other: on two shared cores two gave a third of what one
    gave."""
    return max(1, min(MOST_THREADS, (os.cpu_count() or 1) // 2))


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """`children`: recogniser children, the one kept for questions included; where absent one for every core
    (at most 8) and one for questions. `max_hours`: longest file, of decoded sound.
    """

    recogniser: RecogniserSpec = field(default_factory=RecogniserSpec)
    embedder: EmbedderSpec = field(default_factory=EmbedderSpec)
    reranker: RerankerSpec | None = None
    children: int | None = None
    max_hours: float = 24.0
    max_upload_mb: float = 4096.0
    limits: LaneLimits = field(default_factory=LaneLimits)
    patience: Patience = field(default_factory=Patience)

    def patience_s(self, clip_duration_s: float) -> float:
        """How long a child may be silent over a clip."""
        least_s = REMOTE_PATIENCE_S if self.recogniser.name == REMOTE else self.patience.floor_s
        return max(least_s, self.patience.per_clip_second * clip_duration_s)

    @property
    def recogniser_children(self) -> int:
        if self.children is not None:
            return max(1, self.children)
        if self.recogniser.name == REMOTE:
            return REMOTE_CHILDREN
        if self.recogniser.name == FUNASR:
            return FUNASR_CHILDREN
        return min(MOST_CORES, os.cpu_count() or 1) + 1
