"""Follows the database's numbered changes: an immutable base on disk plus an exact delta in memory.

Several processes may read one folder; one at a time writes it. What is damaged or missing is written anew from the
database; where that is impossible (a full disk, another writer) everything is served from memory meanwhile.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from knowledge.database import Database, new_id
from knowledge.errors import IndexBusy, IndexNotWritten
from knowledge.file_lock import file_lock
from knowledge.index.base import Base, empty_base, open_base
from knowledge.index.delta import Part, make_part
from knowledge.index.manifest import (
    CURRENT,
    BaseDamagedError,
    ManifestDraft,
    Pointer,
    check_file,
    read_current,
    seal,
    write_current,
)
from knowledge.index.merging import Growth, growth_since, wants_merging
from knowledge.index.published import (
    Analyse,
    PublishedRecording,
    best_digest,
    change_mark,
    published_recordings,
    published_states,
)
from knowledge.index.snapshot import Snapshot
from knowledge.index.view import IndexView
from knowledge.index.writing import write_base
from knowledge.passages.reading import PassageReader
from knowledge.passages.store import changes_since, last_change
from knowledge.passages.tables import ChangeKind, ChangeRow

POLL_S = 1.0
"""The database is asked for changes at most so often."""
PATIENCE_S = 0.25
"""A question waits so long for new recordings to be taken in, then searches the state before."""
RECENT_S = 3.0
"""A state that is no older is searched after HURRIED_S: where questions come one upon another, none waits for a new
base to be opened, and what is new is found within seconds all the same."""
HURRIED_S = 0.02
LONGEST_WRITE_S = 600.0
CHECKED_AT_ONCE_BYTES = 16_000_000
"""Larger files of a base are checked while it is served already: reading gigabytes would keep the first question
waiting for as long as a minute on a slow disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A base, and what names it on the disk; None where nothing does."""

    base: Base
    pointer: Pointer | None


class IndexFollower:
    """This host's index. Thread-safe."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        analyse: Analyse,
        analysis_version: str,
        embedder_digest: Callable[[], str | None] | str | None = None,
    ) -> None:
        """`embedder_digest`: whose vectors are wanted; None, or a call that gives None, for those that are there."""
        self.embedder_digest = embedder_digest
        self._database = database
        self.folder = folder
        self._analyse = analyse
        self._analysis_version = analysis_version
        self._reader = PassageReader()
        self._lock = threading.Lock()
        self._refresher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index")
        self._checker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index-check")
        self._closing = threading.Event()
        self._distrusted: Pointer | None = None
        self._pending: Future[Snapshot] | None = None
        self._view: Snapshot | None = None
        self._asked_at = float("-inf")
        self._pointer: Pointer | None = None
        self._base: Base | None = None
        self._parts: dict[tuple[int, str | None], Part] = {}
        self._state: tuple[Base, int, str | None] | None = None

    def view(self) -> IndexView:
        """One consistent state, at most a second old, older only while much is being taken in."""
        with self._lock:
            view = self._view
            age_s = time.monotonic() - self._asked_at
            if view is not None and age_s < POLL_S:
                return view
            if self._pending is None or self._pending.done():
                self._pending = self._refresher.submit(self._refreshed)
            pending = self._pending
        try:
            return pending.result(_patience_s(age_s) if view is not None else None)
        except TimeoutError:
            return pending.result() if view is None or pending.done() else view

    def refresh(self) -> IndexView:
        """The state with everything that is committed now."""
        return self._refresher.submit(self._refreshed).result()

    def compact(self) -> bool:
        """Write base and delta into a new base, without what was removed. Whether there was anything to do.

        Raises IndexBusy, IndexNotWritten; the old base stays then.
        """
        with file_lock(self._writers, wait_s=LONGEST_WRITE_S) as had:
            if not had:
                raise IndexBusy(f"{self.folder}: another process is writing it", "try again later")
            written = self._write_unless_current()
        self._adopt()
        return written

    def rebuild(self) -> None:
        """Write the base anew from the database alone. Raises IndexBusy, IndexNotWritten."""
        with file_lock(self._writers, wait_s=LONGEST_WRITE_S) as had:
            if not had:
                raise IndexBusy(f"{self.folder}: another process is writing it", "try again later")
            self._write(anew=True)
        self._adopt()

    def maybe_compact(self) -> bool:
        """Compact where the delta is large, something removed is due to go, or another embedder is through.

        Cheap where there is nothing to do; leaves it to another process that is at it. Raises IndexNotWritten.
        """
        if not (wants_merging(self.growth()) or self._left_behind()):
            return False
        with file_lock(self._writers, wait_s=0) as had:
            if not had:
                return False
            if not wants_merging(self.growth()):
                self._clear()
                return False
            self._write()
        self._adopt()
        return True

    def growth(self) -> Growth:
        """How far the database has gone on since the base was written."""
        with self._database.read() as session:
            return growth_since(session, self.folder, wanted_digest=self._wanted())

    def close(self) -> None:
        self._closing.set()
        self._refresher.shutdown(wait=True)
        self._checker.shutdown(wait=True, cancel_futures=True)

    @property
    def _writers(self) -> Path:
        return self.folder / "write.lock"

    def _wanted(self) -> str | None:
        return self.embedder_digest() if callable(self.embedder_digest) else self.embedder_digest

    def _adopt(self) -> None:
        if self._view is not None:
            self.refresh()
        self._database.forget_deleted()

    def _refreshed(self) -> Snapshot:
        """Runs in the one refreshing thread, which alone touches base, parts and state."""
        asked_at = time.monotonic()
        base = self._current_base()
        with self._database.read() as session:
            view = self._snapshot(session, base)
        with self._lock:
            self._view, self._asked_at = view, asked_at
        return view

    def _snapshot(self, session: Session, base: Base) -> Snapshot:
        number = last_change(session)
        digest = self._wanted() or base.manifest.embedder_digest
        if digest is None:
            digest = best_digest(session, None)
        if self._view is not None and self._state == (base, number, digest):
            return self._view
        last = {change.recording_id: change for change in changes_since(session, base.manifest.change_number)}
        self._parts = self._parts_of(session, last, digest)
        self._state = (base, number, digest)
        return Snapshot(
            self._database,
            self._reader,
            base,
            [part for part in self._parts.values() if len(part)],
            changed=frozenset(last),
            change_number=number,
            embedder_digest=digest,
        )

    def _parts_of(
        self, session: Session, last: dict[str, ChangeRow], digest: str | None
    ) -> dict[tuple[int, str | None], Part]:
        """A part for each recording added since the base; those known already are taken over."""
        added = {key: change for key, change in last.items() if change.kind is ChangeKind.ADDED}
        fresh = {key for key, change in added.items() if (change.number, digest) not in self._parts}
        read = {
            recording.recording_id: make_part(recording)
            for recording in published_recordings(session, fresh, digest=digest, analyse=self._analyse)
        }
        parts = {}
        for recording_id, change in added.items():
            part = read.get(recording_id) or self._parts.get((change.number, digest))
            if part is not None:
                parts[change.number, digest] = part
        return parts

    def _current_base(self) -> Base:
        pointer = read_current(self.folder)
        if self._base is None or (pointer is not None and (pointer != self._pointer or pointer == self._distrusted)):
            opened = self._trusted_base() or self._rebuilt_base()
            if self._base is not None:
                opened.base.touch()
            self._base, self._pointer = opened.base, opened.pointer
            if opened.pointer != self._distrusted:
                self._checker.submit(self._check, opened)
        return self._base

    def _trusted_base(self, *, thoroughly: bool = False) -> Opened | None:
        """The current base, None where there is none that can be trusted. A reader that comes while a writer clears
        the old base away finds the new pointer the second time."""
        checked_bytes = None if thoroughly else CHECKED_AT_ONCE_BYTES
        pointer = read_current(self.folder)
        while pointer is not None and pointer != self._distrusted:
            try:
                base = open_base(self.folder / pointer.name, sha256=pointer.sha256, checked_bytes=checked_bytes)
            except BaseDamagedError as error:
                if (again := read_current(self.folder)) == pointer:
                    log.warning("the index is damaged and is rebuilt: %s", error)
                    return None
                pointer = again
            else:
                return Opened(base, pointer) if self._is_ours(base) else None
        return None

    def _check(self, opened: Opened) -> None:
        """The files that were not read before the base was served. One that is damaged goes on serving while the
        next look at the database has a new one written: every hit is read again from the database anyway."""
        pointer = opened.pointer
        if pointer is None:
            return
        try:
            for file in opened.base.manifest.files:
                if self._closing.is_set():
                    return
                check_file(self.folder / pointer.name, file)
        except BaseDamagedError as error:
            if read_current(self.folder) == pointer:
                log.warning("the index is damaged and is rebuilt: %s", error)
                self._distrusted = pointer

    def _is_ours(self, base: Base) -> bool:
        """Analysed as questions are, and written from this very database."""
        manifest = base.manifest
        with self._database.read() as session:
            mark = change_mark(session, manifest.change_number)
        return manifest.analysis_version == self._analysis_version and manifest.change_mark == mark

    def _rebuilt_base(self) -> Opened:
        with self._database.read() as session:
            if last_change(session) == 0:
                return Opened(empty_base(analysis_version=self._analysis_version), None)
        try:
            with file_lock(self._writers, wait_s=0) as had:
                if had and self._trusted_base() is None:
                    if read_current(self.folder) is None and (self.folder / CURRENT).exists():
                        log.warning("the index is damaged and is rebuilt: %s: not what was written", CURRENT)
                    self._write()
                opened = self._trusted_base()
        except (IndexNotWritten, OSError) as error:
            log.warning("the index is served from memory: %s", error)
            opened = None
        if opened is not None:
            return opened
        base = self._base or empty_base(analysis_version=self._analysis_version)
        return Opened(base, read_current(self.folder))

    def _write_unless_current(self) -> bool:
        growth = self.growth()
        if (
            growth.changes == 0
            and growth.base_digest == growth.best_digest
            and self._trusted_base(thoroughly=True) is not None
        ):
            self._clear()
            return False
        self._write()
        return True

    def _write(self, *, anew: bool = False) -> None:
        """Only under the writers' lock. The new base is whole on the disk before CURRENT names it.

        `anew`: from the database alone; else what has not changed is taken from the old base, checked before.
        """
        name = new_id()
        folder = self.folder / name
        opened = None if anew else self._trusted_base(thoroughly=True)
        old = opened.base if opened else None
        try:
            with self._database.read() as session:
                number = last_change(session)
                digest = growth_since(session, self.folder, wanted_digest=self._wanted()).best_digest
                mark = change_mark(session, number)
                if old is not None and old.manifest.embedder_digest != digest:
                    old = None
                passages = write_base(folder, self._recordings(session, old, digest))
            sha256 = _sealed(folder, ManifestDraft(number, mark, digest, self._analysis_version, passages))
            write_current(self.folder, Pointer(name, sha256))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._clear()

    def _recordings(self, session: Session, old: Base | None, digest: str | None) -> Iterator[PublishedRecording]:
        """All that can be found now: what is in the old base as it is, the rest from the database."""
        if old is None:
            yield from published_recordings(session, None, digest=digest, analyse=self._analyse)
            return
        changed = {change.recording_id for change in changes_since(session, old.manifest.change_number)}
        states = published_states(session)
        kept = {
            each.recording_id
            for each in old.recordings.values()
            if each.recording_id not in changed and states.get(each.recording_id) == (each.course_id, each.revision)
        }
        yield from old.recordings_of(kept)
        yield from published_recordings(session, states.keys() - kept, digest=digest, analyse=self._analyse)

    def _clear(self) -> None:
        """Only under the writers' lock. Readers that have an old base open keep it until they let go."""
        for path in self._left_behind():
            shutil.rmtree(path, ignore_errors=True)

    def _left_behind(self) -> list[Path]:
        """Old bases, and what a killed writer left: also the base before, where it was killed between naming the new
        one and clearing that away. What another process is writing right now looks the same."""
        pointer = read_current(self.folder)
        if pointer is None:
            return []
        return [path for path in self.folder.iterdir() if path.is_dir() and path.name != pointer.name]


def _patience_s(age_s: float) -> float:
    return HURRIED_S if age_s < RECENT_S else PATIENCE_S


def _sealed(folder: Path, draft: ManifestDraft) -> str:
    try:
        return seal(folder, draft)
    except OSError as error:
        raise IndexNotWritten(f"{folder}: {error.strerror or error}", "free some disk") from error
