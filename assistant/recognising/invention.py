"""Text that nobody said: the marks by which an engine's inventions are known. Pure rules; knows no engine.

Language models inside recognisers fill hum and silence with loops and stock phrases (FUNASR: known troubles). Whoever
stores segments asks here, and marks what has a reason so that it stays out of the index until a person has listened.
"""

import re

MOST_CHARACTERS_A_SECOND = 35.0
"""Fast English is about 20 letters and spaces a second, an auctioneer 30."""
MOST_UNSPACED_CHARACTERS_A_SECOND = 14.0
"""Fast Chinese is about 7 characters a second."""
SHORTEST_JUDGED = 24
"""Characters: below, a few letters more change the rate too much."""
LEAST_SPEECH_S = 0.1
LONGEST_LOOP = 12

_TOKEN = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def invention_reason(text: str, duration_s: float, *, speech_s: float | None = None) -> str | None:
    """Why `text` was hardly said in `duration_s` seconds, None where it may have been.

    `speech_s`: how much of it speech detection marked, None where nobody looked.
    """
    if not text.strip():
        return None
    if speech_s is not None and speech_s < LEAST_SPEECH_S:
        return f"text where no speech was found ({speech_s:.2f} s of {duration_s:.1f} s)"
    return _too_fast(text, duration_s) or _loop(text)


def _too_fast(text: str, duration_s: float) -> str | None:
    unspaced = len(_UNSPACED.findall(text))
    needed_s = (len(text) - unspaced) / MOST_CHARACTERS_A_SECOND + unspaced / MOST_UNSPACED_CHARACTERS_A_SECOND
    if len(text) < SHORTEST_JUDGED and unspaced < SHORTEST_JUDGED / 2:
        return None
    if duration_s >= needed_s:
        return None
    return f"more text than can be said: {len(text)} characters in {duration_s:.1f} s"


def _loop(text: str) -> str | None:
    """A stretch of up to LONGEST_LOOP words said over and over, right behind itself."""
    tokens = _TOKEN.findall(text.lower())
    for size in range(1, LONGEST_LOOP + 1):
        again = 0
        for place in range(size, len(tokens)):
            again = again + 1 if tokens[place] == tokens[place - size] else 0
            if again // size + 1 >= _most_repeats(size):
                looped = " ".join(tokens[place - size + 1 : place + 1])
                return f"the same words over and over: {looped!r} {again // size + 1} times"
    return None


def _most_repeats(size: int) -> int:
    """People do say `no no no no no`; hardly anyone says six words four times."""
    if size == 1:
        return 8
    return 6 if size <= 3 else 4
