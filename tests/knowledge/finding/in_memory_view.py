"""The index's contract over plain Python lists: what the tests find in, and the contract's second implementation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from knowledge.embedding import Vectors, mean_of
from knowledge.finding.analysis import analyse
from knowledge.finding.languages import script_of
from knowledge.index.candidates import USUAL_LENGTH, stepped
from knowledge.index.tokens import hashes_of
from knowledge.index.view import Candidate, FieldStatistics, HashedTokens, Place, TokenField
from knowledge.passages.passage import Passage
from knowledge.token_vectors import TokenRows, TokenVectors

K1, B = 1.2, 0.75


@dataclass
class InMemoryView:
    """Passages with their vectors (float32, one row each; None where nothing embedded them), and those of their tokens
    by id."""

    stored: Sequence[Passage]
    embedded: Vectors | None = None
    close: Mapping[str, TokenVectors] = field(default_factory=dict)
    change_number: int = 1
    _row: dict[str, int] = field(init=False)
    _postings: dict[TokenField, dict[str, dict[int, int]]] = field(init=False)
    _lengths: dict[TokenField, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self._row = {passage.id: row for row, passage in enumerate(self.stored)}
        self._postings = {each: {} for each in TokenField}
        lengths: dict[TokenField, list[int]] = {each: [] for each in TokenField}
        for row, passage in enumerate(self.stored):
            tokens = analyse(passage.text, passage.language)
            for each in TokenField:
                lengths[each].append(len(tokens.of(each)))
                for token, count in Counter(tokens.of(each)).items():
                    self._postings[each].setdefault(token, {})[row] = count
        self._lengths = {each: np.array(counts, dtype=float) for each, counts in lengths.items()}
        self._packed = {
            each: {
                token: (np.array(list(rows)), np.array(list(rows.values()), dtype=float))
                for token, rows in postings.items()
            }
            for each, postings in self._postings.items()
        }
        self._course_of = np.array([passage.course_id for passage in self.stored])

    def embedder_digest(self, *, courses: frozenset[str]) -> str | None:
        return None if self.embedded is None or not self._permitted(courses).any() else "in-memory"

    def count(self, *, courses: frozenset[str]) -> int:
        return int(self._permitted(courses).sum())

    def nearest(self, vector: Vectors, *, courses: frozenset[str], n: int) -> list[Candidate]:
        if self.embedded is None:
            return []
        return self._best((self.embedded @ vector.T)[:, 0], self._permitted(courses), n)

    def matching(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str], n: int) -> list[Candidate]:
        scores = np.zeros(len(self.stored))
        known = self.statistics(field, tokens, courses=courses)
        for token in tokens:
            if not known.holding[token]:
                continue
            rows, counts = self._packed[field][token]
            share = stepped(self._lengths[field][rows]) / USUAL_LENGTH[field]
            idf = np.log1p((known.passages - known.holding[token] + 0.5) / (known.holding[token] + 0.5))
            scores[rows] += idf * counts * (K1 + 1) / (counts + K1 * (1 - B + B * share))
        return self._best(scores, self._permitted(courses) & (scores > 0), n)

    def statistics(self, field: TokenField, tokens: Sequence[str], *, courses: frozenset[str]) -> FieldStatistics:
        allowed = self._permitted(courses)
        held = {token: [*self._postings[field].get(token, ())] for token in tokens}
        average = float(self._lengths[field][allowed].mean()) if allowed.any() else 0.0
        return FieldStatistics(
            int(allowed.sum()), average, {token: int(allowed[rows].sum()) for token, rows in held.items()}
        )

    def vectors(self, passage_ids: Sequence[str]) -> Vectors:
        if self.embedded is None:
            raise ValueError("nothing is embedded here")
        return self.embedded[[self._row[passage_id] for passage_id in passage_ids]]

    def recording_vectors(self, recording_ids: Sequence[str]) -> Vectors:
        if self.embedded is None:
            raise ValueError("nothing is embedded here")
        owners = np.array([each.recording_id for each in self.stored])
        return np.stack([mean_of(self.embedded[owners == each]) for each in recording_ids])

    def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        return [self.stored[self._row[each]] for each in passage_ids if each in self._row]

    def places(self, passage_ids: Sequence[str]) -> list[Place]:
        return [_place(passage) for passage in self.passages(passage_ids)]

    def tokens(self, passage_ids: Sequence[str]) -> list[HashedTokens]:
        return [_tokens(passage) for passage in self.passages(passage_ids)]

    def around(self, passage_ids: Sequence[str], *, step: int) -> list[tuple[str, ...]]:
        place = {(each.recording_id, each.ordinal): each.id for each in self.stored}
        return [
            tuple(
                place[each.recording_id, at]
                for at in (each.ordinal - step, each.ordinal, each.ordinal + step)
                if (each.recording_id, at) in place
            )
            for each in self.passages(passage_ids)
        ]

    def token_vectors(self, passage_ids: Sequence[str]) -> TokenRows:
        return token_rows([self.close.get(each) for each in passage_ids])

    def _permitted(self, courses: frozenset[str]) -> np.ndarray:
        return np.isin(self._course_of, list(courses)) if len(self.stored) else np.zeros(0, dtype=bool)

    def _best(self, scores: np.ndarray, allowed: np.ndarray, n: int) -> list[Candidate]:
        rows = np.flatnonzero(allowed)
        found = [Candidate(self.stored[row].id, float(scores[row])) for row in rows]
        return sorted(found, key=lambda each: (-each.score, each.passage_id))[:n]


def token_rows(texts: Sequence[TokenVectors | None]) -> TokenRows:
    known = [each.vectors for each in texts if each is not None]
    counts = [0 if each is None else len(each) for each in texts]
    return TokenRows(
        np.concatenate([np.zeros((0, known[0].shape[1] if known else 1), np.float32), *known]), np.array(counts)
    )


def _place(passage: Passage) -> Place:
    fields = {name: getattr(passage, name) for name in Place.__slots__ if name != "script"}
    return Place(**fields, script=script_of(passage.text))


def _tokens(passage: Passage) -> HashedTokens:
    tokens = analyse(passage.text, passage.language)
    return HashedTokens(hashes_of(tokens.words), hashes_of(tokens.sounds))
