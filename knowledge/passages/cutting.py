"""Segments into passages, the unit of search: about 40 words, a new one every 20, always on segments' bounds.

Knows no index and no embedder. Measured on lectures: 40 words every 20 point closest to where an answer begins;
80 characters every 40 do so in Chinese, so that a Chinese or Japanese sign counts as half a word.

langchain-text-splitters is not used here: it cuts strings and finds a piece's place again by searching for its
text, so that a sentence said twice could get the other one's seconds; times stay true only over segments.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.finding.languages import language_of
from knowledge.transcripts.segment import UNDETERMINED, Segment

WINDOW_WORDS = 40.0
STEP_WORDS = 20.0
SILENCE_S = 8.0
"""Over so long a pause nobody goes on with the same thought."""

_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f\U00020000-\U0003134f]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_WORDS_A_SIGN = 0.5


@dataclass(frozen=True, slots=True)
class PassageDraft:
    """A passage not yet kept: segments `first_segment` to `last_segment` inclusive, by ordinal.

    `language`: as told, else as the letters have it, so that an embedder is not asked about what it does not know.
    """

    first_segment: int
    last_segment: int
    start_s: float
    end_s: float
    text: str
    language: str


def cut_passages(segments: Sequence[Segment]) -> list[PassageDraft]:
    """All passages of a recording, in order. Segments that are empty or hard to hear are in none."""
    passages: list[PassageDraft] = []
    for run in _runs(segments):
        sizes = [count_words(segments[at].text) for at in run]
        passages.extend(_draft(segments, run[first : last + 1]) for first, last in _windows(sizes))
    return passages


def embedding_text(draft_text: str, _title: str) -> str:
    """What is embedded for a passage: its words alone.

    With the recording's title before them lectures lost half a point at rank 1 and gained one among five, which is
    noise; and many a title is but a file's name.
    """
    return draft_text


def count_words(text: str) -> float:
    """Words; a sign of a script that is written without spaces counts as half a one."""
    wide = len(_WIDE.findall(text))
    return wide * _WORDS_A_SIGN + len(_WORD.findall(_WIDE.sub(" ", text)))


def _runs(segments: Sequence[Segment]) -> Iterator[list[int]]:
    """Ordinals of segments that may share a passage: none invented, no long silence between, one language."""
    run: list[int] = []
    for ordinal, segment in enumerate(segments):
        if not segment.searchable:
            continue
        if run and _parts(segments[run[-1]], segment):
            yield run
            run = []
        run.append(ordinal)
    if run:
        yield run


def _parts(before: Segment, after: Segment) -> bool:
    if after.start_s - before.end_s > SILENCE_S:
        return True
    return UNDETERMINED not in (before.language, after.language) and before.language != after.language


def _windows(sizes: Sequence[float]) -> Iterator[tuple[int, int]]:
    """First and last index of each window; the last one reaches back so that it is not a stump. A window that ends
    where the one before it ended (it begins with a long segment) says nothing new."""
    first, ended = 0, -1
    while True:
        last = _reach(sizes, first)
        if last == len(sizes) - 1:
            yield _reach_back(sizes, last, floor=first), last
            return
        if last > ended:
            yield first, last
        first, ended = min(_step(sizes, first), last + 1), last


def _reach(sizes: Sequence[float], first: int) -> int:
    """The last segment of the window from `first`: as near to WINDOW_WORDS as whole segments allow."""
    last, total = first, sizes[first]
    while last + 1 < len(sizes) and abs(total + sizes[last + 1] - WINDOW_WORDS) <= abs(total - WINDOW_WORDS):
        last += 1
        total += sizes[last]
    return last


def _step(sizes: Sequence[float], first: int) -> int:
    at, passed = first + 1, sizes[first]
    while at < len(sizes) and passed + sizes[at] / 2 < STEP_WORDS:
        passed += sizes[at]
        at += 1
    return at


def _reach_back(sizes: Sequence[float], last: int, *, floor: int) -> int:
    first, total = floor, sum(sizes[floor : last + 1])
    while first > 0 and abs(total + sizes[first - 1] - WINDOW_WORDS) < abs(total - WINDOW_WORDS):
        first -= 1
        total += sizes[first]
    return first


def _draft(segments: Sequence[Segment], ordinals: Sequence[int]) -> PassageDraft:
    chosen = [segments[at] for at in ordinals]
    text = joined([segment.text.strip() for segment in chosen])
    told = next((each.language for each in chosen if each.language != UNDETERMINED), UNDETERMINED)
    return PassageDraft(
        first_segment=ordinals[0],
        last_segment=ordinals[-1],
        start_s=min(segment.start_s for segment in chosen),
        end_s=max(segment.end_s for segment in chosen),
        text=text,
        language=language_of(text, told),
    )


def joined(texts: Sequence[str]) -> str:
    """Joined as the script is written: no space between two signs that need none."""
    whole = texts[0]
    for text in texts[1:]:
        unspaced = _WIDE.match(whole[-1]) and _WIDE.match(text[0])
        whole += text if unspaced else f" {text}"
    return whole
