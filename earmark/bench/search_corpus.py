"""A corpus of any size for measuring search: running text of real lectures, resampled and corrupted, or made-up text.

Word statistics are those of the lectures, with a long tail of made-up words. A passage's vector is that of the real
passage it was made from, plus noise, and the vectors of its tokens are that one's; which course a recording is in says
nothing of what it is about.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.errors import BadInput
from earmark.bench.bench_home import Embed
from earmark.bench.jsonl import read_jsonl
from knowledge.embedding import TextKind, TextVectors, Vectors, one_after_another
from knowledge.finding.languages import Script, script_of
from knowledge.passages.cutting import STEP_WORDS
from knowledge.token_vectors import pack

HALF = int(STEP_WORDS)
"""Words: the product cuts a passage of two such halves, a new one each half."""
PASSAGES_A_RECORDING = 100
MADE_UP_WORDS = 400_000
TAIL = 0.8
"""Exponent of Zipf's law among them: a million passages say 250,000 different words then."""
SWAPPED, MADE_UP = 0.10, 0.05
"""Shares of a copy's words: another word of the lectures in place, or one that nobody says."""
NOISE = 0.6
"""Of a vector's length: a copy and its source agree to 1 / sqrt(1 + NOISE²) = 0.86, about as neighbouring passages of
one lecture do."""
FEWEST_QUESTION_WORDS = 8
SEED = 1

_SYLLABLES = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s", "t")]
_MADE_UP_LECTURES = 100
_MADE_UP_HALVES = 200
_MADE_UP_DIMENSIONS = 384
_MADE_UP_TOKENS = 25
_MADE_UP_TEXTS = 100

Words = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was held out of the corpus, its vector, shape (1, dimensions), and its tokens', packed."""

    text: str
    vector: Vectors
    tokens: bytes


@dataclass(frozen=True, slots=True)
class MadeRecording:
    """`segments`: texts of one half each; passage i is segments i and i + 1 and has the vector and the tokens i."""

    segments: Sequence[str]
    vectors: Vectors
    tokens: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """What is resampled. `halves`: shape (n, HALF), word numbers; `lectures`: the first half of each lecture, and n;
    `vectors`: of each half together with the next one, and of their tokens."""

    vocabulary: Sequence[str]
    real_words: int
    halves: Words
    lectures: NDArray[np.int64]
    vectors: TextVectors
    questions: Sequence[Asked]


