"""A home, an engine that says what it was told to, and a talk to index."""

from pathlib import Path

import pytest

from indexer.services import Services, WorkLimits
from knowledge.database import Database
from tests.indexer.scripted_engine import ScriptedEngine
from tests.indexer.talks import write_talk


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def services(database: Database, engine: ScriptedEngine, tmp_path: Path) -> Services:
    limits = WorkLimits(least_free_mb=0, patience_s=1.0)
    return Services(database=database, home=tmp_path / "home", engine=engine, limits=limits)


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten stretches of speech, about a minute."""
    return write_talk(tmp_path_factory.mktemp("talk") / "talk.wav", stretches=10)
