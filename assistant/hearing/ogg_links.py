"""Where the parts of a chained Ogg file begin: several recordings one after another, each with a clock of its own.

The decoder gives up where a part has another rate or codec than the first; part by part they all can be heard.
"""

import os

PAGE_HEAD = 27
FIRST_OF_STREAM = 0x02
MOST_LINKS = 10_000


def find_links(fd: int) -> list[tuple[int, int]]:
    """[start, end) in bytes of each part of the open file; one part where it is no Ogg or not chained."""
    size = os.fstat(fd).st_size
    starts, at, header_before = [0], 0, True
    while (page := _page(fd, at)) is not None and len(starts) < MOST_LINKS:
        length, opens_stream = page
        if opens_stream and not header_before:
            starts.append(at)
        at, header_before = at + length, opens_stream
    return list(zip(starts, [*starts[1:], size], strict=True))


def _page(fd: int, at: int) -> tuple[int, bool] | None:
    """The page's length and whether a stream begins with it; None where no page is."""
    head = os.pread(fd, PAGE_HEAD + 255, at)
    if head[:4] != b"OggS" or len(head) < PAGE_HEAD:
        return None
    segments = head[PAGE_HEAD : PAGE_HEAD + head[26]]
    return PAGE_HEAD + len(segments) + sum(segments), bool(head[5] & FIRST_OF_STREAM)
