"""How often one asker may ask: by what a request costs, of each person and of each address, and how many at once.

Pure rules above (what a request costs, what is allowed), the counting, one ASGI middleware below, behind the guard.
Knows no page. Who the person is, it is told: an unverified cookie is nobody, since fresh ones cost nothing.
"""

import ipaddress
import math
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.storage.memory import Entry
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from web.slow_clients import Pace, paced

ADDRESS_FACTOR = 10
"""An address may be a whole office behind one router."""
PART_FACTOR = 10
"""A page has several parts, and a player asks for its recording piece by piece."""
MOST_KEYS = 20_000
"""Of persons and addresses that are remembered; who has not asked for longest is forgotten first."""
TOO_OFTEN = ("this was asked more often in a minute than one person may", "wait a little")
TOO_OFTEN_FROM_HERE = ("more is asked from your network address in a minute than is taken", "wait a little")
TOO_MANY_AT_ONCE = ("too many of your requests are under way at once", "wait for their answers")
"""What is wrong, and what to do, as pages say it in their language."""


class Cost(StrEnum):
    """What a request takes of the server. `PART`: of a page or of a recording that plays."""

    VOICE = "voice"
    QUESTION = "question"
    UPLOAD = "upload"
    SIGN_IN = "sign-in"
    PAGE = "page"
    PART = "part"


MOST_AT_ONCE: Mapping[Cost, int] = {
    Cost.VOICE: 1,
    Cost.QUESTION: 2,
    Cost.UPLOAD: 3,
    Cost.SIGN_IN: 8,
    Cost.PAGE: 6,
    Cost.PART: 24,
}
"""Of one asker. Without parts, which hold no thread while they are sent, half of the web's 40 threads. Of voices
one, since two of them may fill a small engine, and each is held in memory, up to 25 MB."""

_UPLOADS = ("/recordings", "/api/v1/recordings", "/v1/audio/transcriptions")
_ANSWERS_WITH_RECORDING = re.compile(r"/inbox/[^/]+/recording")
_QUESTIONS = ("/ask", "/api/v1/questions")
_SEARCHES_AGAIN = re.compile(r"/inbox/[^/]+/search")
_SIGN_INS = ("/sign-in", "/sign-in/provider")
"""What a person does. What a provider itself sends to end sessions is none: it sends for the whole company at once."""
_WATCHED = ("/healthz", "/readyz")


def cost_of(method: str, path: str, content_type: str) -> Cost | None:
    """None for what is never refused: whether the server lives. A voice is told by its form, before its body."""
    if path in _WATCHED:
        return None
    if path.startswith(("/static/", "/media/")):
        return Cost.PART
    if method != "POST":
        return Cost.PAGE
    if path in _UPLOADS or _ANSWERS_WITH_RECORDING.fullmatch(path):
        return Cost.UPLOAD
    if _SEARCHES_AGAIN.fullmatch(path):
        return Cost.QUESTION
    if path in _QUESTIONS:
        return Cost.VOICE if content_type.strip().lower().startswith("multipart/") else Cost.QUESTION
    return Cost.SIGN_IN if path in _SIGN_INS else Cost.PAGE


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests a minute of one person; 0 for no limit. Of one address ADDRESS_FACTOR times as many, but `sign_ins`,
    which nobody has made a person yet. `pace`: of bodies."""

    questions: int = 60
    voice: int = 30
    uploads: int = 600
    requests: int = 600
    sign_ins: int = 30
    pace: Pace = field(default_factory=Pace)

    def of_person(self, cost: Cost) -> int:
        match cost:
            case Cost.VOICE:
                return self.voice
            case Cost.QUESTION:
                return self.questions
            case Cost.UPLOAD:
                return self.uploads
            case Cost.SIGN_IN:
                return self.sign_ins
            case Cost.PAGE:
                return self.requests
            case Cost.PART:
                return PART_FACTOR * self.requests

    def of_address(self, cost: Cost) -> int:
        return self.of_person(cost) * (1 if cost is Cost.SIGN_IN else ADDRESS_FACTOR)


@dataclass(frozen=True, slots=True)
class Asker:
    """`person`: somebody whom a session or a token proves, None where there is none. `address`: see address_key."""

    person: str | None
    address: str

    @property
    def who(self) -> str:
        return f"person {self.person}" if self.person is not None else f"address {self.address}"


Whose = Literal["person", "address", "at-once"]


@dataclass(frozen=True, slots=True)
class Refused:
    """`wait_s`: seconds until the same would be taken."""

    whose: Whose
    wait_s: float

    @property
    def trouble(self) -> tuple[str, str]:
        return {"person": TOO_OFTEN, "address": TOO_OFTEN_FROM_HERE, "at-once": TOO_MANY_AT_ONCE}[self.whose]


def address_key(host: str | None) -> str:
    """An IPv4 address as it is; of an IPv6 one the network, since every house has 2^64 of them. Empty where a proxy
    on this machine told none."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or ""
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(address), 64), strict=False).network_address)


