"""What a worker does beside jobs: real deletion of what was removed, files nobody owns, vectors that are missing, the
audit log's checkpoints and its end, open questions, topics, the company's own test set, mails to those who asked."""

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import select

from assistant.access import attempts, sessions
from assistant.courses.receiving import lost_folder
from assistant.errors import EarmarkError
from assistant.forgetting.deletions import DeletionKind, list_beside, merge_deletions, own_list, read_deletions
from assistant.proof.gathering import grow
from indexer.asked import embed_questions, keep_inbox
from indexer.beside import Beside
from indexer.embed import embed_passages, ready_embedder
from indexer.forgetting import apply_ages, purge_removed
from indexer.mailing import GRACE_S as MAIL_GRACE_S
from indexer.mailing import send_mails
from indexer.services import Services
from indexer.topics import GRACE_S as TOPICS_GRACE_S
from indexer.topics import TOPICS_EVERY_S, keep_topics
from knowledge.database import utc_now
from knowledge.passages import store as passages
from knowledge.passages.passage import Passage
from knowledge.recordings.tables import RecordingRow, RecordingState

RETAIN_EVERY_S = 3600.0
PURGE_EVERY_S = 5.0
SWEEP_EVERY_S = 600.0
EMBED_EVERY_S = 10.0
INBOX_EVERY_S = 3.0
CHECKPOINT_EVERY_S = 300.0
"""What an attacker with the database alone can change of the audit log unseen is what came since the last."""
AUDIT_ENDS_EVERY_S = 86_400.0
MAIL_EVERY_S = 20.0
GROWN_EVERY_S = 3600.0
PROVED_EVERY_S = 600.0
EMBEDDED_AT_ONCE = 64
_LOG = structlog.get_logger()


@dataclass(slots=True)
class _Round:
    """Done every so many seconds. `act`: whether there is more to do at once. `waits`: while jobs run, for those go
    first, and while one before it has more to do."""

    every_s: float
    act: Callable[[], object]
    waits: bool = False
    done_at: float = float("-inf")


class HouseKeeper:
    """Does each thing when its time has come."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._mails = Beside("mail", partial(send_mails, services), grace_s=MAIL_GRACE_S)
        self._topics = Beside("topics", lambda _stop: keep_topics(services), grace_s=TOPICS_GRACE_S)
        self._rounds = [
            _Round(RETAIN_EVERY_S, lambda: apply_retention(services)),
            _Round(PURGE_EVERY_S, lambda: _purge(services)),
            _Round(SWEEP_EVERY_S, lambda: sweep_orphans(services)),
            _Round(MAIL_EVERY_S, self._mails.begin),
            _Round(INBOX_EVERY_S, lambda: keep_inbox(services)),
            _Round(GROWN_EVERY_S, lambda: grow(services.database, zone=services.topics.zone, now=utc_now())),
            _Round(TOPICS_EVERY_S, self._topics.begin),
        ]
        if audit := services.audit:
            self._rounds += [
                _Round(CHECKPOINT_EVERY_S, lambda: audit.sign(now=utc_now())),
                _Round(AUDIT_ENDS_EVERY_S, lambda: audit.apply_retention(now=utc_now())),
            ]
        self._rounds += [
            _Round(EMBED_EVERY_S, lambda: embed_missing(services), waits=True),
            _Round(EMBED_EVERY_S, lambda: embed_questions(services), waits=True),
        ]
        if prove := services.prove:  # the last: before all vectors are there it would be another index that is scored
            self._rounds.append(_Round(PROVED_EVERY_S, prove, waits=True))

    def keep(self, *, idle: bool) -> bool:
        """One round of each whose time has come; whether there is more to do at once."""
        more = False
        for each in self._rounds:
            now = self._services.clock()
            if now - each.done_at < each.every_s or (each.waits and not idle):
                continue
            each.done_at = now  # what fails waits for its time, too
            if each.act() is True:
                each.done_at = float("-inf")
                more = True
                if each.waits:
                    return True
        return more

    def leave(self) -> None:
        """What is done beside the rounds comes to an end."""
        self._topics.end()
        self._mails.end()


def _purge(services: Services) -> None:
    purge_removed(services.database, services.home, beside=services.deletions_beside)
    if services.follower is not None:
        services.follower.maybe_compact()


def apply_retention(services: Services) -> None:
    """What a kill or an older database left undone, what is too old, and what the backups' list lacks."""
    services.finish_deletions()
    apply_ages(services.database, services.home, services.keeping, beside=services.deletions_beside)
    with services.database.write() as session:
        sessions.sweep(session, limits=services.session_limits, now=utc_now())
        attempts.sweep(session, now=utc_now())
    services.database.forget_deleted()
    if services.deletions_beside is not None:
        merge_deletions(own_list(services.home), list_beside(services.deletions_beside))


