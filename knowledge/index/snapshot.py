"""One state of the index, base and delta together, that never changes: what a question is searched in.

Filters come before ranking: what a person may not hear is never scored, and no number that scores are made of counts
it. Recordings that changed since the base was written are left out of it as tombstones and come from the delta, or from
nowhere. Base and delta name candidates; their scores are computed here, the same way for both, so that when a base is
written changes no answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.database import Database
from knowledge.embedding import Vectors
from knowledge.finding.bm25 import bm25, count_in, idf
from knowledge.index.base import Base
from knowledge.index.candidates import SATURATION, USUAL_LENGTH, stepped, with_ties
from knowledge.index.delta import Delta, Part
from knowledge.index.faiss_vectors import Bitmap
from knowledge.index.pruning import rarest
from knowledge.index.tokens import hashes_of
from knowledge.index.view import Candidate, FieldStatistics, HashedTokens, Place, TokenField
from knowledge.inner_products import inner_products
from knowledge.passages.passage import Passage
from knowledge.passages.reading import PassageReader
from knowledge.passages.store import token_vectors_of
from knowledge.token_vectors import TokenRows, unpack_all

_COURSE_SETS_KEPT = 32
_SILENCE = HashedTokens(np.empty(0, np.uint32), np.empty(0, np.uint32))


@dataclass(frozen=True, slots=True)
class Permission:
    """Of the base what some courses have: how many passages, how many tokens together, which of its vectors.

    `courses`: by the base's numbers for them, which they are; `everything`: nothing else is in the base.
    """

    passages: int
    tokens: Mapping[TokenField, int]
    vectors: Bitmap
    courses: NDArray[np.bool_]
    everything: bool


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
        self._gone = base.holdings_of(self._tombstones)
        self._embedder_digest = embedder_digest
        self._permissions: dict[frozenset[str], Permission] = {}

    @property
    def change_number(self) -> int:
        return self._change_number

    def embedder_digest(self, *, courses: frozenset[str]) -> str | None:
        """None, too, where base and delta have vectors of different embedders: they are never compared."""
        in_base = self._permission(courses).vectors.count > 0
        if in_base and not self._knows_base:
            return None
        return self._embedder_digest if in_base or self._delta.has_vectors(courses) else None

    def count(self, *, courses: frozenset[str]) -> int:
        return self._permission(courses).passages + self._delta.count(courses)

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Nothing where there are no vectors of one embedder for all."""
        if self.embedder_digest(courses=courses) is None or n <= 0:
            return []
        found = [*self._nearest_in_base(vector, courses, n), *self._delta.nearest(vector, courses=courses, n=n)]
        scores = inner_products(self.vectors(found), np.asarray(vector, np.float32).reshape(1, -1))[:, 0]
        return _best(found, scores, n)

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        """Frequent tokens are left out where there are enough rare ones: see `pruning`."""
        known = self.statistics(field, tokens, courses=courses)
        told = rarest(known.holding)
        if not told or n <= 0:
            return []
        counts = Counter(tokens)
        weights = idf(told, known) * [counts[token] for token in told]
        rarity = dict(zip(hashes_of(told).tolist(), weights.tolist(), strict=True))
        found = [*self._matching_in_base(field, rarity, courses, n)]
        found += self._delta.matching(field, rarity, courses=courses, n=n)
        usual = replace(known, average_length=USUAL_LENGTH[field])
        asked = [token for token in told for _ in range(counts[token])]
        return _best(found, self._bm25(field, found, asked, usual), n)

    def statistics(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str]) -> FieldStatistics:
        permitted = self._permission(courses)
        passages = permitted.passages + self._delta.count(courses)
        length = permitted.tokens[field] + self._delta.tokens(field, courses)
        distinct = sorted(set(tokens))
        hashes = hashes_of(distinct)
        holding = self._base.holdings[field].of(hashes, courses=permitted.courses)
        holding -= self._gone[field].of(hashes, courses=permitted.courses)
        holding += self._delta.holding(field, hashes, courses)
        return FieldStatistics(
            passages, length / passages if passages else 0.0, dict(zip(distinct, holding.tolist(), strict=True))
        )

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
            if mean is None and self._knows_base and recording_id not in self._tombstones:
                mean = self._base.recording_vector(recording_id)
            if mean is not None:
                found[at] = mean
        return found

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """As the database has them published now."""
        with self._database.read() as session:
            return self._reader.read(session, passage_ids)

    @property
    def _knows_base(self) -> bool:
        """Are the base's vectors of the embedder whose vectors are compared?"""
        return self._embedder_digest is not None and self._embedder_digest == self._base.manifest.embedder_digest

    def _permission(self, courses: frozenset[str]) -> Permission:
        """Kept: the same people ask again."""
        relevant = courses & self._base.courses
        known = self._permissions.get(relevant)
        if known is None:
            known = self._permitted(relevant)
            if len(self._permissions) >= _COURSE_SETS_KEPT:
                self._permissions = {}
            self._permissions[relevant] = known
        return known

    def _permitted(self, courses: frozenset[str]) -> Permission:
        rows = self._base.rows_where(courses=courses) & self._alive
        there = [
            each
            for recording_id, each in self._base.recordings.items()
            if each.course_id in courses and recording_id not in self._tombstones
        ]
        return Permission(
            int(rows.sum()),
            {field: sum(each.tokens(field) for each in there) for field in TokenField},
            Bitmap(rows[self._base.vector_rows]),
            self._base.course_mask(courses),
            everything=courses == self._base.courses,
        )

    def _nearest_in_base(self, vector: Vectors, courses: frozenset[str], n: int) -> list[str]:
        vectors, permitted = self._base.vectors, self._permission(courses)
        if vectors is None or not permitted.vectors.count:
            return []
        rows, _ = with_ties(
            lambda wanted: vectors.nearest(vector, allowed=permitted.vectors, n=wanted, by_lists=permitted.everything),
            n,
        )
        return self._base.ids_of(self._base.vector_rows[rows])

    def _matching_in_base(
        self, field: TokenField, rarity: Mapping[int, float], courses: frozenset[str], n: int
    ) -> list[str]:
        words, permitted = self._base.words, courses & self._base.courses
        if words is None or not permitted:
            return []
        everything = self._permission(courses).everything
        rows, _ = with_ties(
            lambda wanted: words.best(
                field,
                rarity,
                courses=None if everything else permitted,
                without=self._tombstones,
                n=wanted,
            ),
            n,
        )
        return self._base.ids_of(rows)

    def _bm25(
        self, field: TokenField, passage_ids: Sequence[str], tokens: Sequence[str], known: FieldStatistics
    ) -> NDArray[np.float64]:
        said = [each.of(field) for each in self.tokens(passage_ids)]
        lengths = stepped(np.array([len(each) for each in said], np.int64))
        return bm25(count_in(said, sorted(set(tokens))), lengths, tokens, known, SATURATION)

    def _in_base(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """The rows of those that the base still has."""
        rows = self._base.rows_of(passage_ids)
        rows[rows >= 0] = np.where(self._alive[rows[rows >= 0]], rows[rows >= 0], -1)
        return {key: row for key, row in zip(passage_ids, rows.tolist(), strict=True) if row >= 0}

    def _dimensions(self) -> int | None:
        if self._base.vectors is not None and self._knows_base:
            return self._base.vectors.dimensions
        return self._delta.dimensions

    def _fill_from_base(self, found: NDArray[np.float32], passage_ids: Sequence[str]) -> None:
        if self._base.vectors is None or not self._knows_base:
            return
        rows = self._base.rows_of(passage_ids)
        at = np.minimum(np.searchsorted(self._base.vector_rows, rows), len(self._base.vector_rows) - 1)
        there = np.flatnonzero((rows >= 0) & (self._base.vector_rows[at] == rows))
        found[there] = self._base.vectors.of(at[there])


def _best(passage_ids: Sequence[str], scores: NDArray[np.floating], n: int) -> list[Candidate]:
    """Best first; equal ones in an order that does not depend on where they came from."""
    found = [Candidate(*pair) for pair in zip(passage_ids, scores.tolist(), strict=True)]
    return sorted(found, key=lambda each: (-each.score, each.passage_id))[:n]
