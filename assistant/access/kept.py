"""What was learnt of a provider, kept for a while; and that it failed, for a shorter one."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from assistant.access.errors import ProviderDown

KNOWN_FOR = dt.timedelta(hours=1)
FAILED_FOR = dt.timedelta(seconds=5)
"""So long a provider that failed is not asked again: those who wait behind the first one are told at once."""
Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value of the provider's, fetched by one caller at a time. Safe to call from several threads."""

    def __init__(self, fetch: Callable[[dt.datetime], Value]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._value: tuple[Value, dt.datetime] | None = None
        self._failure: tuple[ProviderDown, dt.datetime] | None = None

    def get(self, now: dt.datetime, *, at_most_old: dt.timedelta = KNOWN_FOR) -> Value:
        """Raises ProviderDown where it has to be fetched and cannot."""
        kept = self._value
        if kept is not None and _age(kept[1], now) < at_most_old:
            return kept[0]  # without waiting for somebody who looks for a newer one
        with self._lock:
            if self._value is not None and _age(self._value[1], now) < at_most_old:
                return self._value[0]
            if self._failure is not None and _age(self._failure[1], now) < FAILED_FOR:
                raise ProviderDown(self._failure[0].reason)
            try:
                value = self._fetch(now)
            except ProviderDown as error:
                self._failure = (error, now)
                raise
            self._value, self._failure = (value, now), None
            return value


def _age(since: dt.datetime, now: dt.datetime) -> dt.timedelta:
    """A clock that was set back makes nothing younger, nor eternal."""
    return abs(now - since)
