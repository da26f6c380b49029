"""A transcript as lines to read along: one sentence a line where words have times, else one segment a line.

Times come from segments and their words alone: a segment whose words were not measured stays one line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.database import Database
from knowledge.transcripts import store as transcripts
from knowledge.transcripts.segment import Segment, Word

_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…")
_UNSPACED = ("zh", "ja", "yue", "th")
_PAUSE_S = 0.4
_FEWEST_WORDS = 4
_TOLERANCE_S = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """`hard_to_hear`: why a person should listen before trusting the text."""

    start_s: float
    end_s: float
    text: str
    language: str
    words: tuple[Word, ...]
    hard_to_hear: str | None


@dataclass(frozen=True, slots=True)
class LineView:
    """A line ready to print. `answers`: the asked sentence lies in it, `parts` say where."""

    start_s: float
    end_s: float
    parts: tuple[Part, ...]
    answers: bool
    language: str
    hard_to_hear: str | None


@dataclass(frozen=True, slots=True)
class Span:
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """`more_before`, `more_after`: whether this is a window of a longer transcript."""

    recording_id: str
    lines: tuple[LineView, ...]
    more_before: bool = False
    more_after: bool = False


@lru_cache(maxsize=16)
def lines_of(database: Database, recording_id: str, revision: int) -> tuple[Line, ...]:
    """All lines of a published revision, which never changes. Whether it may be seen is asked before this."""
    with database.read() as session:
        segments = transcripts.segments_of(session, recording_id, revision)
    return tuple(line for segment in segments for line in cut_lines(segment))


def window(
    recording_id: str, lines: Sequence[Line], *, around_s: float, before_s: float, after_s: float, span: Span | None
) -> TranscriptView:
    """The lines from `before_s` ahead of a second to `after_s` behind it."""
    first_s, last_s = around_s - before_s, around_s + after_s
    chosen = [line for line in lines if line.end_s >= first_s and line.start_s <= last_s]
    return TranscriptView(
        recording_id,
        tuple(line_view(line, span) for line in chosen),
        more_before=any(line.end_s < first_s for line in lines),
        more_after=any(line.start_s > last_s for line in lines),
    )


def whole(recording_id: str, lines: Sequence[Line], *, span: Span | None = None) -> TranscriptView:
    return TranscriptView(recording_id, tuple(line_view(line, span) for line in lines))


def found_lines(lines: Sequence[Line], wanted: str, *, limit: int = 200) -> tuple[LineView, ...]:
    """The lines that hold a text, however it is capitalised, with each place marked."""
    needle = " ".join(wanted.split()).casefold()
    found = (line for line in lines if needle and needle in line.text.casefold())
    views = []
    for _, line in zip(range(limit), found, strict=False):
        parts = tuple(_marked_places(line.text, needle))
        views.append(LineView(line.start_s, line.end_s, parts, False, line.language, line.hard_to_hear))
    return tuple(views)


def cut_lines(segment: Segment) -> Iterator[Line]:
    """One line a sentence, or a breath, where words have times of their own."""
    groups = list(_sentences(segment.words)) if segment.words else []
    if len(groups) < 2:
        yield _line(segment, segment.start_s, segment.end_s, segment.text, segment.words)
        return
    for group in groups:
        yield _line(segment, group[0].start_s, group[-1].end_s, _joined(group, segment.language), tuple(group))


def line_view(line: Line, span: Span | None) -> LineView:
    answers = span is not None and line.start_s < span.end_s - _TOLERANCE_S and line.end_s > span.start_s + _TOLERANCE_S
    parts: tuple[Part, ...] = (Part(line.text, answers),)
    if span is not None and answers and line.words:
        parts = _marked_words(line, span)
    return LineView(line.start_s, line.end_s, parts, answers, line.language, line.hard_to_hear)


def _line(segment: Segment, start_s: float, end_s: float, text: str, words: tuple[Word, ...]) -> Line:
    return Line(start_s, end_s, text, segment.language, words, segment.hard_to_hear)


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word, following in zip(words, (*words[1:], None), strict=True):
        group.append(word)
        if following is None:
            break
        breath = following.start_s - word.end_s >= _PAUSE_S and len(group) >= _FEWEST_WORDS
        if word.text.endswith(_SENTENCE_ENDS) or breath:
            yield group
            group = []
    if group:
        yield group


def _marked_words(line: Line, span: Span) -> tuple[Part, ...]:
    """The line's words in at most three runs: before the answer, the answer, after it."""
    runs: list[tuple[bool, list[Word]]] = []
    for word in line.words:
        middle = (word.start_s + word.end_s) / 2
        inside = span.start_s - _TOLERANCE_S <= middle <= span.end_s + _TOLERANCE_S
        if runs and runs[-1][0] == inside:
            runs[-1][1].append(word)
        else:
            runs.append((inside, [word]))
    gap = _gap(line.language)
    parts: list[Part] = []
    for inside, words in runs:
        text = gap.join(word.text for word in words)
        if parts and inside:
            parts[-1] = Part(parts[-1].text + gap, False)
        parts.append(Part(text if inside or not parts else gap + text, inside))
    return tuple(parts)


def _joined(words: Sequence[Word], language: str) -> str:
    return _gap(language).join(word.text for word in words)


def _gap(language: str) -> str:
    return "" if language.split("-")[0] in _UNSPACED else " "


def _marked_places(text: str, needle: str) -> Iterator[Part]:
    """`casefold` may change a text's length (ß); then the line is shown without marks rather than wrongly marked."""
    folded = text.casefold()
    if len(folded) != len(text):
        yield Part(text, False)
        return
    position = 0
    while (at := folded.find(needle, position)) >= 0:
        if at > position:
            yield Part(text[position:at], False)
        yield Part(text[at : at + len(needle)], True)
        position = at + len(needle)
    if position < len(text):
        yield Part(text[position:], False)
