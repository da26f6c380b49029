"""What the steps work with. Built at the front door; on a cluster, once in each process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assistant.access.sessions import SessionLimits
from assistant.audit.keeping import AuditKeeper
from assistant.engine.client import EngineClient
from assistant.forgetting.keeping import Keeping
from assistant.hearing.heard import HearingLimits
from assistant.jobs.job import LEASE_S
from assistant.notices.mail import Mailing
from assistant.topics.rules import TopicRules
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


def nothing_more() -> None:
    """Where whoever builds the services has nothing else to delete."""


@dataclass(frozen=True, slots=True)
class Services:
    """`follower`: this host's index where the worker also keeps that in shape; `audit`: the log, where it keeps that.
    `mailing`: where those who asked are told by mail. `clock`: monotonic seconds.

    `keeping`: for how long; `deletions_beside`: a folder with backups whose list of deletions is kept up to date.
    `session_limits`: sessions beyond them leave the database. `topics`: whose weeks, and how many people behind a cell.
    `prove`: scores a few questions of the company's own test set where it is time to; whether there are more.
    `finish_deletions`: does what the home's own list says and is not done, also in copies of the database.
    """

    database: Database
    home: Path
    engine: EngineClient
    follower: Compacting | None = None
    audit: AuditKeeper | None = None
    mailing: Mailing | None = None
    limits: WorkLimits = field(default_factory=WorkLimits)
    keeping: Keeping = field(default_factory=Keeping)
    deletions_beside: Path | None = None
    finish_deletions: Callable[[], object] = nothing_more
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    topics: TopicRules = field(default_factory=TopicRules)
    prove: Callable[[], bool] | None = None
    clock: Callable[[], float] = time.monotonic
