"""What the pages need from below, put together by the front door. Pages call use cases; they build nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.answering.answer import Answer
from assistant.engine.client import EngineClient, EngineState
from knowledge.database import Database


class Asks(Protocol):
    """`assistant.answering.ask.Asking`. Safe to call from several threads."""

    def text(
        self,
        text: str,
        *,
        courses: frozenset[str] | None = None,
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
        courses: frozenset[str] | None = None,
        language: str | None = None,
        k: int = 5,
        asker: str | None = None,
        turn: str | None = None,
        log: bool = True,
        explain: bool = False,
    ) -> Answer: ...


def no_examples() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class WebServices:
    """`engine_state` raises PartDown where no engine answers.

    `examples`: questions to show on an empty page. `max_upload_bytes`: of one recording with what lies beside it.
    Below `least_free_bytes` of disk uploads stop, questions go on.
    """

    database: Database
    home: Path
    asking: Asks
    engine: EngineClient
    engine_state: Callable[[], EngineState]
    version: str
    max_upload_bytes: int = 4_096_000_000
    least_free_bytes: int = 2_048_000_000
    examples: Callable[[], Sequence[str]] = no_examples
