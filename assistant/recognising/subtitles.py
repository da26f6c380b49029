"""Subtitles (.srt, .vtt) as segments, and segments as subtitles. Knows no recogniser.

Read line by line rather than by a library, because a refusal names the line that is wrong. The rules:
- A cue that ends before it starts, or starts before the one above it, is refused: nobody knows which time is meant.
- A cue that begins while the last one still shows ends that one; two that begin together become one.
- Roll-up captions repeat the last line of the cue before: the repeated line goes, and a cue that was nothing else
  only lengthens the one before.
- Marks, voices, positions and styling go; so do cues without text.
- What reaches over the end of the recording is cut there; a cue that begins after it belongs to another recording.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from assistant.errors import BadInput
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource

LARGEST_FILE_BYTES = 64_000_000
LONGEST_S = 1_000 * 3600.0
END_SLACK_S = 1.0
TOUCHING_S = 0.05

_ARROW = "-->"
_TIME = r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*{_ARROW}\s*{_TIME}(?:\s|$)")
_MARKUP = re.compile(r"</?[a-zA-Z0-9][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}|\{[a-zA-Z]:[^}]*\}|[\u200b\u200e\u200f\ufeff]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class _Cue:
    line: int
    start_s: float
    end_s: float
    text: tuple[str, ...]


def read_subtitles(path: Path, *, language: str = UNDETERMINED, duration_s: float | None = None) -> list[Segment]:
    """Segments in order, never overlapping. `duration_s`: of the recording, where it is known.

    Raises BadInput naming the file, the line and the way out.
    """
    cues = list(_cues(_text_of(path), path))
    if not cues:
        raise BadInput(f"{path.name}: holds no subtitles", "give a .srt or .vtt file with timed lines, or none")
    _refuse_backwards(cues, path)
    cues = _joined(_without_repeats(cue for cue in cues if cue.text))
    if duration_s is not None:
        cues = [_within(cue, duration_s, path) for cue in cues]
    return [Segment(cue.start_s, cue.end_s, _one_line(cue.text), language, TimeSource.SUBTITLE) for cue in cues]


def write_srt(segments: Iterable[Segment]) -> str:
    shown = (segment for segment in segments if segment.text.strip())
    return "".join(
        f"{number}\n{_stamp(segment.start_s, ',')} {_ARROW} {_stamp(segment.end_s, ',')}\n{_srt_text(segment)}\n\n"
        for number, segment in enumerate(shown, start=1)
    )


def write_vtt(segments: Iterable[Segment]) -> str:
    shown = (segment for segment in segments if segment.text.strip())
    return "WEBVTT\n\n" + "".join(
        f"{_stamp(segment.start_s, '.')} {_ARROW} {_stamp(segment.end_s, '.')}\n{_vtt_text(segment)}\n\n"
        for segment in shown
    )


def _text_of(path: Path) -> str:
    data = path.read_bytes()
    if len(data) > LARGEST_FILE_BYTES:
        raise BadInput(
            f"{path.name}: {len(data) / 1e6:.0f} MB is too much for subtitles", "give a text file under 64 MB"
        )
    text = _decoded(data)
    if "\0" in text:
        raise BadInput(f"{path.name}: is no text file", "give subtitles as .srt or .vtt, saved as UTF-8")
    return text


def _decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with or without its mark, GB18030 where high bytes stand in pairs, else Windows' Western."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    half = len(data) // 2
    if half and data[::2].count(0) > half / 2:
        return data.decode("utf-16-be", errors="replace")
    if half and data[1::2].count(0) > half / 2:
        return data.decode("utf-16-le", errors="replace")
    for encoding in ("utf-8-sig", *(("gb18030",) if _high_bytes_in_pairs(data) else ()), "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _high_bytes_in_pairs(data: bytes) -> bool:
    runs = [len(run) for run in re.findall(rb"[\x81-\xfe]+", data)]
    return sum(run for run in runs if run >= 2 and run % 2 == 0) > 0.7 * sum(runs)


def _cues(text: str, path: Path) -> Iterator[_Cue]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    timings = [number for number, line in enumerate(lines) if _ARROW in line and not _in_text(lines, number)]
    for number, following in pairwise([*timings, len(lines)]):
        start_s, end_s = _times_of(lines[number], number + 1, path)
        body = _body(lines[number + 1 : following], last=following == len(lines))
        yield _Cue(number + 1, start_s, end_s, tuple(_plain_lines(body)))


def _in_text(lines: Sequence[str], number: int) -> bool:
    """An arrow among the words of a cue or a comment, not where a time would be."""
    after_text = number > 0 and bool(lines[number - 1].strip())
    return after_text and not re.match(r"\s*-?\d", lines[number])


def _body(lines: Sequence[str], *, last: bool) -> Sequence[str]:
    """A cue's lines up to the first empty one; without one, the next cue's number is not its text."""
    for number, line in enumerate(lines):
        if not line.strip() and number:
            return lines[:number]
    return lines[:-1] if lines and not last and lines[-1].strip().isdigit() else lines


def _times_of(line: str, number: int, path: Path) -> tuple[float, float]:
    match = _TIMING.match(line)
    if not match:
        raise BadInput(
            f"{path.name}, line {number}: no times that can be read: {line.strip()[:60]!r}",
            "write them as 00:01:02,500 --> 00:01:04,000, or remove the file",
        )
    start_s, end_s = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
    if max(start_s, end_s) > LONGEST_S:
        raise BadInput(f"{path.name}, line {number}: a time beyond 1,000 hours", "correct it, or remove the file")
    return start_s, end_s


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return round(whole + int(fraction.ljust(3, "0")) / 1000, 3)


def _refuse_backwards(cues: Sequence[_Cue], path: Path) -> None:
    before = 0.0
    for cue in cues:
        if cue.end_s < cue.start_s:
            raise BadInput(
                f"{path.name}, line {cue.line}: the cue ends ({_stamp(cue.end_s, '.')}) before it starts "
                f"({_stamp(cue.start_s, '.')})",
                "correct its times, or remove the file",
            )
        if cue.start_s < before:
            raise BadInput(
                f"{path.name}, line {cue.line}: the cue starts ({_stamp(cue.start_s, '.')}) before the one above it "
                f"({_stamp(before, '.')})",
                "put the cues in the order of time, or remove the file",
            )
        before = cue.start_s


def _plain_lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        plain = " ".join(html.unescape(_MARKUP.sub("", line)).split())
        if plain:
            yield plain


def _without_repeats(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Drops the leading lines that a cue has in common with the end of the cue it touches."""
    shown: tuple[str, ...] = ()
    shown_until = -1.0
    for cue in cues:
        touches = cue.start_s - shown_until <= TOUCHING_S
        repeated = _repeated(shown, cue.text) if touches else 0
        yield replace(cue, text=cue.text[repeated:])
        shown, shown_until = cue.text, cue.end_s


