"""The verdict that a home has of its own: one file, written when it is fitted, read by whoever asks.

Knows nothing of fitting. The file is small, and looked for at each question, so that a change counts from the next.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from assistant.errors import BadInput
from knowledge.finding.refusing import Sight, Verdicts, document_of, fitted, verdicts_of

FILE_NAME = "verdict.json"
FORMAT = 1
ORIGIN = "earmark bench calibrate"
_LARGEST_BYTES = 1 << 20
_LOG = structlog.get_logger()


class DamagedVerdict(BadInput):
    """A file that nothing here can have written."""

    kind = "damaged-verdict"


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """`by_sight`: what was fitted; where a sight had too few questions, what ships holds. `fitted_on`: YYYY-MM-DD.

    `embedder_digest`: of the vectors it was fitted with; beside others it means nothing. `figures`: before and after,
    on questions that had no part in the fit, as the fit told them.
    """

    fitted_on: str
    embedder_digest: str
    answerable: int
    unanswerable: int
    by_sight: Mapping[Sight, Verdicts]
    figures: Mapping[str, Any]

    def __str__(self) -> str:
        questions = self.answerable + self.unanswerable
        return f"of {self.fitted_on}, from {questions} questions ({self.answerable} of them answerable)"


def write_own_verdict(path: Path, own: OwnVerdict) -> None:
    """Whole or not at all, readable by its user alone."""
    document = {
        "format": FORMAT,
        "origin": ORIGIN,
        "fitted": own.fitted_on,
        "embedder_digest": own.embedder_digest,
        "questions": {"answerable": own.answerable, "unanswerable": own.unanswerable},
        "figures": own.figures,
        "verdicts": {sight.value: document_of(verdicts) for sight, verdicts in own.by_sight.items()},
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_own_verdict(path: Path) -> OwnVerdict | None:
    """None where there is none. Raises DamagedVerdict."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedVerdict(f"{path} cannot be read: {error.strerror}", "mend its rights") from error
    try:
        return _own(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedVerdict(
            f"{path}: no verdict ({type(error).__name__}: {error})",
            f"`{ORIGIN} --reset` removes it; what ships is used meanwhile",
        ) from error


def _own(document: Any) -> OwnVerdict:
    if document["format"] != FORMAT:
        raise ValueError(f"written in format {document['format']}, this Earmark reads {FORMAT}")
    return OwnVerdict(
        fitted_on=str(document["fitted"]),
        embedder_digest=str(document["embedder_digest"]),
        answerable=int(document["questions"]["answerable"]),
        unanswerable=int(document["questions"]["unanswerable"]),
        by_sight={Sight(name): verdicts_of(each) for name, each in document["verdicts"].items()},
        figures=dict(document["figures"]),
    )


class OwnVerdicts:
    """What questions of a home are judged by: its own where there is one for the index's embedder, else what ships.

    Safe to share between threads. What is wrong with the file is logged once for each state it is found in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, ...], OwnVerdict | None] = ((), None)
        self._told: tuple[tuple[int, ...], str | None] | None = None

    def __call__(self, embedder_digest: str | None, sight: Sight) -> Verdicts:
        stamp, own = self._current()
        if own is None:
            return fitted(embedder_digest, sight)
        if own.embedder_digest == embedder_digest:
            return own.by_sight.get(sight) or fitted(embedder_digest, sight)
        if embedder_digest is not None and self._told != (stamp, embedder_digest):
            self._told = (stamp, embedder_digest)
            _LOG.warning(
                "the home's own verdict was fitted with another embedder: what ships is used",
                file=str(self._path),
                way_out=f"{ORIGIN} fits it anew",
            )
        return fitted(embedder_digest, sight)

    def _current(self) -> tuple[tuple[int, ...], OwnVerdict | None]:
        stamp = _stamp(self._path)
        if stamp != self._read[0]:
            self._read = (stamp, self._read_anew())
        return self._read

    def _read_anew(self) -> OwnVerdict | None:
        try:
            own = read_own_verdict(self._path)
        except DamagedVerdict as error:
            _LOG.warning("the home's own verdict cannot be used: what ships is", reason=error.detail)
            return None
        _LOG.info("what the verdict is decided by", own=None if own is None else str(own))
        return own


def _stamp(path: Path) -> tuple[int, ...]:
    """Another one after each change; () where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
