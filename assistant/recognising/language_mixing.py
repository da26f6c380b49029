"""Bends a language model towards a text: what the text says becomes likely, everything else keeps its place.

Knows no file, no recogniser and no course: a model and sentences in, a model out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.recognising.language_model import Ids, Logs, NGramModel

SENTENCE_START = "<s>"
SENTENCE_END = "</s>"
LEAST_P = 1e-30
LEAST_MASS = 1e-4
"""The file's steps leave sums of probabilities off by this much: at least so much is left to words not listed."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mixture:
    """How far a text bends the model.

    `share`: of the probability of single words. After a history seen n times, with d different next words, the text
    weighs n / (n + damping * d), at most `cap`. `sentence_marks`: sentences begin and end where the text says.
    `runs_on`: one sentence may follow the other without a pause between.
    """

    share: float
    damping: float = 1.0
    cap: float = 0.9
    sentence_marks: bool = True
    runs_on: bool = False


SCRIPT = Mixture(share=0.3, runs_on=True)
"""For a text that is what was said: 39 % of words wrong became 9 (TRIAL). Running on: in noise, where pauses are not
seen, 51 % of words wrong became 46."""
TERMS = Mixture(share=0.2, sentence_marks=False)
"""For words that may be said anywhere: 39 became 34."""


@dataclass(frozen=True, slots=True)
class _Grams:
    """Sorted keys with their mixed probabilities, and the backoff of every history (a row of the level below)."""

    keys: Ids
    p: Probabilities
    backoff: Probabilities


def mix(model: NGramModel, sentences: Sequence[Sequence[str]], mixture: Mixture) -> NGramModel:
    """The model bent towards the sentences; words it did not know join at the end of its list."""
    known = set(model.words)
    words = (*model.words, *sorted({word for line in sentences for word in line} - known))
    tokens = _tokens(sentences, words, mixture)
    if not (tokens >= 0).any():
        return model
    word_p = _mixed_words(model, tokens, words, mixture.share)
    pairs = _mixed_pairs(model, tokens, word_p, mixture)
    triples = _mixed_triples(model, tokens, pairs, len(words), mixture)
    return NGramModel(
        words=words,
        word_log_p=_log(word_p),
        word_log_backoff=_log(pairs.backoff),
        before=pairs.keys % len(words),
        word=pairs.keys // len(words),
        bigram_log_p=_log(pairs.p),
        bigram_log_backoff=_log(triples.backoff),
        bigram=triples.keys // len(words),
        first=triples.keys % len(words),
        trigram_log_p=_log(triples.p),
    )


def _tokens(sentences: Sequence[Sequence[str]], words: Sequence[str], mixture: Mixture) -> Ids:
    """Every sentence's word ids in one row, -1 between sentences; then all again as one where they run on."""
    ids = {word: number for number, word in enumerate(words)}
    row: list[int] = []
    run_on = [[word for line in sentences for word in line]] if mixture.runs_on else []
    for line in (*sentences, *run_on):
        marked = (SENTENCE_START, *line, SENTENCE_END) if mixture.sentence_marks and line else line
        row += [*(ids[word] for word in marked), -1]
    return np.array(row, np.int64)


def _mixed_words(model: NGramModel, tokens: Ids, words: Sequence[str], share: float) -> Probabilities:
    """A sentence's start is never predicted, so it takes no share."""
    said = tokens[(tokens >= 0) & (tokens != words.index(SENTENCE_START))]
    text_p = np.bincount(said, minlength=len(words)) / len(said)
    wheel_p = np.zeros(len(words))
    wheel_p[: len(model.words)] = np.exp(model.word_log_p)
    mixed: Probabilities = (1 - share) * wheel_p + share * text_p
    return mixed


