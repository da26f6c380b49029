"""What frames every page: what runs, looked up at most every few seconds, and how much there is to ask."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.access import course_rights
from assistant.access.caller import Caller
from assistant.access.policy import Action
from assistant.engine.client import EngineState, ModelState
from assistant.errors import PartDown
from assistant.inbox.items import how_many_wait
from knowledge.database import Database
from knowledge.errors import KnowledgeError
from knowledge.recordings.tables import RecordingRow, RecordingState
from web.visitors import Visitor

_FRESH_S = 3.0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What somebody can ask now, and how many recordings are on their way."""

    recordings: int = 0
    hours: float = 0.0
    coming: int = 0


@dataclass(frozen=True, slots=True)
class ShellView:
    """`recogniser`, `embedder`: None where no engine answers; `reranker`: or where none is set."""

    recogniser: ModelState | None
    embedder: ModelState | None
    reranker: ModelState | None
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
        engine_state: Callable[[], EngineState],
        version: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
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
            version=self._version,
        )

    def _engine(self) -> EngineState | None:
        try:
            return self._engine_state()
        except PartDown:
            return None


def open_count(database: Database, visitor: Visitor) -> int:
    """Questions that wait for an answer, for whoever may give one."""
    if visitor.caller is None or not visitor.may(Action.ANSWER_OPEN):
        return 0
    try:
        with database.read() as session:
            return how_many_wait(session, course_rights.permitted(session, visitor.caller, Action.HEAR))
    except (KnowledgeError, SQLAlchemyError):
        return 0


def holdings(database: Database, caller: Caller | None) -> Holdings:
    """Within what the caller may hear; nothing for nobody, and while the database cannot be read: the page that says
    so has this frame, too."""
    if caller is None:
        return Holdings()
    try:
        with database.read() as session:
            heard = course_rights.permitted(session, caller, Action.HEAR)
            wanted = (
                select(RecordingRow.state, func.count(), func.coalesce(func.sum(RecordingRow.duration_s), 0.0))
                .where(RecordingRow.course_id.in_(heard))
                .group_by(RecordingRow.state)
            )
            by_state = {state: (count, seconds) for state, count, seconds in session.execute(wanted)}
    except (KnowledgeError, SQLAlchemyError):
        return Holdings()
    ready, seconds = by_state.get(RecordingState.READY, (0, 0.0))
    return Holdings(ready, (seconds or 0.0) / 3600, by_state.get(RecordingState.INDEXING, (0, 0.0))[0])
