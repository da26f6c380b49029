"""Byte ranges (RFC 9110, section 14): the header in, the bytes to send out. Opens no file."""

import re
from dataclasses import dataclass

LARGEST_PART = 8 * 1024 * 1024
"""An open-ended request gets this much: browsers ask on, and nobody ties a worker to a 4 GB reply."""
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


def requested_range(header: str | None, size: int) -> ByteRange | None:
    """The part to send; None for the whole. Several ranges and unreadable headers are ignored, as the RFC allows.

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
        return ByteRange(size - wanted, size - 1)
    first = int(first_text)
    if first >= size:
        raise RangeUnsatisfiableError(header)
    if last_text and int(last_text) < first:
        return None
    last = min(int(last_text), size - 1) if last_text else size - 1
    return ByteRange(first, min(last, first + LARGEST_PART - 1) if not last_text else last)