def sweep_orphans(services: Services) -> None:
    """Delete folders that no recording knows: what a killed upload left. Young ones may still be being filled.

    One that holds a whole recording is set aside, never deleted: more likely than a killed upload is a database that
    is not the one of these files. Unless the list of deletions names it.
    """
    files = services.home / "files"
    # Listed before the database is asked: a recording entered meanwhile is never taken for an orphan.
    folders = list(files.iterdir()) if files.is_dir() else []
    with services.database.read() as session:
        known = set(session.scalars(select(RecordingRow.id)))
    strangers = [each for each in folders if each.name not in known]
    if not strangers:
        return
    deleted = {each.id for each in read_deletions(own_list(services.home)) if each.kind is DeletionKind.RECORDING}
    for folder in strangers:
        if _age_s(folder) <= services.limits.orphan_after_s:
            continue
        if (folder / "original").exists() and folder.name not in deleted:
            _set_aside(services.home, folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            _LOG.info("swept", folder=folder.name)


def _set_aside(home: Path, folder: Path) -> None:
    lost = lost_folder(home)
    lost.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError):
        folder.rename(lost / folder.name)
        _LOG.warning("a recording that the database does not know was set aside", folder=str(lost / folder.name))


def _age_s(folder: Path) -> float:
    """Since something in it was last written."""
    inside = list(folder.iterdir()) if folder.is_dir() else []
    return time.time() - max(path.lstat().st_mtime for path in (folder, *inside))


def embed_missing(services: Services) -> bool:
    """Embed a batch of what was published without vectors, or with those of an older embedder; whether any was left.

    A recording is published again when its last vector is there: indexes follow changes.
    """
    try:
        embedder = ready_embedder(services.engine)
        with services.database.read() as session:  # those of a job under way get theirs from the job
            batch = passages.passages_without_vector(session, embedder.digest, EMBEDDED_AT_ONCE, published=True)
        if not batch:
            return False
        embedded = embed_passages(services.engine, batch, _titles(services, batch), embedder)
    except EarmarkError as error:
        _LOG.info("embedding put off", reason=error.detail)
        return False
    with services.database.write() as session:
        passages.save_vectors(session, embedded.digest, embedded.vectors, tokens=embedded.tokens)
        for recording_id, revision in {(passage.recording_id, passage.revision) for passage in batch}:
            row = session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.state is not RecordingState.READY or row.revision != revision:
                continue
            if not passages.passages_without_vector(session, embedded.digest, 1, recording_id=recording_id):
                passages.publish(session, recording_id, revision, published_at=row.published_at)
    return True


def _titles(services: Services, batch: Sequence[Passage]) -> list[str]:
    wanted = {passage.recording_id for passage in batch}
    with services.database.read() as session:
        rows = session.scalars(select(RecordingRow).where(RecordingRow.id.in_(wanted)))
        titles = {row.id: row.title for row in rows}
    return [titles.get(passage.recording_id, "") for passage in batch]