def _mixed_pairs(model: NGramModel, tokens: Ids, word_p: Probabilities, mixture: Mixture) -> _Grams:
    n_words = len(word_p)
    told = (tokens[:-1] >= 0) & (tokens[1:] >= 0)
    counted = _counted(tokens[1:][told] * n_words + tokens[:-1][told])
    keys, count, known = _united(model.word * n_words + model.before, counted)
    backoff = np.ones(n_words)
    backoff[: len(model.words)] = np.exp(model.word_log_backoff)
    lower_p, history = word_p[keys // n_words], keys % n_words
    p = backoff[history] * lower_p
    p[known] = np.exp(model.bigram_log_p)
    return _interpolated(keys, history, p, lower_p, count, backoff, mixture)


def _mixed_triples(model: NGramModel, tokens: Ids, pairs: _Grams, n_words: int, mixture: Mixture) -> _Grams:
    told = (tokens[:-2] >= 0) & (tokens[1:-1] >= 0) & (tokens[2:] >= 0)
    first, middle, last = tokens[:-2][told], tokens[1:-1][told], tokens[2:][told]
    counted = _counted(np.searchsorted(pairs.keys, last * n_words + middle) * n_words + first)
    old_rows = np.searchsorted(pairs.keys, model.word * n_words + model.before)
    keys, count, known = _united(old_rows[model.bigram] * n_words + model.first, counted)
    pair, first = keys // n_words, keys % n_words
    history = _row_of(pairs.keys, pairs.keys[pair] % n_words * n_words + first)
    backoff = np.ones(len(pairs.keys))
    backoff[old_rows] = np.exp(model.bigram_log_backoff)
    lower_p = pairs.p[pair]
    p = np.append(backoff, 1.0)[history] * lower_p
    p[known] = np.exp(model.trigram_log_p)
    return _interpolated(keys, history, p, lower_p, count, backoff, mixture)


def _interpolated(
    keys: Ids,
    history: Ids,
    wheel_p: Probabilities,
    lower_p: Probabilities,
    count: Probabilities,
    backoff: Probabilities,
    mixture: Mixture,
) -> _Grams:
    """Text and wheel after each history, and backoffs that make each history's probabilities add up to one again.

    A history numbered len(backoff) has no row of its own: the wheel's model knows trigrams whose first two words it
    dropped as a bigram.
    """
    size = len(backoff) + 1
    seen = np.bincount(history, count, size)
    different = np.bincount(history, count > 0, size)
    weight = np.minimum(mixture.cap, seen / np.maximum(seen + mixture.damping * different, 1))[history]
    p = (1 - weight) * wheel_p + weight * count / np.maximum(seen, 1)[history]
    total = np.bincount(history, p, size)
    p /= np.maximum(1, total / (1 - LEAST_MASS))[history]
    left = np.maximum(1 - total, LEAST_MASS)
    left_below = np.maximum(1 - np.bincount(history, lower_p, size), LEAST_MASS)
    has_grams = np.bincount(history, minlength=size) > 0
    return _Grams(keys, p, np.where(has_grams[:-1], (left / left_below)[:-1], backoff))


def _counted(keys: Ids) -> tuple[Ids, Ids]:
    unique, counts = np.unique(keys, return_counts=True)
    return unique, counts


def _united(old: Ids, counted: tuple[Ids, Ids]) -> tuple[Ids, Probabilities, Ids]:
    """Sorted keys of both, the text's count of each, and where the old ones went. `old` is sorted already."""
    rows = _row_of(old, counted[0])
    fresh = counted[0][rows == len(old)]
    keys = np.insert(old, np.searchsorted(old, fresh), fresh)
    count = np.zeros(len(keys))
    count[np.searchsorted(keys, counted[0])] = counted[1]
    return keys, count, np.searchsorted(keys, old)


def _row_of(keys: Ids, wanted: Ids) -> Ids:
    """The row of each wanted key, len(keys) where it is not there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    rows = np.searchsorted(keys, wanted)
    found = keys[np.minimum(rows, len(keys) - 1)] == wanted
    return np.where(found, rows, len(keys))


def _log(p: Probabilities) -> Logs:
    logs: Logs = np.log(np.maximum(p, LEAST_P))
    return logs
