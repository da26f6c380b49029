"""Search at scale: how fast, how right and how large this host's index is over passages by the hundred thousand.

The whole of finding after the question is embedded, and each call to the index apart. Asking happens in a process of
its own, as a server's does; what is measured beside it (a merge, a new recording) in another.
"""

import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from earmark.bench.bench_home import Progress
from earmark.bench.processes import apart, other_process
from earmark.bench.search_beside import Beside, Truth, beside_all
from earmark.bench.search_corpus import Asked, MadeRecording, near
from earmark.bench.search_home import (
    LANGUAGE,
    SHARES,
    Filled,
    SearchHome,
    exact_nearest,
    kept_questions,
    opened_search_home,
    publish_made,
)
from earmark.bench.search_measures import (
    Memory,
    Spread,
    Taken,
    memory_of_this_process,
    recall,
    size_mb,
    spread_of,
    time_call,
    time_each,
)
from knowledge.finding.analysis import analyse
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.find import Question, find
from knowledge.index.follower import POLL_S
from knowledge.index.view import IndexView, TokenField
from knowledge.passages.store import STORED_VECTOR, passages_of
from knowledge.passages.tables import TokenVectorsRow, VectorRow
from knowledge.recordings.store import list_recordings
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import segments_of

RECALL_AT = 10
CANDIDATES = 100
"""As many as finding asks of each channel."""
_EVERYWHERE = 100
_WARMING = 20
_FINDABLE_ROUNDS = 5
_PAUSE_S = 5.0
"""Between recordings that come while a base is written: seven hours of speech a minute."""

Row = tuple[str, str]
"""What was measured, and the figure in words."""


@dataclass(frozen=True, slots=True)
class Building:
    passages: int
    distinct_words: int
    fill_s: float
    build_s: float
    peak_mb: float
    """Resident, mapped pages too."""
    disk_mb: float

    def rows(self) -> Iterator[Row]:
        yield "passages; different words", f"{self.passages}; {self.distinct_words}"
        yield "filling the database", f"{self.fill_s:.1f} s"
        yield "writing the base anew", f"{self.build_s:.1f} s, at most {self.peak_mb:.0f} MB resident"
        yield "index on disk", f"{self.disk_mb:.0f} MB"


@dataclass(frozen=True, slots=True)
class Answering:
    """For one share of the courses."""

    share: int
    find: Spread
    dense: Spread
    words: Spread
    sounds: Spread
    recall: float

    def rows(self) -> Iterator[Row]:
        heard = f"{self.share} % of courses"
        yield f"find, {heard} (p50 / p95 / p99)", str(self.find)
        yield f"  dense candidates, {heard}", f"{self.dense}, recall@{RECALL_AT} {self.recall:.4f}"
        yield f"  words candidates, {heard}", str(self.words)
        yield f"  sounds candidates, {heard}", str(self.sounds)


@dataclass(frozen=True, slots=True)
class Asking:
    """What one process that asks has seen."""

    open_s: float
    first_question_s: float
    opened: Memory
    answering: Sequence[Answering]
    asked: Memory

    def rows(self) -> Iterator[Row]:
        yield "opening; the first question", f"{self.open_s:.2f} s; {self.first_question_s:.2f} s"
        yield "memory after the first question", str(self.opened)
        for each in self.answering:
            yield from each.rows()
        yield "memory after all questions", str(self.asked)


@dataclass(frozen=True, slots=True)
class Swapping:
    """Questions asked without a pause while recordings come and a new base is written and taken over."""

    asked: int
    failed: int
    find: Spread
    findable_s: tuple[float, ...]
    merge_s: float

    def rows(self) -> Iterator[Row]:
        findable = self.findable_s
        yield "merging while questions are asked", f"{self.merge_s:.1f} s"
        yield "find meanwhile, all courses", f"{self.find}, longest {self.find.longest:.1f} ms"
        yield "questions meanwhile; failed", f"{self.asked}; {self.failed}"
        yield "published → findable meanwhile", f"{np.median(findable):.2f} s, at most {max(findable):.2f} s"


Part = Building | Asking | Swapping | Beside


def bench_search(home: Path, filled: Filled, *, beside: bool, progress: Progress) -> Iterator[Part]:
    """Part by part, because a million passages take long. `home`: filled before; its index is written anew.

    `beside`: plain engines are measured too.
    """
    progress("writing the base", 0, 1)
    build_s, peak_mb = apart(_build, home, filled)
    disk_mb = size_mb(home / "index")
    yield Building(filled.passages, filled.distinct_words, filled.fill_s, build_s, peak_mb, disk_mb)
    progress("finding exact neighbours", 0, 1)
    with opened_search_home(home, filled) as opened:
        truth = exact_nearest(opened, filled, kept_questions(home), n=RECALL_AT)
    progress("asking", 0, 1)
    yield apart(_ask_all, home, filled, truth)
    if beside:
        yield from beside_all(home, filled, truth, progress=progress)
    progress("merging", 0, 1)
    yield _swap(home, filled)


