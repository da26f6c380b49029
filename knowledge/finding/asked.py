"""A question taken apart once: its language, its tokens, and how much each of them tells in what is searched."""

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.finding.analysis import analyse, is_unspaced, runs_of, simplified
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.bm25 import idf
from knowledge.finding.languages import Script, is_small, knows, language_of, script_of
from knowledge.index.view import FieldStatistics, IndexView, PassageTokens, TokenField
from knowledge.token_vectors import TokenVectors, unpack
from knowledge.transcripts.segment import UNDETERMINED

_WORD = re.compile(r"[\w']+")
SMALL_TALK = 50
"""Passages that hold nothing but small words, taken to be in every index beside its own. In five lessons a "we" or
"should" can be as rare as what the question is about; among thousands of passages this changes nothing."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `vector`: shape (1, dimensions), None where no embedder could be asked; `tokens`: the vectors of
    its tokens, packed.

    `embedder_languages`: what that embedder was trained for; None for a multilingual one.
    """

    text: str
    language: str = UNDETERMINED
    vector: Vectors | None = None
    embedder_languages: frozenset[str] | None = None
    tokens: bytes = b""


@dataclass(frozen=True, slots=True)
class Asked:
    """`statistics` say how common its tokens are in what is searched. `close`: its tokens' vectors, and `close_weights`
    how much each of them tells, float64, adding up to 1; None where there are none."""

    question: Question
    language: str
    script: Script
    tokens: PassageTokens
    statistics: dict[TokenField, FieldStatistics]
    close: TokenVectors | None
    close_weights: NDArray[np.float64]

    @property
    def embedder_knows_it(self) -> bool:
        return self.question.vector is not None and knows(self.question.embedder_languages, self.language)


def ask(question: Question, view: IndexView, *, courses: frozenset[str]) -> Asked:
    if view.embedder_digest(courses=courses) is None:
        question = replace(question, vector=None, tokens=b"")  # nothing here to compare them with
    language = language_of(question.text, question.language)
    tokens = analyse(without_asking_words(question.text, language), language)
    statistics = {field: view.statistics(field, tokens.of(field), courses=courses) for field in TokenField}
    statistics[TokenField.WORDS] = with_small_talk(statistics[TokenField.WORDS], question.text, language)
    close = unpack(question.tokens)
    weights = np.zeros(0) if close is None else token_weights(question.text, language, close, view, courses)
    return Asked(question, language, script_of(question.text), tokens, statistics, close, weights)


def token_weights(
    text: str, language: str, close: TokenVectors, view: IndexView, courses: frozenset[str]
) -> NDArray[np.float64]:
    """How much each token tells: the root of its word's idf, shared among the pieces of the word.

    The root because a misheard word is rarer than any and says nothing; measured against idf itself, against idf of
    the pieces and against none.
    """
    words = [_word_at(text, int(start)) for start in close.starts]
    stems = {word: sorted(set(analyse(word, language).words)) for word in set(words)}
    known = view.statistics(TokenField.WORDS, [stem for each in stems.values() for stem in each], courses=courses)
    known = with_small_talk(known, text, language)
    told = {word: float(idf(each, known).mean()) if each else 0.0 for word, each in stems.items()}
    weights = np.sqrt([told[word] / words.count(word) for word in words])
    total = float(weights.sum())
    return np.asarray(weights / total if total > 0 else np.full(len(words), 1 / len(words)), np.float64)


def with_small_talk(known: FieldStatistics, question: str, language: str) -> FieldStatistics:
    """These statistics of the question's words, as if SMALL_TALK were searched, too."""
    told = "en" if language == UNDETERMINED else language
    runs = (simplified(run) if is_unspaced(run) else run for run in runs_of(question.casefold()))
    words = {word for run in runs for word in (run if is_unspaced(run) else [run]) if is_small(word, told)}
    small = {token for word in words for token in analyse(word, told).words}
    holding = {token: count + SMALL_TALK * (token in small) for token, count in known.holding.items()}
    return FieldStatistics(known.passages + SMALL_TALK, known.average_length, holding)


def _word_at(text: str, start: int) -> str:
    """The word that the character at `start` belongs to; that sign alone where none stand between spaces."""
    for word in _WORD.finditer(text):
        if word.start() <= start < word.end() and not is_unspaced(text[start]):
            return word.group()
    return text[start : start + 1]
