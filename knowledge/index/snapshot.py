"""One state of the index, base and delta together, that never changes: what a question is searched in.

Filters come before ranking: what a person may not hear is never scored. Recordings that changed since the base was
written are left out of it as tombstones and come from the delta, or from nowhere.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.database import Database
from knowledge.embedding import Vectors
from knowledge.index.base import Base
from knowledge.index.delta import Delta, Part, idf
from knowledge.index.faiss_vectors import Bitmap, Mask
from knowledge.index.view import Candidate, FieldStatistics, TokenField
from knowledge.passages.passage import Passage
from knowledge.passages.reading import PassageReader

_COURSE_SETS_KEPT = 32


class Snapshot:
    """Implements IndexView. Thread-safe."""

    def __init__(
        self,
        database: Database,
        reader: PassageReader,
        base: Base,
        parts: Sequence[Part],
        *,
        changed: frozenset[str],
        change_number: int,
        embedder_digest: str | None,
    ) -> None:
        """`changed`: recordings published or removed since the base; `embedder_digest`: of the parts' vectors."""
        self._database = database
        self._reader = reader
        self._base = base
        self._delta = Delta(parts)
        self._change_number = change_number
        self._tombstones = frozenset(changed & base.recordings.keys())
        self._alive = _alive_rows(base, self._tombstones)
        self._embedder_digest = self._digest_of_all(embedder_digest)
        self._bitmaps: dict[frozenset[str], Bitmap] = {}

    @property
    def change_number(self) -> int:
        return self._change_number

    @property
    def embedder_digest(self) -> str | None:
        return self._embedder_digest

    def count(self, *, courses: frozenset[str]) -> int:
        in_base = sum(
            recording.rows
            for recording in self._base.recordings.values()
            if recording.course_id in courses and recording.recording_id not in self._tombstones
        )
        return in_base + self._delta.count(courses)

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Nothing where there are no vectors of one embedder for all."""
        if self._embedder_digest is None or n <= 0:
            return []
        in_delta = self._delta.nearest(vector, courses=courses, n=n)
        return _best([*self._nearest_in_base(vector, courses, n), *in_delta], n)

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        counts = Counter(tokens)
        if not counts or n <= 0:
            return []
        known = self.statistics(field, list(counts))
        in_base = self._matching_in_base(field, counts, known, courses, n)
        return _best([*in_base, *self._delta.matching(field, counts, known, courses=courses, n=n)], n)

    def statistics(self, field: TokenField, tokens: Sequence[str]) -> FieldStatistics:
        """Over all courses. `holding` still counts what was removed since the base was written."""
        gone = [self._base.recordings[recording_id] for recording_id in self._tombstones]
        passages = len(self._base) - sum(each.rows for each in gone) + len(self._delta)
        length = self._base.tokens[field] - sum(each.tokens(field) for each in gone)
        length += self._delta.tokens(field)
        holding = {token: min(self._holding(field, token), passages) for token in set(tokens)}
        return FieldStatistics(passages, length / passages if passages else 0.0, holding)

    def vectors(self, passage_ids: Sequence[str]) -> Vectors:
        """One row an id; zeros where a passage has no vector of `embedder_digest`.

        Raises ValueError where the view has no vectors at all.
        """
        dimensions = self._dimensions()
        if self._embedder_digest is None or dimensions is None:
            raise ValueError("this view of the index has no vectors")
        found = np.zeros((len(passage_ids), dimensions), np.float32)
        self._fill_from_base(found, passage_ids)
        for place, passage_id in enumerate(passage_ids):
            vector = self._delta.vector(passage_id)
            if vector is not None:
                found[place] = vector
        return found

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """As the database has them published now."""
        with self._database.read() as session:
            return self._reader.read(session, passage_ids)

    def _digest_of_all(self, digest: str | None) -> str | None:
        """None where base and delta have vectors of different embedders: they are never compared."""
        if self._alive.any():
            return digest if digest is not None and digest == self._base.manifest.embedder_digest else None
        return None if self._delta.dimensions is None else digest

    def _bitmap(self, courses: frozenset[str]) -> Bitmap:
        """Over the base's vectors. Kept: the same people ask again."""
        relevant = courses & self._base.courses
        known = self._bitmaps.get(relevant)
        if known is None:
            known = Bitmap((self._permitted_rows(relevant) & self._alive)[self._base.vector_rows])
            if len(self._bitmaps) >= _COURSE_SETS_KEPT:
                self._bitmaps = {}
            self._bitmaps[relevant] = known
        return known

    def _permitted_rows(self, courses: frozenset[str]) -> Mask:
        permitted = np.zeros(len(self._base), np.bool_)
        for recording in self._base.recordings.values():
            if recording.course_id in courses:
                permitted[recording.first_row : recording.first_row + recording.rows] = True
        return permitted

    def _nearest_in_base(self, vector: Vectors, courses: frozenset[str], n: int) -> list[Candidate]:
        if self._base.vectors is None:
            return []
        rows, scores = self._base.vectors.nearest(vector, allowed=self._bitmap(courses), n=n)
        return self._candidates(self._base.vector_rows[rows].tolist(), scores.tolist())

    def _matching_in_base(
        self,
        field: TokenField,
        counts: Mapping[str, int],
        known: FieldStatistics,
        courses: frozenset[str],
        n: int,
    ) -> list[Candidate]:
        permitted = courses & self._base.courses
        if self._base.words is None or not permitted:
            return []
        hits = self._base.words.best(
            field,
            self._weights(field, counts, known),
            courses=None if permitted == self._base.courses else permitted,
            without=self._tombstones,
            n=n,
        )
        return self._candidates([row for row, _ in hits], [score for _, score in hits])

    def _weights(self, field: TokenField, counts: Mapping[str, int], known: FieldStatistics) -> dict[str, float]:
        """tantivy knows how rare a token is in the base alone: the weight makes it how rare it is in all."""
        weights = {}
        for token, times in counts.items():
            held = self._held_in_base(field, token)
            if held:
                weights[token] = times * idf(known.passages, known.holding[token]) / idf(len(self._base), held)
        return weights

    def _holding(self, field: TokenField, token: str) -> int:
        return self._held_in_base(field, token) + self._delta.holding(field, token)

    def _held_in_base(self, field: TokenField, token: str) -> int:
        return 0 if self._base.words is None else self._base.words.holding(field, token)

    def _candidates(self, rows: Sequence[int], scores: Sequence[float]) -> list[Candidate]:
        ids = self._base.passage_ids
        return [Candidate(ids[row].decode(), score) for row, score in zip(rows, scores, strict=True)]

    def _dimensions(self) -> int | None:
        if self._base.vectors is not None:
            return self._base.vectors.dimensions
        return self._delta.dimensions

    def _fill_from_base(self, found: NDArray[np.float32], passage_ids: Sequence[str]) -> None:
        if self._base.vectors is None:
            return
        rows = self._base.rows_of(list(passage_ids))
        at = np.minimum(np.searchsorted(self._base.vector_rows, rows), len(self._base.vector_rows) - 1)
        there = np.flatnonzero((rows >= 0) & (self._base.vector_rows[at] == rows))
        found[there] = self._base.vectors.of(at[there])


def _alive_rows(base: Base, tombstones: frozenset[str]) -> Mask:
    alive = np.ones(len(base), np.bool_)
    for recording_id in tombstones:
        gone = base.recordings[recording_id]
        alive[gone.first_row : gone.first_row + gone.rows] = False
    return alive


def _best(candidates: list[Candidate], n: int) -> list[Candidate]:
    """Best first; equal ones in an order that does not depend on where they came from."""
    return sorted(candidates, key=lambda found: (-found.score, found.passage_id))[:n]