def _build(home: Path, filled: Filled) -> tuple[float, float]:
    with opened_search_home(home, filled) as opened:
        taken = time_call(opened.index.rebuild).wall
    return taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _ask_all(home: Path, filled: Filled, truth: Truth) -> Asking:
    questions = kept_questions(home)
    with opened_search_home(home, filled) as opened:
        open_s = time_call(opened.index.view).wall
        first_s = time_call(partial(_find, opened, filled, _EVERYWHERE, questions[0])).wall
        after_opening = memory_of_this_process()
        for question in questions[:_WARMING]:
            _find(opened, filled, _EVERYWHERE, question)
        rest = questions[_WARMING:]
        answering = [_answering(opened, filled, rest, share, truth[share][_WARMING:]) for share in SHARES]
        return Asking(open_s, first_s, after_opening, answering, memory_of_this_process())


def _answering(
    home: SearchHome, filled: Filled, questions: Sequence[Asked], share: int, truth: Sequence[set[str]]
) -> Answering:
    view = home.index.view()
    courses = filled.permitted(share)
    found: list[set[str]] = []

    def dense(question: Asked) -> None:
        near = view.nearest(question.vector, courses=courses, n=CANDIDATES)
        found.append({each.passage_id for each in near[:RECALL_AT]})

    return Answering(
        share,
        time_each(partial(_find, home, filled, share), questions),
        time_each(dense, questions),
        _matching(view, questions, TokenField.WORDS, courses),
        _matching(view, questions, TokenField.SOUNDS, courses),
        recall(found, truth),
    )


def _matching(view: IndexView, questions: Sequence[Asked], field: TokenField, courses: frozenset[str]) -> Spread:
    tokens = [analyse(without_asking_words(each.text, LANGUAGE), LANGUAGE).of(field) for each in questions]
    return time_each(lambda each: view.matching(field, each, courses=courses, n=CANDIDATES), tokens)


def _find(home: SearchHome, filled: Filled, share: int, asked: Asked) -> int:
    """As the page asks, once the question is embedded. How many moments."""
    languages = None if filled.languages is None else frozenset(filled.languages)
    question = Question(asked.text, LANGUAGE, asked.vector, languages, asked.tokens)
    view = home.index.view()
    with home.database.read() as session:

        def segments(recording_id: str, revision: int, first: int, last: int) -> Sequence[Segment]:
            return segments_of(session, recording_id, revision, first=first, last=last)

        return len(find(question, view=view, segments=segments, courses=filled.permitted(share)).hits)


def _swap(home: Path, filled: Filled) -> Swapping:
    """Here recordings are published and awaited, in one process a base is written, in another questions are asked."""
    stop = home / "stop"
    stop.unlink(missing_ok=True)
    with other_process() as asker, other_process() as writer:
        asking = asker.submit(_ask_until, home, filled, stop)
        try:
            with opened_search_home(home, filled) as opened:
                _await_new_one(opened, filled)
                merging = writer.submit(_merge, home, filled)
                findable = [_await_new_one(opened, filled) for _ in range(_FINDABLE_ROUNDS)]
                while not merging.done():
                    findable.append(_await_new_one(opened, filled))
                    time.sleep(_PAUSE_S)
                findable.append(_await_new_one(opened, filled))
                time.sleep(2 * POLL_S)  # the asker takes the new base over
        finally:
            stop.touch()
        taken, failed = asking.result()
    return Swapping(len(taken), failed, spread_of(taken), tuple(findable), merging.result())


def _ask_until(home: Path, filled: Filled, stop: Path) -> tuple[list[Taken], int]:
    questions = kept_questions(home)
    taken: list[Taken] = []
    hits: list[int] = []
    with opened_search_home(home, filled) as opened:
        for question in questions[:_WARMING]:
            _find(opened, filled, _EVERYWHERE, question)
        while not stop.exists():
            asked = questions[len(taken) % len(questions)]
            taken.append(time_call(lambda asked=asked: hits.append(_find(opened, filled, _EVERYWHERE, asked))))  # type: ignore[misc]
    return taken, hits.count(0)


def _merge(home: Path, filled: Filled) -> float:
    with opened_search_home(home, filled) as opened:
        return time_call(opened.index.compact).wall


def _await_new_one(home: SearchHome, filled: Filled) -> float:
    """A recording much like another, with a word of its own, from its commit until words find it. Seconds."""
    word = "q" + "".join("ghijklmnop"[int(digit)] for digit in str(time.time_ns()))  # no figures: those are taken apart
    made = _much_like_one(home, filled, word)
    with home.database.write() as session:
        publish_made(session, made, filled.courses[0], digest=filled.digest)
        home.index.refresh()  # the worst case: the last look at the database was just before
    committed = time.perf_counter()
    tokens = analyse(word, LANGUAGE).words
    while not home.index.view().matching(TokenField.WORDS, tokens, courses=filled.permitted(_EVERYWHERE), n=1):
        time.sleep(0.01)
    return time.perf_counter() - committed


def _much_like_one(home: SearchHome, filled: Filled, word: str) -> MadeRecording:
    with home.database.read() as session:
        one = list_recordings(session, [filled.courses[0]])[0]
        revision = one.revision or 0
        spoken = segments_of(session, one.id, revision)
        keys = [(each.id, filled.digest) for each in passages_of(session, one.id, revision)]
        packed = b"".join(session.get_one(VectorRow, key).vector for key in keys)
        tokens = [session.get_one(TokenVectorsRow, key).packed for key in keys]
    vectors = np.frombuffer(packed, STORED_VECTOR).reshape(len(keys), -1).astype(np.float32)
    return MadeRecording([f"{each.text} {word}" for each in spoken], near(vectors, np.random.default_rng()), tokens)
