"""Waiting for an engine that is down, busy or still loading, without hammering it."""

import time
from collections.abc import Callable
from typing import TypeVar

from assistant.errors import Busy, PartDown

Result = TypeVar("Result")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


def patiently(
    call: Callable[[], Result],
    *,
    patience_s: float,
    pause: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Call until it works. A busy engine is alive and waited for as long as it takes; one that is down, `patience_s`.

    `pause` waits so many seconds, or raises where waiting makes no sense any more.
    """
    wait_s, down_since = _FIRST_PAUSE_S, None
    while True:
        try:
            return call()
        except Busy as error:
            down_since = None
            pause(max(error.retry_after_s, wait_s))
        except PartDown:
            now = clock()
            down_since = now if down_since is None else down_since
            if now - down_since >= patience_s:
                raise
            pause(wait_s)
        wait_s = min(wait_s * 2, _LONGEST_PAUSE_S)
