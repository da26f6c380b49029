"""What was scored on the company's own test set, kept: figures and ids, no words."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.proof.tables import ProofRunRow
from knowledge.database import new_id, storable_text

LONGEST_LABEL = 80
NOT_THE_CONFIGURATION = frozenset({"passages"})
"""Grows with every recording: that is no change of what runs."""


@dataclass(frozen=True, slots=True)
class ProofRun:
    """`right`: at 1, 3, 5, shares from 0 to 1. `configuration`, `report`: as the table says."""

    id: str
    made_at: dt.datetime
    week: str
    label: str
    trial: bool
    configuration: Mapping[str, Any]
    questions: int
    right: tuple[float, float, float]
    report: Mapping[str, Any]


def keep(session: Session, run: ProofRun) -> None:
    session.add(
        ProofRunRow(
            id=run.id,
            made_at=run.made_at,
            week=run.week,
            label=storable_text(run.label)[:LONGEST_LABEL],
            trial=run.trial,
            configuration=dict(run.configuration),
            questions=run.questions,
            right_1=run.right[0],
            right_3=run.right[1],
            right_5=run.right[2],
            report=dict(run.report),
        )
    )


def newest(session: Session, *, limit: int) -> list[ProofRun]:
    """Newest first."""
    query = select(ProofRunRow).order_by(ProofRunRow.made_at.desc(), ProofRunRow.id.desc()).limit(limit)
    return [_value(row) for row in session.scalars(query)]


def newest_live(session: Session) -> ProofRun | None:
    """Of what runs, no trial."""
    query = select(ProofRunRow).where(ProofRunRow.trial.is_(False))
    row = session.scalars(query.order_by(ProofRunRow.made_at.desc(), ProofRunRow.id.desc()).limit(1)).first()
    return None if row is None else _value(row)


def digest_of(configuration: Mapping[str, Any]) -> str:
    """Of what runs: two runs with the same differ by their questions and recordings alone."""
    told = {name: value for name, value in configuration.items() if name not in NOT_THE_CONFIGURATION}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs."""
    names = dict.fromkeys([*before, *after])
    return [name for name in names if before.get(name) != after.get(name)]


def new_run(
    made_at: dt.datetime,
    *,
    week: str,
    label: str,
    trial: bool,
    configuration: Mapping[str, Any],
    questions: int,
    right: tuple[float, float, float],
    report: Mapping[str, Any],
) -> ProofRun:
    return ProofRun(new_id(), made_at, week, label, trial, configuration, questions, right, report)


def _value(row: ProofRunRow) -> ProofRun:
    right = (row.right_1, row.right_3, row.right_5)
    return ProofRun(
        row.id, row.made_at, row.week, row.label, row.trial, row.configuration, row.questions, right, row.report
    )
