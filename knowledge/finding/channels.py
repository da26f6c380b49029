"""The channels of finding: each gives candidates, and scores any passage for a question. One small function a channel.

Most look twice: at the passage, and at what was said around it, because a question may ask in one breath what was
explained in several. Knows an index only as an IndexView. How channels are weighed is decided in `fuse`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.finding.asked import Asked
from knowledge.finding.bm25 import SATURATION, bm25, count_in
from knowledge.finding.languages import can_read, knows
from knowledge.index.view import FieldStatistics, HashedTokens, IndexView, Place, TokenField
from knowledge.inner_products import inner_products
from knowledge.transcripts.segment import UNDETERMINED

Scores = NDArray[np.float64]
"""float64, shape (passages, channels); nan where a channel does not know the question's or the passage's language."""

CANDIDATES_PER_CHANNEL = 100
AROUND = 2
"""Passages overlap by half: those two places before and after are what was said just before and just after, so that
the three together are about 120 words."""


class Channel(StrEnum):
    """`tokens`: each of the question's tokens against the nearest of the passage. `letters`: runs of letters, for a
    passage in another language that is written alike. `reranked`: a model that read question and passage together.
    `…_around`: the same over the passages around, too; `…_recording`: over the whole recording."""

    DENSE = "dense"
    DENSE_AROUND = "dense_around"
    DENSE_RECORDING = "dense_recording"
    WORDS = "words"
    WORDS_AROUND = "words_around"
    SOUNDS = "sounds"
    SOUNDS_AROUND = "sounds_around"
    TOKENS = "tokens"
    TOKENS_AROUND = "tokens_around"
    LETTERS = "letters"
    RERANKED = "reranked"


CHANNELS = tuple(Channel)


@dataclass(frozen=True, slots=True)
class Pool:
    """The passages that some channel put forward, taken apart, each scored by every channel; their text is read from
    the database only for those that leave. `around`: what lies around each, itself included, as rows of `near`; `own`:
    the row of each itself."""

    passages: list[Place]
    tokens: list[HashedTokens]
    scores: Scores
    near: list[str]
    own: list[int]
    around: list[list[int]]


def gather(asked: Asked, view: IndexView, *, courses: frozenset[str]) -> Pool:
    """Each channel's best, together, rescored in all channels that need no second look."""
    found = dict.fromkeys(_dense_candidates(asked, view, courses))
    for field in TokenField:
        found.update(dict.fromkeys(_token_candidates(asked, field, view, courses)))
    passages = view.places(list(found))
    neighbours = view.around([each.id for each in passages], step=AROUND)
    near = list(dict.fromkeys(key for each in neighbours for key in each))
    row = {key: at for at, key in enumerate(near)}
    around = [[row[key] for key in each] for each in neighbours]
    own = [row[each.id] for each in passages]
    said = view.tokens(near)
    scores = _first_scores(asked, passages, near, said, own, around, view)
    return Pool(passages, [said[at] for at in own], scores, near, own, around)


def _first_scores(
    asked: Asked,
    passages: Sequence[Place],
    near: Sequence[str],
    said: Sequence[HashedTokens],
    own: Sequence[int],
    around: Sequence[Sequence[int]],
    view: IndexView,
) -> Scores:
    scores = np.full((len(passages), len(CHANNELS)), np.nan)
    if not passages:
        return scores
    columns = {channel: scores[:, at] for at, channel in enumerate(CHANNELS)}
    speaks = embedder_speaks(asked, passages)
    if speaks.any():
        dense = _dense_scores(asked, view, passages, near, own, around)
        for channel, values in dense.items():
            columns[channel][:] = np.where(speaks, values, np.nan)
    columns[Channel.WORDS][:], columns[Channel.WORDS_AROUND][:] = _token_scores(
        asked, TokenField.WORDS, said, own, around
    )
    sounds = _token_scores(asked, TokenField.SOUNDS, said, own, around)
    alike = np.array([each.script is asked.script for each in passages])
    for channel, values in zip((Channel.SOUNDS, Channel.SOUNDS_AROUND), sounds, strict=True):
        columns[channel][:] = np.where(alike, values, np.nan)  # pinyin and metaphones have nothing in common
    return scores


def is_far(asked: Asked, passage: Place) -> bool:
    """Another language than the question's, and the embedder knows both."""
    if UNDETERMINED in (asked.language, passage.language) or asked.language == passage.language:
        return False
    return asked.embedder_knows_it and knows(asked.question.embedder_languages, passage.language)


