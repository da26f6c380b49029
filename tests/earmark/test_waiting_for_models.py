"""The command line beside an embedder that loads, loads slowly, or cannot be loaded at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from assistant.engine.client import EngineState, ModelState
from assistant.errors import RecognizerDown
from earmark.build import House
from earmark.cli.asking import LOADING_PATIENCE_S, wait_for_models
from earmark.cli.indexing import NOT_EMBEDDED, indexed_document
from earmark.settings import Settings
from knowledge.database import Database
from tests.reading_engine import ReadingEngine
from tests.shelf import shelve

LOADING = ModelState("small", "d", "loading", trial=True)
READY = replace(LOADING, state="ready")
DOWN = replace(LOADING, state="down", detail="models/small: no model could be loaded")


@dataclass(frozen=True)
class TurningEngine(ReadingEngine):
    """`moods`: what its embedder is, one at each look; the last for ever. Looking takes no time, sleeping does."""

    moods: Sequence[ModelState | None] = (READY,)
    looks: list[float] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def state(self) -> EngineState:
        self.looks.append(self.now())
        mood = self.moods[min(len(self.looks), len(self.moods)) - 1]
        if mood is None:
            raise RecognizerDown("the engine does not answer")
        return EngineState(READY, mood, 1)

    def now(self) -> float:
        return sum(self.slept)


def waited(*moods: ModelState | None) -> float:
    """Seconds."""
    engine = TurningEngine(embedder=None, moods=moods)  # type: ignore[arg-type]  # nothing is embedded here
    wait_for_models(engine, clock=engine.now, sleep=engine.slept.append)
    return engine.now()


def test_one_that_is_ready_is_asked_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(READY) == 0
    assert capsys.readouterr().err == ""


def test_one_that_loads_is_waited_for_and_no_longer(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(LOADING, LOADING, LOADING, READY) == pytest.approx(0.3)
    assert capsys.readouterr().err == ""


def test_one_that_loads_slowly_is_told_once_and_not_waited_for_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(LOADING) == pytest.approx(LOADING_PATIENCE_S, abs=0.2)
    told = capsys.readouterr().err
    assert told.count("waiting for small to be loaded") == 1
    assert "small is loading: it takes too long" in told


def test_one_that_cannot_be_loaded_is_not_waited_for_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert waited(LOADING, DOWN) == pytest.approx(0.1)
    assert "small is down: models/small: no model could be loaded" in capsys.readouterr().err


def test_an_engine_that_goes_away_meanwhile_ends_the_waiting() -> None:
    assert waited(LOADING, None) == pytest.approx(0.1)


@pytest.mark.parametrize("digest", [None, "e" * 64])
def test_what_was_indexed_without_an_embedder_says_so(database: Database, tmp_path: Path, digest: str | None) -> None:
    shelved = shelve(database, ["one glove", "two gloves"], digest=digest)
    document = indexed_document(House(Settings(home=tmp_path), database), shelved.recording_id)
    assert document["passages"] == 2
    assert document["note"] == (NOT_EMBEDDED if digest is None else None)


def test_where_nothing_was_said_nothing_is_missing(database: Database, tmp_path: Path) -> None:
    shelved = shelve(database, [], digest=None)
    assert indexed_document(House(Settings(home=tmp_path), database), shelved.recording_id)["note"] is None
