"""Maps of terms, drawn up once for what a course says, kept in memory, and never shown for anything else.

Which recordings a course has is read for every page: a map that holds a word of one that is gone, or written down anew
since, is not shown again. A large course takes seconds, in a thread of its own, while its page says so; where it cannot
be drawn the page says that, too, and for a while nobody tries again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field

import structlog

from assistant.recognising.english_frequencies import log_frequency
from knowledge.database import Database
from knowledge.terms.mapping import map_terms
from knowledge.terms.reading import Published, published_in, said_in, with_sentences
from knowledge.terms.term_map import TermMap

WAIT_S = 1.0
"""So long a page waits for a map that is being drawn up."""
PAUSE_S = 60.0
"""So long after a drawing that failed its course is not drawn again: what breaks one, breaks the next at once."""
_MOST_KEPT = 64
"""A map takes about 300 KB."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CourseTerms:
    """`drawn`: None where it is still being drawn up, or could not be: then it `failed`. `waiting`: recordings that are
    heard already, and not on it."""

    drawn: TermMap | None
    recordings: int
    waiting: int
    failed: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    published: Published
    drawn: TermMap


@dataclass(frozen=True, slots=True)
class _Drawing:
    published: Published
    future: "Future[TermMap | None]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Failure:
    """`until_s`: on the clock of `TermMaps`."""

    published: Published
    until_s: float


class TermMaps:
    """Safe to share between threads; they draw up one map at a time. `wait_s`: so long a page waits for its map.
    `clock`: seconds that never go back."""

    def __init__(
        self, database: Database, *, wait_s: float = WAIT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self.wait_s = wait_s
        self._clock = clock
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._drawing: dict[str, _Drawing] = {}
        self._failed: dict[str, _Failure] = {}

    def of(self, course_id: str) -> CourseTerms:
        """Of a course that the caller may hear, which is seen to before. Raises what reading the database does."""
        with self._database.read() as session:
            published = published_in(session, course_id)
        kept = self._still_true(course_id, published)
        if kept is None or kept.published != published:
            drawn = self._draw(course_id, published)
            kept = kept if drawn is None else _Kept(published, drawn)
        waiting = len(published) - (0 if kept is None else len(kept.published))
        failed = self._has_failed(course_id, published)
        return CourseTerms(None if kept is None else kept.drawn, len(published), waiting, failed)

    def _still_true(self, course_id: str, published: Published) -> _Kept | None:
        """What is kept, where all that it was drawn from can still be heard; else it is dropped."""
        with self._lock:
            kept = self._kept.get(course_id)
            if kept is None or kept.published.items() <= published.items():
                return kept
            del self._kept[course_id]
            return None

    def _has_failed(self, course_id: str, published: Published) -> bool:
        """Just now, and for exactly these."""
        failure = self._failed.get(course_id)
        return failure is not None and failure.published == published and self._clock() < failure.until_s

    def _draw(self, course_id: str, published: Published) -> TermMap | None:
        """The map, or None where it takes longer than a page waits, or fails."""
        with self._lock:
            if self._has_failed(course_id, published):
                return None
            drawing = self._drawing.get(course_id)
            if drawing is None or drawing.published != published:
                drawing = self._drawing[course_id] = _Drawing(published)
                threading.Thread(target=self._finish, args=(course_id, drawing), daemon=True).start()
        try:
            return drawing.future.result(self.wait_s)
        except (NotYet, CancelledError):
            return None

    def _finish(self, course_id: str, drawing: _Drawing) -> None:
        try:
            with self._one_at_a_time:
                if self._drawing.get(course_id) is not drawing:
                    drawing.future.cancel()
                    return
                drawn = self._drawn_up(drawing.published)
        except Exception as error:  # noqa: BLE001 (nobody is behind this thread; pages are told)
            # Its kind alone: an error's own words may hold what is said in a recording.
            _log.error("a map of terms could not be drawn", course=course_id, reason=type(error).__name__)
            with self._lock:
                self._failed[course_id] = _Failure(drawing.published, self._clock() + PAUSE_S)
            self._let_go(course_id, drawing)
            drawing.future.set_result(None)
            return
        with self._lock:
            self._failed.pop(course_id, None)
            self._kept[course_id] = _Kept(drawing.published, drawn)
            self._kept.move_to_end(course_id)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._let_go(course_id, drawing)
        drawing.future.set_result(drawn)

    def _let_go(self, course_id: str, drawing: _Drawing) -> None:
        with self._lock:
            if self._drawing.get(course_id) is drawing:
                del self._drawing[course_id]

    def _drawn_up(self, published: Published) -> TermMap:
        """No session is open while it is drawn: that takes seconds, in which no old row could be let go of. What is
        deleted meanwhile is no longer `published` when a page asks."""
        with self._database.read() as session:
            said = said_in(session, published)
        drawn = map_terms(said, log_frequency)
        with self._database.read() as session:
            return with_sentences(session, drawn, published)
