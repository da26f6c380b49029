"""What the steps work with. Built at the front door; on a cluster, once in each process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assistant.engine.client import EngineClient
from assistant.hearing.heard import HearingLimits
from assistant.jobs.job import LEASE_S
from knowledge.database import Database


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """`recordings_at_once`: by one worker process. `least_free_mb`: with less free disk nothing is indexed.

    `lease_s`: how long a silent worker keeps its job. `patience_s`: how long one attempt waits for an engine that is
    down before the job goes back to the queue. `orphan_after_s`: how old files must be, that no recording knows,
    before they are swept; taking in one file never takes so long without writing.
    """

    hearing: HearingLimits = field(default_factory=HearingLimits)
    recordings_at_once: int = 1
    least_free_mb: float = 2048.0
    lease_s: float = LEASE_S
    patience_s: float = 120.0
    orphan_after_s: float = 3600.0


class Compacting(Protocol):
    """This host's index, as far as a worker cares for it."""

    def maybe_compact(self) -> object:
        """Merge what has piled up, where it is time to."""


@dataclass(frozen=True, slots=True)
class Services:
    """`follower`: this host's index where the worker also keeps that in shape. `clock`: monotonic seconds."""

    database: Database
    home: Path
    engine: EngineClient
    follower: Compacting | None = None
    limits: WorkLimits = field(default_factory=WorkLimits)
    clock: Callable[[], float] = time.monotonic