def _repeated(before: tuple[str, ...], now: tuple[str, ...]) -> int:
    longest = min(len(before), len(now))
    return next((size for size in range(longest, 0, -1) if before[-size:] == now[:size]), 0)


def _joined(cues: Iterable[_Cue]) -> list[_Cue]:
    """One cue at a time: see the rules above."""
    joined: list[_Cue] = []
    for cue in cues:
        if not cue.text:
            joined[-1] = replace(joined[-1], end_s=max(joined[-1].end_s, cue.end_s))
            continue
        if joined and cue.start_s == joined[-1].start_s:
            last = joined[-1]
            joined[-1] = replace(last, end_s=max(last.end_s, cue.end_s), text=last.text + cue.text)
            continue
        if joined and cue.start_s < joined[-1].end_s:
            joined[-1] = replace(joined[-1], end_s=cue.start_s)
        joined.append(cue)
    return joined


def _within(cue: _Cue, duration_s: float, path: Path) -> _Cue:
    if cue.start_s > duration_s + END_SLACK_S:
        raise BadInput(
            f"{path.name}, line {cue.line}: the cue starts at {_stamp(cue.start_s, '.')}, after the recording's end "
            f"({_stamp(duration_s, '.')})",
            "give the subtitles that belong to this recording",
        )
    return replace(cue, start_s=min(cue.start_s, duration_s), end_s=min(cue.end_s, duration_s))


def _one_line(lines: Iterable[str]) -> str:
    """Lines joined by a space, except between characters of languages that write none."""
    text = ""
    for line in lines:
        unspaced = text and _UNSPACED.match(text[-1]) and _UNSPACED.match(line[0])
        text += line if not text or unspaced else f" {line}"
    return text


def _stamp(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


def _srt_text(segment: Segment) -> str:
    """SubRip has no way to write its own arrow."""
    return " ".join(segment.text.split()).replace(_ARROW, "→")


def _vtt_text(segment: Segment) -> str:
    return html.escape(" ".join(segment.text.split()), quote=False)
