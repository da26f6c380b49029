"""What was scored on the company's own test set, kept: figures and ids, no words."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from assistant.proof.tables import ProofRunRow
from knowledge.database import storable_text

LONGEST_LABEL = 80
NOT_THE_CONFIGURATION = frozenset({"passages"})
"""Grows with every recording: that is no change of what runs."""
ANSWERS_FOR_ONE_LACKING = 100
"""One late answer in so many bends no score; more would be the score of something else than what runs."""


@dataclass(frozen=True, slots=True)
class ProofRun:
    """`lacking`, `configuration`, `report`: as the table says."""

    id: str
    made_at: dt.datetime
    label: str
    trial: bool
    configuration: Mapping[str, Any]
    questions: int
    lacking: int
    report: Mapping[str, Any]


def counts(*, questions: int, lacking: int) -> bool:
    """Whether a run is a score of what it was meant to be: nearly all was found with all parts."""
    return lacking * ANSWERS_FOR_ONE_LACKING <= questions


def keep(session: Session, run: ProofRun) -> None:
    session.add(
        ProofRunRow(
            id=run.id,
            made_at=run.made_at,
            label=storable_text(run.label)[:LONGEST_LABEL],
            trial=run.trial,
            configuration=dict(run.configuration),
            questions=run.questions,
            lacking=run.lacking,
            report=dict(run.report),
        )
    )


def newest(session: Session, *, limit: int) -> list[ProofRun]:
    """Newest first."""
    query = select(ProofRunRow).order_by(ProofRunRow.made_at.desc(), ProofRunRow.id.desc()).limit(limit)
    return [_value(row) for row in session.scalars(query)]


def newest_live(session: Session) -> ProofRun | None:
    """Of what runs: no trial, and one that counts."""
    return _first(session, ProofRunRow.lacking * ANSWERS_FOR_ONE_LACKING <= ProofRunRow.questions)


def newest_under(session: Session, label: str) -> ProofRun | None:
    """Of what runs under this label, whether it counts or not."""
    return _first(session, ProofRunRow.label == label)


def digest_of(configuration: Mapping[str, Any]) -> str:
    """Of what runs: two runs with the same differ by their questions and recordings alone."""
    told = {name: value for name, value in configuration.items() if name not in NOT_THE_CONFIGURATION}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs."""
    names = dict.fromkeys([*before, *after])
    return [name for name in names if before.get(name) != after.get(name)]


def _first(session: Session, wanted: ColumnElement[bool]) -> ProofRun | None:
    query = select(ProofRunRow).where(ProofRunRow.trial.is_(False), wanted)
    row = session.scalars(query.order_by(ProofRunRow.made_at.desc(), ProofRunRow.id.desc()).limit(1)).first()
    return None if row is None else _value(row)


def _value(row: ProofRunRow) -> ProofRun:
    return ProofRun(
        id=row.id,
        made_at=row.made_at,
        label=row.label,
        trial=row.trial,
        configuration=row.configuration,
        questions=row.questions,
        lacking=row.lacking,
        report=row.report,
    )
