"""Retrieval again and again while the corpus is filled up with distractors: how much is lost in a large collection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from assistant.errors import BadInput
from earmark.bench.bench_home import (
    BenchEmbedder,
    BenchHome,
    BenchReranker,
    GivenRecording,
    Progress,
    opened_bench,
    silent_progress,
)
from earmark.bench.distractors import (
    Distractor,
    fillers,
    fitting,
    give_made_vectors,
    read_distractors,
    recombined,
)
from earmark.bench.grouping import common_language
from earmark.bench.kept_vectors import Prepared, prepared
from earmark.bench.measures import retrieval_measures
from earmark.bench.metrics import SEED, Figure
from earmark.bench.outcomes import DEPTH, Outcome, columns_of
from earmark.bench.resampling import figures_of
from earmark.bench.retrieval import Asking, BeirSet, ask_all, outcome_of, read_set
from earmark.bench.runs import Data
from knowledge.passages.cutting import cut_passages

SHOWN = ("R@1", "R@5", "R@10", f"MRR@{DEPTH}", f"nDCG@{DEPTH}", "covered AUROC", "confident precision", "confident F1")


@dataclass(frozen=True, slots=True)
class Point:
    """One size. `passages`: searched; `distractors`, `recombined`: how many of them are others' documents, and how
    many their sentences put together anew."""

    passages: int
    distractors: int
    recombined: int
    figures: dict[str, Figure]
    outcomes: tuple[Outcome, ...] = field(repr=False)

    def as_document(self) -> dict[str, object]:
        return {
            "passages": self.passages,
            "distractors": self.distractors,
            "recombined": self.recombined,
            **{name: figure.as_document() for name, figure in self.figures.items()},
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.passages} passages, {self.distractors} of them distractors, {self.recombined} recombined ones"
        yield from (f"{name}: {self.figures[name]}" for name in SHOWN if name in self.figures)


@dataclass(frozen=True, slots=True)
class CurveReport:
    """`made_vectors`: recombined passages have their sentences' mean for a vector, not their own."""

    data: Data
    made_vectors: bool
    points: tuple[Point, ...]
    notes: tuple[str, ...]

    def as_document(self) -> dict[str, object]:
        return {
            "made_vectors": self.made_vectors,
            "notes": list(self.notes),
            "points": [each.as_document() for each in self.points],
        }

    def lines(self) -> Iterator[str]:
        yield from self.notes
        for each in self.points:
            yield from ("", *each.lines())


def bench_curve(
    beir: Path,
    home: Path,
    embedder: BenchEmbedder | None,
    *,
    distractors: Sequence[Path],
    sizes: Sequence[int],
    made_vectors: bool = False,
    most: int | None = None,
    reranker: BenchReranker | None = None,
    progress: Progress = silent_progress,
) -> CurveReport:
    """The set as it is, then filled up to each of `sizes` passages. `most`: ask so many questions, drawn by chance.

    Raises BadInput where there are no sizes above 0, or nothing to fill up with.
    """
    if not sizes or min(sizes) < 1:
        raise BadInput(f"sizes {list(sizes)}", "give passages to fill up to, such as 10000,100000")
    given = read_set(beir)
    asked = drawn(given.questions, most)
    others = _competing(given, distractors)
    ready = prepared(embedder)
    with opened_bench(home, ready.embedder, reranker) as opened:
        _fill(opened, ready, given.recordings, progress)
        ready.questions((each.text for each in asked), progress)
        filling = _Filling(opened, ready, others, made_vectors, progress)
        points = [_point(opened, asked, filling, progress)]
        for size in sorted({each for each in sizes if each > points[0].passages}):
            filling.fill_up_to(size)
            points.append(_point(opened, asked, filling, progress))
    notes = tuple(_notes(sizes, points, made_vectors=made_vectors))
    return CurveReport(given.data, made_vectors, tuple(points), notes)


def drawn(questions: Sequence[Asking], most: int | None) -> list[Asking]:
    """At most so many, in their order, by chance that is seeded; near misses have no part in a curve."""
    far = [each for each in questions if not each.near]
    if most is None or most >= len(far):
        return far
    return [far[at] for at in sorted(np.random.default_rng(SEED).permutation(len(far))[:most])]


class _Filling:
    """Adds distractors to a home: documents while there are any, then recombined ones."""

    def __init__(
        self,
        home: BenchHome,
        ready: Prepared,
        others: Sequence[Distractor],
        made_vectors: bool,
        progress: Progress,
    ) -> None:
        self.distractors, self.recombined = 0, 0
        self._home, self._ready, self._progress = home, ready, progress
        self._made_vectors = made_vectors
        self._documents = fillers(others)
        self._recombined = recombined(others)

    def fill_up_to(self, size: int) -> None:
        """Whole recordings, so that a few passages more may come of it."""
        wanted = size - self._home.count(self._home.index.view())
        documents, lacking = _taken(self._documents, wanted)
        made, still_lacking = _taken(self._recombined, lacking) if lacking > 0 else ([], lacking)
        self.distractors += wanted - lacking
        self.recombined += lacking - still_lacking
        if self._made_vectors:
            give_made_vectors(made, self._ready, self._progress)
        _fill(self._home, self._ready, [*documents, *made], self._progress)


def _taken(recordings: Iterator[GivenRecording], wanted: int) -> tuple[list[GivenRecording], int]:
    """Recordings until `wanted` passages are reached, and how many passages are still lacking (below 0: too many)."""
    taken: list[GivenRecording] = []
    while wanted > 0 and (each := next(recordings, None)) is not None:
        taken.append(each)
        wanted -= len(cut_passages(each.segments))
    return taken, wanted


def _fill(home: BenchHome, ready: Prepared, recordings: Sequence[GivenRecording], progress: Progress) -> None:
    ready.passages(recordings, progress)
    home.fill(recordings, progress=progress)


def _point(home: BenchHome, asked: Sequence[Asking], filling: _Filling, progress: Progress) -> Point:
    outcomes = tuple(outcome_of(each) for each in ask_all(home, asked, progress))
    figures = figures_of(columns_of(outcomes), retrieval_measures())
    passages = home.count(home.index.view())
    return Point(passages, filling.distractors, filling.recombined, figures, outcomes)


def _competing(given: BeirSet, sources: Sequence[Path]) -> list[Distractor]:
    language = common_language(segment.text for each in given.recordings for segment in each.segments)
    every = chain.from_iterable(read_distractors(path) for path in sources)
    others = fitting(every, ids=[each.name for each in given.recordings], language=language)
    if not others:
        raise BadInput(
            f"none of {', '.join(map(str, sources)) or 'no'} distractors is in the set's language ({language}) "
            "and no document of the set",
            "give others with --distractors",
        )
    return others


def _notes(sizes: Sequence[int], points: Sequence[Point], *, made_vectors: bool) -> Iterator[str]:
    for size in sizes:
        if size <= points[0].passages:
            yield f"{size} passages: the set itself has {points[0].passages}"
    if points[-1].recombined:
        yield "recombined: sentences of the distractors put together by chance, which says less than new texts would"
        if made_vectors:
            yield "vectors of recombined passages: the mean of their sentences' vectors, not embedded themselves"
