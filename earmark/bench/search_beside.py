"""Plain engines on the same passages and questions, each in a process of its own: what the index is held against."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from earmark.bench.bench_home import Progress
from earmark.bench.processes import apart
from earmark.bench.search_corpus import Asked
from earmark.bench.search_home import SHARES, Filled, SearchHome, kept_questions, opened_search_home, stored_vectors
from earmark.bench.search_measures import Memory, Spread, memory_of_this_process, recall, time_call, time_each
from knowledge.passages.store import is_published
from knowledge.passages.tables import PassageRow
from knowledge.recordings.tables import RecordingRow

_faiss: Any = import_module("faiss")  # by name, as every rival: how the index uses it stays known to one file
Truth = Mapping[int, Sequence[set[str]]]
"""By per cent of the courses, the nearest passages of each question."""

_NEAREST = 100
_RECALL_AT = 10
_LINKS = 16
_BUILDING, _SEARCHING = 60, 128
"""HNSW's breadths: recall 1.0 at 100,000 without a filter."""
_ROWS_AT_ONCE = 5000
_AT_MOST_S = 30.0
"""For the questions of one share: full-text search in SQLite takes a second for each at a million passages."""


@dataclass(frozen=True, slots=True)
class Beside:
    """`answers`: by per cent of the courses; `recalls` too, empty for words. `absent`: why nothing was measured."""

    name: str
    build_s: float
    memory: Memory
    answers: Mapping[int, Spread]
    recalls: Mapping[int, float]
    absent: str = ""

    def rows(self) -> Iterator[tuple[str, str]]:
        if self.absent:
            yield self.name, self.absent
            return
        yield f"{self.name}: building; memory", f"{self.build_s:.1f} s; {self.memory}"
        for share, spread in self.answers.items():
            right = f", recall@{_RECALL_AT} {self.recalls[share]:.4f}" if self.recalls else ""
            yield f"{self.name}, {share} % of courses", f"{spread}{right}"


def beside_all(home: Path, filled: Filled, truth: Truth, *, progress: Progress) -> Iterator[Beside]:
    """One after another, so that none is in another's way."""
    for at, measure in enumerate(_ENGINES):
        progress("plain engine", at, len(_ENGINES))
        yield apart(measure, home, filled, truth)


def _flat(home: Path, filled: Filled, truth: Truth) -> Beside:
    return _dense("FAISS flat", _faiss.IndexFlatIP, _faiss.SearchParameters, home, filled, truth)


def _hnsw(home: Path, filled: Filled, truth: Truth) -> Beside:
    def make(dimensions: int) -> Any:
        index = _faiss.IndexHNSWFlat(dimensions, _LINKS, _faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _BUILDING
        return index

    parameters = partial(_faiss.SearchParametersHNSW, efSearch=_SEARCHING)
    return _dense("FAISS HNSW", make, parameters, home, filled, truth)


def _dense(
    name: str, make: Callable[[int], Any], parameters: Callable[..., Any], home: Path, filled: Filled, truth: Truth
) -> Beside:
    index: Any = None
    ids: list[str] = []
    courses: list[str] = []
    build_s = 0.0
    with opened_search_home(home, filled) as opened, opened.database.read() as session:
        for some, of_courses, block in stored_vectors(session, filled.digest):
            index = index or make(block.shape[1])
            build_s += time_call(partial(index.add, block)).wall
            ids.extend(some)
            courses.extend(of_courses)
    answers, recalls = {}, {}
    for share in SHARES:
        found: list[set[str]] = []
        allowed = filled.permitted(share)
        bits = np.packbits(np.array([course in allowed for course in courses]), bitorder="little")
        asked = partial(_nearest, found, index, np.array(ids), parameters(sel=_faiss.IDSelectorBitmap(bits)))
        answers[share] = time_each(asked, kept_questions(home), at_most_s=_AT_MOST_S)
        recalls[share] = recall(found, truth[share])
    return Beside(name, build_s, memory_of_this_process(), answers, recalls)


def _nearest(found: list[set[str]], index: Any, ids: Any, parameters: Any, asked: Asked) -> None:
    rows = index.search(asked.vector, _NEAREST, params=parameters)[1][0]
    found.append(set(ids[rows[rows >= 0][:_RECALL_AT]].tolist()))


def _fts5(home: Path, filled: Filled, _truth: Truth) -> Beside:
    path = home / "fts5.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as words, opened_search_home(home, filled) as opened:
        build_s = time_call(partial(_fill_fts5, words, opened)).wall
        answers = {
            share: time_each(
                partial(_match_fts5, words, filled.permitted(share), share), kept_questions(home), at_most_s=_AT_MOST_S
            )
            for share in SHARES
        }
    path.unlink()
    return Beside("SQLite FTS5", build_s, memory_of_this_process(), answers, {})


def _fill_fts5(words: sqlite3.Connection, home: SearchHome) -> None:
    words.execute("create virtual table said using fts5(course unindexed, text)")
    words.executemany("insert into said(course, text) values (?, ?)", _texts(home))
    words.commit()


def _match_fts5(words: sqlite3.Connection, courses: frozenset[str], share: int, asked: Asked) -> None:
    any_word = " OR ".join('"' + word.replace('"', "") + '"' for word in asked.text.split())
    only = sorted(courses) if share < 100 else []
    of_courses = f"and course in ({','.join('?' * len(only))})" if only else ""
    query = f"select rowid from said where said match ? {of_courses} order by rank limit ?"  # noqa: S608  (places only)
    words.execute(query, [any_word, *only, _NEAREST]).fetchall()


def _bm25s(home: Path, filled: Filled, _truth: Truth) -> Beside:
    if find_spec("bm25s") is None:
        return Beside("bm25s", 0.0, Memory(0.0, 0.0), {}, {}, absent="not installed")
    bm25s = import_module("bm25s")
    with opened_search_home(home, filled) as opened:
        pairs = list(_texts(opened))
    index = bm25s.BM25()
    tokens = partial(bm25s.tokenize, show_progress=False)
    build_s = time_call(lambda: index.index(tokens([text for _, text in pairs]), show_progress=False)).wall
    answers = {}
    for share in SHARES:
        allowed = filled.permitted(share)
        mask = np.array([course in allowed for course, _ in pairs], np.float32)
        retrieve = partial(index.retrieve, k=_NEAREST, weight_mask=mask, show_progress=False)
        answers[share] = time_each(partial(_match_bm25s, retrieve, tokens), kept_questions(home), at_most_s=_AT_MOST_S)
    return Beside("bm25s", build_s, memory_of_this_process(), answers, {})


def _match_bm25s(retrieve: Callable[[Any], object], tokens: Callable[[list[str]], Any], asked: Asked) -> None:
    retrieve(tokens([asked.text]))


def _texts(home: SearchHome) -> Iterator[tuple[str, str]]:
    """Course and text of each passage."""
    query = (
        select(RecordingRow.course_id, PassageRow.text)
        .join(RecordingRow, RecordingRow.id == PassageRow.recording_id)
        .where(is_published())
    )
    with home.database.read() as session:
        rows = session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
        yield from ((course, text) for course, text in rows)


_ENGINES = (_flat, _fts5, _bm25s, _hnsw)