class _Windows(MemoryStorage):
    """The library's own keeps every key until a thread, started anew after each request, has looked at all of them.
    This one holds what is younger than a window, of MOST_KEYS at most, and is used from one thread."""

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        now_s = time.time()
        entries = self.events.pop(key, [])
        if entries and entries[0].atime > now_s:
            entries = []  # the clock was set back: what was counted would count for too long
        while entries and entries[-1].atime < now_s - expiry:
            entries.pop()
        taken = len(entries) + amount <= limit
        if taken:
            entries[:0] = [Entry(expiry)] * amount
        self.events[key] = entries  # at the end: used last
        self._forget(now_s - expiry)
        return taken

    def _forget(self, before_s: float) -> None:
        """From what was used longest ago on; what was used just now stays."""
        while len(self.events) > 1:
            oldest = next(iter(self.events))
            if len(self.events) <= MOST_KEYS and self.events[oldest][0].atime >= before_s:
                return
            del self.events[oldest]


class Counts:
    """What everybody asked in the last minute and has under way. For one thread: that of the event loop."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._windows = MovingWindowRateLimiter(_Windows())
        self._under_way: Counter[tuple[str, Cost]] = Counter()

    def take(self, asker: Asker, cost: Cost) -> Refused | None:
        """Count one more, or say why not; what is refused counts for nobody. What was taken is to be given back."""
        if self._under_way[asker.who, cost] >= MOST_AT_ONCE[cost]:
            return Refused("at-once", 1.0)
        limits = self._limits
        if asker.person is not None and (wait_s := self._over(limits.of_person(cost), asker.who, cost)):
            return Refused("person", wait_s)
        if wait_s := self._over(limits.of_address(cost), f"address {asker.address}", cost):
            return Refused("address", wait_s)
        self._under_way[asker.who, cost] += 1
        return None

    def give_back(self, asker: Asker, cost: Cost) -> None:
        self._under_way[asker.who, cost] -= 1
        if not self._under_way[asker.who, cost]:
            del self._under_way[asker.who, cost]

    def _over(self, limit: int, who: str, cost: Cost) -> float:
        """Seconds to wait; 0.0 where it was taken."""
        if not limit:
            return 0.0
        item = RateLimitItemPerMinute(limit)
        if self._windows.hit(item, who, cost):
            return 0.0
        return max(0.001, self._windows.get_window_stats(item, who, cost).reset_time - time.time())


def retry_after(wait_s: float) -> int:
    """Whole seconds for the header, never too few."""
    return max(1, math.ceil(wait_s))


PersonOf = Callable[[Scope], str | None]
Refuse = Callable[[Scope, Refused], Awaitable[ASGIApp]]
OnRefusal = Callable[[Cost, Whose], None]


class Limited:
    """ASGI middleware. `person_of`: who it is proved to be; `refuse` renders a refusal for people or programs."""

    def __init__(
        self, app: ASGIApp, *, limits: RateLimits, person_of: PersonOf, refuse: Refuse, on_refusal: OnRefusal
    ) -> None:
        self._app = app
        self._counts = Counts(limits)
        self._pace = limits.pace
        self._person_of = person_of
        self._refuse = refuse
        self._on_refusal = on_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cost = _cost_in(scope)
        if cost is None:
            await self._app(scope, receive, send)
            return
        asker = Asker(self._person_of(scope), address_key(scope["client"][0] if scope.get("client") else None))
        refused = self._counts.take(asker, cost)
        if refused is not None:
            self._on_refusal(cost, refused.whose)
            reply = await self._refuse(scope, refused)
            await reply(scope, receive, send)
            return
        try:
            await self._app(scope, paced(receive, self._pace, recording=cost is Cost.UPLOAD), send)
        finally:
            self._counts.give_back(asker, cost)


def _cost_in(scope: Scope) -> Cost | None:
    if scope["type"] != "http":
        return None
    return cost_of(scope["method"], scope["path"], Headers(scope=scope).get("content-type", ""))
