"""One state of the index, base and delta together, that never changes: what a question is searched in.

Filters come before ranking: what a person may not hear is never scored. Recordings that changed since the base was
written are left out of it as tombstones and come from the delta, or from nowhere.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.database import Database
from knowledge.embedding import Vectors
from knowledge.index.base import Base
from knowledge.index.delta import Delta, Part, idf
from knowledge.index.faiss_vectors import Bitmap
from knowledge.index.pruning import rarest
from knowledge.index.tokens import hash_of
from knowledge.index.view import Candidate, FieldStatistics, HashedTokens, Place, TokenField
from knowledge.passages.passage import Passage
from knowledge.passages.reading import PassageReader
from knowledge.passages.store import token_vectors_of
from knowledge.token_vectors import TokenRows, unpack_all

_COURSE_SETS_KEPT = 32
_SILENCE = HashedTokens(np.empty(0, np.uint32), np.empty(0, np.uint32))


@dataclass(frozen=True, slots=True)
class Permission:
    """Of the base what some courses have: how many passages, and which of its vectors."""

    passages: int
    vectors: Bitmap


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
        self._alive = ~base.rows_where(self._tombstones, courses=base.courses)
        self._embedder_digest = self._digest_of_all(embedder_digest)
        self._permissions: dict[frozenset[str], Permission] = {}

    @property
    def change_number(self) -> int:
        return self._change_number

    @property
    def embedder_digest(self) -> str | None:
        return self._embedder_digest

    def count(self, *, courses: frozenset[str]) -> int:
        return self._permission(courses).passages + self._delta.count(courses)

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Nothing where there are no vectors of one embedder for all."""
        if self._embedder_digest is None or n <= 0:
            return []
        in_delta = self._delta.nearest(vector, courses=courses, n=n)
        return _best([*self._nearest_in_base(vector, courses, n), *in_delta], n)

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Frequent tokens are left out where there are enough rare ones: see `pruning`."""
        known = self.statistics(field, tokens)
        counts = Counter(tokens)
        rarity = {
            hash_of(token): counts[token] * idf(known.passages, known.holding[token]) for token in rarest(known.holding)
        }
        if not rarity or n <= 0:
            return []
        in_delta = self._delta.matching(field, rarity, average_length=known.average_length, courses=courses, n=n)
        return _best([*self._matching_in_base(field, rarity, courses, n), *in_delta], n)

    def statistics(self, field: TokenField, tokens: Sequence[str]) -> FieldStatistics:
        """Over all courses. `holding` still counts what was removed since the base was written."""
        gone = [self._base.recordings[recording_id] for recording_id in self._tombstones]
        passages = len(self._base) - sum(each.rows for each in gone) + len(self._delta)
        length = self._base.tokens[field] - sum(each.tokens(field) for each in gone)
        length += self._delta.tokens(field)
        holding = {token: min(self._holding(field, hash_of(token)), passages) for token in set(tokens)}
        return FieldStatistics(passages, length / passages if passages else 0.0, holding)

    def places(self, passage_ids: Sequence[str]) -> list[Place]:
        found = self._in_base(passage_ids)
        rows = np.fromiter(found.values(), np.int64, len(found))
        in_base = dict(zip(found, self._base.places(rows), strict=True))
        places = (self._delta.place(key) or in_base.get(key) for key in passage_ids)
        return [place for place in places if place is not None]

    def tokens(self, passage_ids: Sequence[str]) -> list[HashedTokens]:
        found = self._in_base(passage_ids)
        rows = np.fromiter(found.values(), np.int64, len(found))
        in_base = dict(zip(found, self._base.said(rows), strict=True))
        return [self._delta.said(key) or in_base.get(key) or _SILENCE for key in passage_ids]

    def around(self, passage_ids: Sequence[str], *, step: int) -> list[tuple[str, ...]]:
        found = self._in_base(passage_ids)
        rows = np.fromiter(found.values(), np.int64, len(found))
        in_base = dict(zip(found, self._base.around(rows, step=step), strict=True))
        return [self._delta.around(key, step=step) or tuple(in_base.get(key, ())) for key in passage_ids]

    def token_vectors(self, passage_ids: Sequence[str]) -> TokenRows:
        packed: dict[str, bytes] = {}
        if self._embedder_digest is not None:
            with self._database.read() as session:
                packed = token_vectors_of(session, self._embedder_digest, passage_ids)
        return unpack_all([packed.get(key, b"") for key in passage_ids])

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

    def recording_vectors(self, recording_ids: Sequence[str]) -> Vectors:
        dimensions = self._dimensions()
        if self._embedder_digest is None or dimensions is None:
            raise ValueError("this view of the index has no vectors")
        found = np.zeros((len(recording_ids), dimensions), np.float32)
        for at, recording_id in enumerate(recording_ids):
            mean = self._delta.recording_vector(recording_id)
            if mean is None and recording_id not in self._tombstones:
                mean = self._base.recording_vector(recording_id)
            if mean is not None:
                found[at] = mean
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

    def _permission(self, courses: frozenset[str]) -> Permission:
        """Kept: the same people ask again."""
        relevant = courses & self._base.courses
        known = self._permissions.get(relevant)
        if known is None:
            permitted = self._base.rows_where(courses=relevant) & self._alive
            known = Permission(int(permitted.sum()), Bitmap(permitted[self._base.vector_rows]))
            if len(self._permissions) >= _COURSE_SETS_KEPT:
                self._permissions = {}
            self._permissions[relevant] = known
        return known

    def _nearest_in_base(self, vector: Vectors, courses: frozenset[str], n: int) -> list[Candidate]:
        if self._base.vectors is None:
            return []
        rows, scores = self._base.vectors.nearest(vector, allowed=self._permission(courses).vectors, n=n)
        return self._candidates(self._base.vector_rows[rows], scores.tolist())

    def _matching_in_base(
        self, field: TokenField, rarity: Mapping[int, float], courses: frozenset[str], n: int
    ) -> list[Candidate]:
        permitted = courses & self._base.courses
        if self._base.words is None or not permitted:
            return []
        hits = self._base.words.best(
            field,
            self._weights(field, rarity),
            courses=None if permitted == self._base.courses else permitted,
            without=self._tombstones,
            n=n,
        )
        return self._candidates(np.array([row for row, _ in hits], np.int64), [score for _, score in hits])

    def _weights(self, field: TokenField, rarity: Mapping[int, float]) -> dict[int, float]:
        """tantivy knows how rare a token is in the base alone: the weight makes it how rare it is in all."""
        held = {token: self._held_in_base(field, token) for token in rarity}
        return {token: told / idf(len(self._base), held[token]) for token, told in rarity.items() if held[token]}

    def _holding(self, field: TokenField, token: int) -> int:
        return self._held_in_base(field, token) + self._delta.holding(field, token)

    def _held_in_base(self, field: TokenField, token: int) -> int:
        return 0 if self._base.words is None else self._base.words.holding(field, token)

    def _candidates(self, rows: NDArray[np.int64], scores: Sequence[float]) -> list[Candidate]:
        return [Candidate(*pair) for pair in zip(self._base.ids_of(rows), scores, strict=True)]

    def _in_base(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """The rows of those that the base still has."""
        rows = self._base.rows_of(passage_ids)
        rows[rows >= 0] = np.where(self._alive[rows[rows >= 0]], rows[rows >= 0], -1)
        return {key: row for key, row in zip(passage_ids, rows.tolist(), strict=True) if row >= 0}

    def _dimensions(self) -> int | None:
        if self._base.vectors is not None:
            return self._base.vectors.dimensions
        return self._delta.dimensions

    def _fill_from_base(self, found: NDArray[np.float32], passage_ids: Sequence[str]) -> None:
        if self._base.vectors is None:
            return
        rows = self._base.rows_of(passage_ids)
        at = np.minimum(np.searchsorted(self._base.vector_rows, rows), len(self._base.vector_rows) - 1)
        there = np.flatnonzero((rows >= 0) & (self._base.vector_rows[at] == rows))
        found[there] = self._base.vectors.of(at[there])


def _best(candidates: list[Candidate], n: int) -> list[Candidate]:
    """Best first; equal ones in an order that does not depend on where they came from."""
    return sorted(candidates, key=lambda found: (-found.score, found.passage_id))[:n]