def is_foreign(asked: Asked, passage: Place) -> bool:
    """Another language than the question's, written in the same letters, and no embedder that knows both. A question
    in no known language is no foreign one: most are a few words in the passages' own, and being taken for foreign
    costs those two to five points at rank 1."""
    if passage.script is not asked.script or UNDETERMINED in (asked.language, passage.language):
        return False
    if passage.language == asked.language:
        return False
    return asked.question.embedder_languages is not None and not is_far(asked, passage)


def embedder_speaks(asked: Asked, passages: Sequence[Place]) -> NDArray[np.bool_]:
    """Where the embedder knows both languages, or where one is written like the other: what they share in names and
    roots is seen even by one that knows only one of them."""
    languages = asked.question.embedder_languages
    if asked.question.vector is None:
        return np.zeros(len(passages), np.bool_)
    return np.array(
        [
            (asked.embedder_knows_it and knows(languages, each.language))
            or (is_foreign(asked, each) and (asked.embedder_knows_it or knows(languages, each.language)))
            for each in passages
        ],
        np.bool_,
    )


def _dense_candidates(asked: Asked, view: IndexView, courses: frozenset[str]) -> list[str]:
    vector = asked.question.vector
    if vector is None:
        return []
    if not can_read(asked.question.embedder_languages, asked.question.text):
        return []
    near = view.nearest(vector, courses=courses, n=CANDIDATES_PER_CHANNEL)
    return [candidate.passage_id for candidate in near]


def _token_candidates(asked: Asked, field: TokenField, view: IndexView, courses: frozenset[str]) -> list[str]:
    tokens = asked.tokens.of(field)
    if not tokens:
        return []
    matching = view.matching(field, tokens, courses=courses, n=CANDIDATES_PER_CHANNEL)
    return [candidate.passage_id for candidate in matching]


def _dense_scores(
    asked: Asked,
    view: IndexView,
    passages: Sequence[Place],
    near: Sequence[str],
    own: Sequence[int],
    around: Sequence[Sequence[int]],
) -> dict[Channel, NDArray[np.float64]]:
    """Cosines of the passages, of the mean of what lies around each, and of the mean of its whole recording."""
    assert asked.question.vector is not None
    recordings = list(dict.fromkeys(each.recording_id for each in passages))
    question = asked.question.vector
    whole = dict(zip(recordings, inner_products(view.recording_vectors(recordings), question)[:, 0], strict=True))
    vectors = view.vectors(near)
    means = over_around(np.add, vectors, around)
    means /= np.linalg.norm(means, axis=1, keepdims=True).clip(1e-9)
    return {
        Channel.DENSE: inner_products(vectors[list(own)], question)[:, 0].astype(np.float64),
        Channel.DENSE_AROUND: inner_products(means, question)[:, 0].astype(np.float64),
        Channel.DENSE_RECORDING: np.array([whole[each.recording_id] for each in passages], np.float64),
    }


def _token_scores(
    asked: Asked,
    field: TokenField,
    said: Sequence[HashedTokens],
    own: Sequence[int],
    around: Sequence[Sequence[int]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """BM25 with the statistics of what is searched: of each passage, and of it and what lies around it as one text."""
    tokens = asked.tokens.of(field)
    if not tokens:
        return np.zeros(len(own)), np.zeros(len(own))
    known = asked.statistics[field]
    texts = [each.of(field) for each in said]
    counts = count_in(texts, sorted(set(tokens)))
    lengths = np.array([len(each) for each in texts])
    alone = bm25(counts[list(own)], lengths[list(own)], tokens, known, SATURATION[field])
    longer = FieldStatistics(known.passages, known.average_length * _mean_size(around), known.holding)
    together = over_around(np.add, counts, around), over_around(np.add, lengths, around)
    return alone, bm25(*together, tokens, longer, SATURATION[field])


def _mean_size(around: Sequence[Sequence[int]]) -> float:
    return sum(map(len, around)) / max(len(around), 1)


def over_around(joined: np.ufunc, values: NDArray[Any], around: Sequence[Sequence[int]]) -> NDArray[Any]:
    """The rows around each passage `joined`, such as added up: a row a passage."""
    starts = np.cumsum([0, *map(len, around)])[:-1]
    return np.asarray(joined.reduceat(values[list(chain.from_iterable(around))], starts, axis=0))
