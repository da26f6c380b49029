"""Makes explanations of what ranking and the verdict worked with: nothing is scored here a second time.

Which of the question's words a passage says is told word by word, taken apart as whole texts are.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from knowledge.finding.analysis import analyse, is_unspaced, runs_of, simplified
from knowledge.finding.asked import Asked
from knowledge.finding.asking_words import without_asking_words
from knowledge.finding.bm25 import attainable
from knowledge.finding.channels import CHANNELS, Channel, Pool
from knowledge.finding.explanation import (
    AskedWords,
    ChannelPart,
    Explanation,
    FeaturePart,
    Match,
    ModelExplanation,
    VerdictExplanation,
)
from knowledge.finding.fuse import Fused
from knowledge.finding.languages import is_small
from knowledge.finding.refusing import Features, Model, Verdicts
from knowledge.finding.sounds import GRAM, han_sounds, latin_sounds
from knowledge.index.view import TokenField

T = TypeVar("T")

SOUNDS_ALIKE_FROM = 0.5
"""Of a word's runs of sounds; a short word has one run, which must then be there whole."""
_WORDS_HEARD_AS_ONE = 3
_WRITTEN_WAYS = 3
"""How often a word is written in a passage says nothing more after a few."""
_FIRST_LETTER = 0xF0000
_FIELDS = {
    Channel.WORDS: TokenField.WORDS,
    Channel.WORDS_AROUND: TokenField.WORDS,
    Channel.SOUNDS: TokenField.SOUNDS,
    Channel.SOUNDS_AROUND: TokenField.SOUNDS,
}


def explain_hit(asked: Asked, pool: Pool, fused: Fused, at: int, *, text: str, lowered: float) -> Explanation:
    """Of the passage at this row of `pool` and `fused`, whose text is given."""
    scores = dict(zip(CHANNELS, pool.scores[at].tolist(), strict=True))
    sounds_speak = not np.isnan(scores[Channel.SOUNDS])
    meaning = scores[Channel.DENSE]
    return Explanation(
        words=asked_words(asked, text, pool.passages[at].language, sounds_speak=sounds_speak),
        meaning=None if np.isnan(meaning) else meaning,
        channels=channel_parts(asked, scores, fused, at),
        lowered=lowered,
    )


def channel_parts(asked: Asked, scores: dict[Channel, float], fused: Fused, at: int) -> tuple[ChannelPart, ...]:
    """Those channels that speak about this passage."""
    weights = fused.weights[at] / fused.total[at]
    parts = zip(CHANNELS, fused.scaled[at].tolist(), weights.tolist(), strict=True)
    most = {field: attainable(asked.tokens.of(field), asked.statistics[field]) for field in TokenField}
    return tuple(
        ChannelPart(channel, _own_score(channel, scores[channel], most), z, weight, z * weight)
        for channel, z, weight in parts
        if not np.isnan(z) and weight > 0
    )


def _own_score(channel: Channel, score: float, most: dict[TokenField, float]) -> float:
    """BM25 as a share: its own scale tells nobody anything."""
    field = _FIELDS.get(channel)
    if field is None:
        return score
    return score / most[field] if most[field] > 0 else 0.0


def explain_verdict(verdicts: Verdicts, features: Features) -> VerdictExplanation:
    return VerdictExplanation(
        explain_model(verdicts.covered, features),
        explain_model(verdicts.right, features),
        verdicts.answered_from,
        verdicts.absent_below,
    )


def explain_model(model: Model, features: Features) -> ModelExplanation:
    parts = tuple(
        FeaturePart(name, float(getattr(features, name)), model.weights[name], points)
        for name, points in model.points(features).items()
    )
    return ModelExplanation(model.probability(features), model.intercept, parts)


