"""Byte ranges (RFC 9110, section 14): the header in, the bytes to send out. Opens no file.

One reply holds no more than a person hears within half a minute, whatever was asked for: with the next request it is
asked again whether they may. The RFC lets a server send less than was wanted, and players ask on from there.
"""

import re
from dataclasses import dataclass

SOUND_AHEAD_S = 25.0
"""Of 30. Our copies hold sound at a constant 64 kbit/s a channel (measured on speech and on faint noise: 30 s of the
file's average were 30.3 to 30.7 s of sound, the index at the front being counted in); only digital silence is smaller.
"""
PICTURE_AHEAD_S = 10.0
"""A still picture is far smaller than a moving one: a stretch three times leaner than the rest stays within 30 s."""
LEAST_PART = 64 * 1024
"""8 s of mono sound. Below that the file's index would take a request for each few hundred entries."""
LARGEST_PART = 8 * 1024 * 1024
"""Nobody ties a worker to a 4 GB reply."""
_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`last` inclusive, as in the header."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def header(self, size: int) -> str:
        return f"bytes {self.first}-{self.last}/{size}"


class RangeUnsatisfiableError(ValueError):
    """A range that begins beyond the end: 416."""


def part_bytes(size: int, duration_s: float | None, *, has_picture: bool) -> int:
    """The most bytes of a file to send before asking again whether they may be sent."""
    ahead_s = PICTURE_AHEAD_S if has_picture else SOUND_AHEAD_S
    wanted = int(size / duration_s * ahead_s) if duration_s else 0
    return min(max(wanted, LEAST_PART), LARGEST_PART)


def requested_range(header: str | None, size: int, *, longest: int) -> ByteRange | None:
    """The part to send, its first `longest` bytes; None for the whole. Several ranges and unreadable headers are
    ignored, as the RFC allows.

    Raises RangeUnsatisfiableError.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:
        wanted = min(int(last_text), size)
        if wanted == 0:
            raise RangeUnsatisfiableError(header)
        return _cut(size - wanted, size - 1, longest)
    first = int(first_text)
    if first >= size:
        raise RangeUnsatisfiableError(header)
    if last_text and int(last_text) < first:
        return None
    last = min(int(last_text), size - 1) if last_text else size - 1
    return _cut(first, last, longest)


def _cut(first: int, last: int, longest: int) -> ByteRange:
    return ByteRange(first, min(last, first + longest - 1))
