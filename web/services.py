"""What the pages need from below, put together by the front door. Pages call use cases; they build nothing."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from assistant.access.caller import SignIn
from assistant.access.provider import SignInProvider
from assistant.access.sessions import SessionLimits
from assistant.answering.answer import Answer
from assistant.engine.client import EngineClient, EngineState
from assistant.forgetting.keeping import Keeping
from assistant.learning.fsrs_recall import FsrsRecall
from assistant.learning.memory import Recall
from knowledge.database import Database
from web.guard import LOOPBACK_ALONE, Gate
from web.limits import RateLimits


class Asks(Protocol):
    """`assistant.answering.ask.Asking`. Safe to call from several threads."""

    def text(
        self,
        text: str,
        *,
        courses: frozenset[str],
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer: ...

    def sound(
        self,
        data: bytes,
        *,
        filename: str,
        courses: frozenset[str],
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer: ...


def no_examples(_courses: frozenset[str]) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Company:
    """The company's own sign-in. `redirect_uri`: our callback; `flow_key`: seals what is under way."""

    provider: SignInProvider
    issuer: str
    redirect_uri: str
    flow_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebServices:
    """`engine_state` raises PartDown where no engine answers.

    `examples`: questions to show on an empty page, whose answers lie in these courses. `max_upload_bytes`: of one
    recording with what lies beside it.
    Below `least_free_bytes` of disk uploads stop, questions go on. `company`: where
    people sign in with its provider. `gate`: under which names the pages answer.
    `keeping`: for how long, as pages say it; `deletions_beside`: a folder with
    backups whose list of deletions gets each at once. `mails`: whether a worker sends notices by mail. `time_zone`: in
    which days and weeks end. `recall`: when recall checks come back.
    """

    database: Database
    home: Path
    asking: Asks
    engine: EngineClient
    engine_state: Callable[[], EngineState]
    version: str
    max_upload_bytes: int = 4_096_000_000
    least_free_bytes: int = 2_048_000_000
    examples: Callable[[frozenset[str]], Sequence[str]] = no_examples
    sign_in: SignIn = SignIn.NONE
    company: Company | None = None
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    gate: Gate = LOOPBACK_ALONE
    limits: RateLimits = field(default_factory=RateLimits)
    keeping: Keeping = field(default_factory=Keeping)
    deletions_beside: Path | None = None
    time_zone: dt.tzinfo = dt.UTC
    mails: bool = False
    recall: Recall = field(default_factory=FsrsRecall)