def lectures_source(folder: Path, embed: Embed, *, questions: int) -> Source:
    """`folder`: segments.jsonl with recording, start_s and text. The last lectures are only asked, never indexed.

    Raises BadInput where it holds too little.
    """
    texts = _lecture_texts(folder)
    vocabulary: dict[str, int] = {}
    lectures = [np.array([vocabulary.setdefault(word, len(vocabulary)) for word in text], np.int32) for text in texts]
    halves = [words[: len(words) // HALF * HALF].reshape(-1, HALF) for words in lectures]
    kept, held_out = _held_out([each for each in halves if len(each) > 1], questions)
    if not kept:
        raise BadInput(f"{folder}: too little text for {questions} questions")
    words = [*vocabulary]
    asked = [" ".join(words[at] for at in half[:FEWEST_QUESTION_WORDS]) for half in held_out]
    joined = np.concatenate(kept)
    return Source(
        _with_made_up(words),
        len(words),
        joined,
        np.cumsum([0, *(len(each) for each in kept)]),
        _embedded(embed, words, joined),
        _asked(asked, embed(asked, TextKind.QUESTION)),
    )


def made_up_source(*, questions: int) -> Source:
    """Words by Zipf's law, vectors around centres, tokens' vectors by chance: for where no lectures are at hand."""
    chance = np.random.default_rng(SEED)
    words = [f"{word}x" for word in _syllables(chance, 20_000)]
    frequencies = 1 / np.arange(1, len(words) + 1)
    count = _MADE_UP_LECTURES * _MADE_UP_HALVES
    halves = chance.choice(len(words), (count, HALF), p=frequencies / frequencies.sum()).astype(np.int32)
    centres = _units(chance.standard_normal((count // 10, _MADE_UP_DIMENSIONS), np.float32))
    vectors = centres[np.arange(count) // 10]
    asked = chance.choice(words, (questions, FEWEST_QUESTION_WORDS), p=frequencies / frequencies.sum())
    meant = near(centres[chance.integers(0, len(centres), questions)], chance)
    return Source(
        _with_made_up(words),
        len(words),
        halves,
        np.arange(0, count + 1, _MADE_UP_HALVES),
        TextVectors(vectors, _made_up_tokens(count, _MADE_UP_TOKENS, chance)),
        _asked(
            [" ".join(text) for text in asked],
            TextVectors(meant, _made_up_tokens(questions, FEWEST_QUESTION_WORDS, chance)),
        ),
    )


class Copies:
    """Recordings without end, the same in each run; `distinct_words` counts what they have said so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._chance = np.random.default_rng(SEED)
        self._vocabulary = np.array(source.vocabulary, dtype=object)
        made_up = len(source.vocabulary) - source.real_words
        rarity = np.arange(1, made_up + 1) ** -TAIL
        self._made_up = np.cumsum(rarity / rarity.sum())
        self._said = np.zeros(len(source.vocabulary), np.bool_)

    @property
    def distinct_words(self) -> int:
        return int(self._said.sum())

    def __iter__(self) -> Iterator[MadeRecording]:
        while True:
            yield self.recording(PASSAGES_A_RECORDING)

    def recording(self, passages: int) -> MadeRecording:
        at = np.concatenate([*self._runs(passages)])[: passages + 1]
        words = self._corrupted(self._source.halves[at])
        self._said[words] = True
        vectors = self._source.vectors
        return MadeRecording(
            [" ".join(half) for half in self._vocabulary[words]],
            near(vectors.whole[at[:passages]], self._chance),
            [vectors.tokens[each] for each in at[:passages]],
        )

    def _runs(self, passages: int) -> Iterator[NDArray[np.int64]]:
        """Stretches of lectures, one after another until there are enough halves."""
        lectures = self._source.lectures
        left = passages + 1
        while left > 0:
            which = int(self._chance.integers(len(lectures) - 1))
            start = int(self._chance.integers(lectures[which], lectures[which + 1]))
            run = np.arange(start, min(start + left, lectures[which + 1]))
            left -= len(run)
            yield run

    def _corrupted(self, words: Words) -> Words:
        what = self._chance.random(words.shape)
        swapped = self._chance.choice(self._source.halves.ravel(), words.shape)
        tail = np.searchsorted(self._made_up, self._chance.random(words.shape)) + self._source.real_words
        tail = np.minimum(tail, len(self._source.vocabulary) - 1)
        made: Words = np.select([what < SWAPPED, what < SWAPPED + MADE_UP], [swapped, tail], words).astype(np.int32)
        return made


def near(vectors: Vectors, chance: np.random.Generator) -> Vectors:
    """A vector beside each, NOISE away in any direction; of length 1 again."""
    return _units(vectors + NOISE * _units(chance.standard_normal(vectors.shape, np.float32)))


def _lecture_texts(folder: Path) -> list[list[str]]:
    """The words of each lecture whose script parts words by spaces."""
    texts: dict[str, list[str]] = {}
    for row in read_jsonl(folder / "segments.jsonl", needs=("recording", "text")):
        if script_of(str(row["text"])) is Script.LATIN:
            texts.setdefault(str(row["recording"]), []).extend(str(row["text"]).split())
    return list(texts.values())


def _held_out(lectures: Sequence[Words], questions: int) -> tuple[list[Words], list[Words]]:
    """Lectures to index, and halves of the others: as many as there are to be questions."""
    kept, held_out = list(lectures), list[Words]()
    while kept and len(held_out) < questions:
        held_out.extend(kept.pop())
    return kept, held_out[:questions]


def _embedded(embed: Embed, words: Sequence[str], halves: Words) -> TextVectors:
    texts = [" ".join(words[at] for at in half) for half in halves]
    pairs = [f"{one} {two}" for one, two in zip(texts, [*texts[1:], ""], strict=True)]
    return one_after_another([embed(pairs[at : at + 256], TextKind.PASSAGE) for at in range(0, len(pairs), 256)])


def _asked(texts: Sequence[str], vectors: TextVectors) -> list[Asked]:
    return [
        Asked(text, row[None], tokens) for text, row, tokens in zip(texts, vectors.whole, vectors.tokens, strict=True)
    ]


def _made_up_tokens(texts: int, tokens: int, chance: np.random.Generator) -> tuple[bytes, ...]:
    """Of a hundred texts, again and again: comparing them costs what real ones cost."""
    shape = min(texts, _MADE_UP_TEXTS), tokens, _MADE_UP_DIMENSIONS
    packed = [pack(range(tokens), each) for each in chance.standard_normal(shape, np.float32)]
    return tuple(islice(cycle(packed), texts))


def _with_made_up(words: Sequence[str]) -> list[str]:
    return [*words, *_syllables(np.random.default_rng(SEED + 1), MADE_UP_WORDS)]


def _syllables(chance: np.random.Generator, count: int) -> list[str]:
    """Distinct words of four syllables."""
    numbers = chance.choice(len(_SYLLABLES) ** 4, count, replace=False, shuffle=False)
    return ["".join(_SYLLABLES[number // len(_SYLLABLES) ** place % len(_SYLLABLES)] for place in range(4))
            for number in numbers.tolist()]  # fmt: skip


def _units(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
