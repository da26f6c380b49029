"""When a new base is worth writing. The rule is a pure function; the counting is one short read."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from knowledge.database import utc_now
from knowledge.index.base import read_recordings
from knowledge.index.manifest import BaseDamagedError, read_current, read_manifest
from knowledge.index.published import best_digest, count_published
from knowledge.passages.store import changes_since

LARGE_DELTA = 1000
"""So many passages in memory are no burden, however small the base."""
LARGEST_DELTA = 10_000
"""So many would be felt in every question, however large the base."""
LARGE_SHARE = 0.05
"""Of the base. Writing it anew costs little beside recognising that many recordings."""
LONGEST_LEFT = dt.timedelta(hours=20)
"""Removed words leave the base within a day, with room for a merge that fails."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What the base lacks (`added` passages), still has (`stale` passages, the oldest for `stale_for`), and whose
    vectors it holds beside whose it should. `base_passages`: None where there is no base."""

    base_passages: int | None
    changes: int
    added: int
    stale: int
    stale_for: dt.timedelta
    base_digest: str | None
    best_digest: str | None


def wants_merging(growth: Growth) -> bool:
    if growth.base_passages is None:
        return growth.changes > 0
    limit = min(max(LARGE_DELTA, LARGE_SHARE * growth.base_passages), LARGEST_DELTA)
    due = growth.stale > 0 and growth.stale_for >= LONGEST_LEFT
    return due or max(growth.added, growth.stale) > limit or growth.base_digest != growth.best_digest


def growth_since(session: Session, folder: Path, *, wanted_digest: str | None) -> Growth:
    """What happened since the base in `folder` was written."""
    pointer = read_current(folder)
    try:
        if pointer is None:
            raise BaseDamagedError(f"{folder}: no base yet")
        manifest = read_manifest(folder / pointer.name, sha256=pointer.sha256)
        rows = {each.recording_id: each.rows for each in read_recordings(folder / pointer.name)[1]}
    except (BaseDamagedError, OSError, ValueError):
        changes = len(changes_since(session, 0))
        best = best_digest(session, wanted_digest)
        return Growth(None, changes, count_published(session), 0, dt.timedelta(0), None, best)
    changes_made = changes_since(session, manifest.change_number)
    changed = {change.recording_id for change in changes_made}
    stale_since = min((change.at for change in changes_made if change.recording_id in rows), default=utc_now())
    return Growth(
        manifest.passages,
        len(changes_made),
        count_published(session, changed),
        sum(rows.get(recording_id, 0) for recording_id in changed),
        utc_now() - stale_since,
        manifest.embedder_digest,
        _best_digest(session, wanted_digest, manifest.embedder_digest),
    )


def _best_digest(session: Session, wanted: str | None, held: str | None) -> str | None:
    """Counted only where the base's vectors are not the wanted ones: that reads a row for each passage there is."""
    if held is not None and wanted in (held, None):
        return held
    return best_digest(session, wanted)
