"""Real databases for every test: SQLite, and PostgreSQL from a wheel; and which tests are tried once more."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from knowledge.database import Database
from knowledge.model_files import MINILM, packaged_model_folder
from knowledge.sentence_embedder import SentenceEmbedder
from tests.migrated import migrated_postgres, migrated_sqlite
from tests.postgres import PostgresServer, running_postgres

TRIED_ONCE_MORE = frozenset({"browser", "faults", "slow", "timed"})
"""Marks of tests that drive processes and a browser, or watch the clock, on a machine that others keep busy, too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails there is tried once more, and named in the report. All else fails for a reason of its own."""
    for item in items:
        if any(mark.name in TRIED_ONCE_MORE for mark in item.iter_markers()):
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=2))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole run. Not under pytest's own folder: root's server runs as somebody else, and another
    run of pytest that begins meanwhile would shut him out of it."""
    with TemporaryDirectory(prefix="earmark-postgres-") as folder, running_postgres(Path(folder) / "data") as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'earmark.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield sqlite_url
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.fresh_url()
    yield url
    server.give_back(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of each kind: a test that asks for it runs over both."""
    if request.param == "sqlite":
        database = migrated_sqlite(tmp_path / "earmark.db")
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    database = migrated_postgres(server)
    yield database
    database.close()
    server.drop(database.url)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database, where the kind does not matter."""
    database = migrated_sqlite(tmp_path / "earmark.db")
    yield database
    database.close()


@pytest.fixture(scope="session")
def packaged_embedder() -> SentenceEmbedder:
    """The one that is there without a download, really loaded."""
    return SentenceEmbedder(packaged_model_folder(MINILM), threads=1)
