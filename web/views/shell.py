"""What frames every page: what runs, and how much there is to ask. Looked up at most every few seconds."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.engine.client import EngineState, ModelState
from assistant.errors import PartDown
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from knowledge.recordings.tables import RecordingRow, RecordingState

_FRESH_S = 3.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What can be asked now, and how many recordings are on their way."""

    recordings: int
    hours: float
    coming: int


@dataclass(frozen=True, slots=True)
class ShellView:
    """`recogniser`, `embedder`: None where no engine answers; `reranker`: or where none is set."""

    recogniser: ModelState | None
    embedder: ModelState | None
    reranker: ModelState | None
    holdings: Holdings
    version: str

    @property
    def hears(self) -> bool:
        return self.recogniser is not None and self.recogniser.state != "down"

    @property
    def hears_only(self) -> str | None:
        """The one language a spoken question may have; None where there are several or nobody knows."""
        known = self.recogniser.languages if self.recogniser else None
        return next(iter(known)) if known is not None and len(known) == 1 else None

    @property
    def spoken_languages(self) -> tuple[str, ...]:
        known = self.recogniser.languages if self.recogniser else None
        return tuple(sorted(known)) if known is not None and len(known) > 1 else ()


class Shell:
    """Safe to call from several threads; one of them looks, the others take what was seen."""

    def __init__(
        self,
        database: Database,
        engine_state: Callable[[], EngineState],
        version: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._engine_state = engine_state
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[float, ShellView] | None = None

    def view(self) -> ShellView:
        seen = self._seen
        if seen is not None and self._clock() - seen[0] <= _FRESH_S:
            return seen[1]
        if not self._lock.acquire(blocking=seen is None):
            assert seen is not None
            return seen[1]  # somebody looks already, and an engine that hangs must not hold up every page
        try:
            looked = self._look()
            self._seen = (self._clock(), looked)
            return looked
        finally:
            self._lock.release()

    def _look(self) -> ShellView:
        state = self._engine()
        return ShellView(
            recogniser=state.recogniser if state else None,
            embedder=state.embedder if state else None,
            reranker=state.reranker if state else None,
            holdings=self._holdings(),
            version=self._version,
        )

    def _holdings(self) -> Holdings:
        """What was seen last while the database cannot be read: the page that says so has this frame, too."""
        try:
            return holdings(self._database)
        except (KnowledgeError, SQLAlchemyError):
            return self._seen[1].holdings if self._seen else Holdings(0, 0.0, 0)

    def _engine(self) -> EngineState | None:
        try:
            return self._engine_state()
        except PartDown:
            return None


def holdings(database: Database) -> Holdings:
    wanted = select(RecordingRow.state, func.count(), func.coalesce(func.sum(RecordingRow.duration_s), 0.0)).group_by(
        RecordingRow.state
    )
    with database.read() as session:
        by_state = {state: (count, seconds) for state, count, seconds in session.execute(wanted)}
    ready, seconds = by_state.get(RecordingState.READY, (0, 0.0))
    return Holdings(ready, (seconds or 0.0) / 3600, by_state.get(RecordingState.INDEXING, (0, 0.0))[0])
