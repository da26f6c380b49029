"""A question taken apart once: its language, its tokens, and how much each of them tells in this index."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Vectors
from knowledge.finding.analysis import analyse, is_unspaced
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.bm25 import idf
from knowledge.finding.languages import Script, knows, language_of, script_of
from knowledge.index.view import FieldStatistics, IndexView, PassageTokens, TokenField
from knowledge.token_vectors import TokenVectors, unpack
from knowledge.transcripts.segment import UNDETERMINED

_WORD = re.compile(r"[\w']+")


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
    """`statistics` say how common its tokens are in this index. `close`: its tokens' vectors, and `close_weights`
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


def ask(question: Question, view: IndexView) -> Asked:
    language = language_of(question.text, question.language)
    tokens = analyse(without_asking_words(question.text, language), language)
    statistics = {field: view.statistics(field, sorted(set(tokens.of(field)))) for field in TokenField}
    close = unpack(question.tokens)
    weights = np.zeros(0) if close is None else token_weights(question.text, language, close, view)
    return Asked(question, language, script_of(question.text), tokens, statistics, close, weights)


def token_weights(text: str, language: str, close: TokenVectors, view: IndexView) -> NDArray[np.float64]:
    """How much each token tells: the root of its word's idf, shared among the pieces of the word.

    The root because a misheard word is rarer than any and says nothing; measured against idf itself, against idf of
    the pieces and against none.
    """
    words = [_word_at(text, int(start)) for start in close.starts]
    stems = {word: sorted(set(analyse(word, language).words)) for word in set(words)}
    known = view.statistics(TokenField.WORDS, sorted({stem for each in stems.values() for stem in each}))
    told = {word: float(idf(each, known).mean()) if each else 0.0 for word, each in stems.items()}
    weights = np.sqrt([told[word] / words.count(word) for word in words])
    total = float(weights.sum())
    return np.asarray(weights / total if total > 0 else np.full(len(words), 1 / len(words)), np.float64)


def _word_at(text: str, start: int) -> str:
    """The word that the character at `start` belongs to; that sign alone where none stand between spaces."""
    for word in _WORD.finditer(text):
        if word.start() <= start < word.end() and not is_unspaced(text[start]):
            return word.group()
    return text[start : start + 1]
