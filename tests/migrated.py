"""Databases that have every table already: migrated once a run and copied for each test, for migrating takes 0.2 s."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from earmark.migrations import migrate
from knowledge.database import Database
from tests.postgres import PostgresServer


def migrated_sqlite(file: Path) -> Database:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_migrated_file())
    return Database(f"sqlite:///{file}")


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "earmark.db"
        _migrate(f"sqlite:///{file}", Path(folder))
        return file.read_bytes()


def migrated_postgres(server: PostgresServer) -> Database:
    if server.template is None:
        server.template = server.fresh_url()
        with TemporaryDirectory() as folder:
            _migrate(server.template, Path(folder))
    return Database(server.copy_of(server.template))


def _migrate(url: str, folder: Path) -> None:
    database = Database(url)
    migrate(database, folder)
    database.close()
