"""The tables of jobs and of the workers that take them."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from assistant.jobs.job import JobKind, JobState, JobStep
from knowledge.database import Base, UtcDateTime


class JobRow(Base):
    """`lease`: until when its owner may write; `run_at`: not before; `options`: what the job was asked to do.

    `timed_at`, `timed_from`: since when, and from which `done`, the speed of the present step is measured.
    """

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_run_at", "state", "run_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[JobKind]
    recording_id: Mapped[str] = mapped_column(index=True)
    state: Mapped[JobState]
    step: Mapped[JobStep]
    done: Mapped[float] = mapped_column(default=0.0)
    total: Mapped[float | None]
    unit: Mapped[str] = mapped_column(default="s")
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    cancel: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str | None]
    lease: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    run_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    timed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    timed_from: Mapped[float] = mapped_column(default=0.0)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class WorkerRow(Base):
    """A worker that lives, as far as anybody knows: it writes `seen_at` while it does."""

    __tablename__ = "worker"

    owner: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