def asked_words(asked: Asked, text: str, language: str, *, sounds_speak: bool) -> AskedWords:
    """What became of each word of the question in a passage of this text and language."""
    about = without_asking_words(asked.question.text, asked.language)
    passage = _Passage.of(text, language, sounds_speak=sounds_speak)
    found = [each for run in dict.fromkeys(runs_of(about)) for each in _outcomes(run, asked.language, passage)]
    distinct = _firsts(found, key=lambda each: each.asked)
    return AskedWords(
        said=tuple(Match(each.asked, each.written) for each in distinct if each.written and each.said),
        alike=tuple(Match(each.asked, each.written) for each in distinct if each.written and not each.said),
        missing=tuple(each.asked for each in distinct if not each.written),
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`written`: nothing where the word is missing; `said`: else it only sounds alike."""

    asked: str
    written: tuple[str, ...] = ()
    said: bool = False


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage in words as they are written, each with its tokens; each one to three of them in a row with their
    sounds; and its signs in a row, a space between runs."""

    words: list[tuple[str, frozenset[str]]]
    held: frozenset[str]
    sounds: list[tuple[str, frozenset[str]]]
    signs: str
    sounds_speak: bool

    @classmethod
    def of(cls, text: str, language: str, *, sounds_speak: bool) -> "_Passage":
        runs = runs_of(text)
        written = [run for run in runs if not is_unspaced(run)]
        words = [(run, frozenset(analyse(run, language).words)) for run in written]
        return cls(
            words,
            frozenset[str]().union(*(tokens for _, tokens in words)),
            list(_rows_of_words(written)) if sounds_speak else [],
            " ".join(run for run in runs if is_unspaced(run)),
            sounds_speak,
        )


def _rows_of_words(written: Sequence[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The shorter rows first."""
    for count in range(1, _WORDS_HEARD_AS_ONE + 1):
        for at in range(len(written) - count + 1):
            row = written[at : at + count]
            yield " ".join(row), _sounds_of(row)


def _sounds_of(words: Sequence[str]) -> frozenset[str]:
    """Whole runs alone: ranking, too, compares nothing shorter with a passage."""
    runs = latin_sounds([word.casefold().replace("'s", "").replace("'", "") for word in words])
    return frozenset(run for run in runs if len(run) == GRAM)


def _outcomes(run: str, language: str, passage: _Passage) -> Iterator[_Outcome]:
    if is_unspaced(run):
        yield from _signs(run, passage)
    elif not _is_small(run.casefold(), language):
        yield _word(run, language, passage)


def _is_small(word: str, language: str) -> bool:
    if len(word) == 1 and not word.isdigit():
        return True
    return is_small(word, language)


def _word(word: str, language: str, passage: _Passage) -> _Outcome:
    asked = frozenset(analyse(word, language).words)
    if asked and asked <= passage.held:
        written = _firsts((run for run, tokens in passage.words if tokens & asked), key=str)
        return _Outcome(word, tuple(written[:_WRITTEN_WAYS]), said=True)
    alike = _heard_as(word, passage)
    return _Outcome(word, (alike,) if alike else ())


def _firsts(found: Iterable[T], *, key: Callable[[T], str]) -> list[T]:
    """Without repeats, whatever the case."""
    kept: dict[str, T] = {}
    for each in found:
        kept.setdefault(key(each).casefold(), each)
    return list(kept.values())


def _heard_as(word: str, passage: _Passage) -> str | None:
    """The words in a row that sound most like it; of equal ones the fewest, the earliest."""
    wanted = _sounds_of([word])
    if not wanted or not passage.sounds:
        return None
    written, sounds = max(passage.sounds, key=lambda row: len(wanted & row[1]))
    return written if len(wanted & sounds) >= SOUNDS_ALIKE_FROM * len(wanted) else None


def _signs(run: str, passage: _Passage) -> list[_Outcome]:
    """Two signs and more that are written alike, then those that sound alike, then single ones: a single sign in
    common says too little to break a word that was misheard."""
    asked, there = simplified(run), simplified(passage.signs)
    written = passage.signs if len(there) == len(passage.signs) else there
    outcomes: dict[int, tuple[int, _Outcome]] = {}

    def take(what: str, where: str, *, least: int, said: bool) -> None:
        for at, size, place in _common(what, where, free=_free(outcomes, len(asked)), least=least):
            shown = written[place : place + size]
            outcomes[at] = (size, _Outcome(run[at : at + size], (shown,), said=said))

    take(asked, there, least=2, said=True)
    if passage.sounds_speak:
        take(*_as_sounds(asked, there), least=2, said=False)
    take(asked, there, least=1, said=True)
    for at, size in _stretches(_free(outcomes, len(asked))):
        outcomes[at] = (size, _Outcome(run[at : at + size]))
    return [each for _, (_, each) in sorted(outcomes.items()) if not all(is_small(sign, "zh") for sign in each.asked)]


def _as_sounds(*texts: str) -> Iterator[str]:
    """Each sign replaced by a letter for its syllable: signs that sound alike get the same."""
    letters: dict[str, str] = {" ": " "}
    for text in texts:
        syllables = han_sounds(text)[: len(text)]
        yield "".join(letters.setdefault(each, chr(_FIRST_LETTER + len(letters))) for each in syllables)


def _free(outcomes: dict[int, tuple[int, _Outcome]], length: int) -> list[bool]:
    taken = {at + step for at, (size, _) in outcomes.items() for step in range(size)}
    return [at not in taken for at in range(length)]


def _stretches(free: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Start and length of each row of True."""
    at = 0
    while at < len(free):
        size = 0
        while at + size < len(free) and free[at + size]:
            size += 1
        if size:
            yield at, size
        at += size or 1


def _common(what: str, where: str, *, free: Sequence[bool], least: int) -> Iterator[tuple[int, int, int]]:
    """From left to right the longest rows of free signs that `where` has, too: start, length, start there."""
    for start, length in _stretches(free):
        at, end = start, start + length
        while at < end:
            size = least
            while at + size <= end and what[at : at + size] in where:
                size += 1
            size -= 1
            if size >= least:
                yield at, size, where.find(what[at : at + size])
            at += size if size >= least else 1
