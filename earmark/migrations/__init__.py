"""Brings the database's schema up to date, after copying a SQLite file beside. Refuses a schema it does not know.

All migrations of one start run in one transaction: they are there whole or not at all. A new one is a file in
`versions/`, frozen once it is released; a test compares what they make with the tables in the code.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from assistant.errors import Busy, EarmarkError
from knowledge.database import Database, lock_until_commit, utc_now
from knowledge.file_lock import file_lock

COPIES_KEPT = 3
SCRIPTS = Path(__file__).parent
_LOCK = 0x65617270
_LONGEST_MIGRATION_S = 600.0


class NewerSchemaError(EarmarkError):
    """The database was written by a newer Earmark."""

    kind = "newer-schema"


def migrate(database: Database, home: Path, *, scripts: Path = SCRIPTS) -> None:
    """Bring the schema up to date; nothing happens where it is. Safe to call from several processes at once.

    A SQLite file is first copied into HOME/backups, where the last COPIES_KEPT copies stay.
    Raises NewerSchemaError, Busy.
    """
    if current(database, scripts=scripts) == newest(scripts):
        return
    with file_lock(home / "run" / "migrate.lock", wait_s=_LONGEST_MIGRATION_S) as had:
        if not had:
            raise Busy("another process is changing the database's schema", "wait until it is through")
        before = current(database, scripts=scripts)
        if before is not None and before != newest(scripts):
            _copy_beside(database, home, schema=before)
        with database.engine.execution_options(earmark_writes=True).begin() as connection:
            lock_until_commit(connection, _LOCK)
            _refuse_newer(MigrationContext.configure(connection).get_current_revision(), scripts)
            command.upgrade(_config(scripts, connection), "head")


def current(database: Database, *, scripts: Path = SCRIPTS) -> str | None:
    """The schema's revision, None for an empty database. Raises NewerSchemaError for one that nobody here knows."""
    with database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    _refuse_newer(revision, scripts)
    return revision


def newest(scripts: Path = SCRIPTS) -> str | None:
    """The revision that this Earmark brings."""
    return ScriptDirectory.from_config(_config(scripts)).get_current_head()


def current_and_newest(database: Database) -> tuple[str | None, str | None]:
    return current(database), newest()


def _refuse_newer(revision: str | None, scripts: Path) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config(scripts)).walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerSchemaError(
            f"the database has schema {revision}, this Earmark knows none newer than {newest(scripts)}",
            "start the newer Earmark that wrote it, or restore a copy from before (HOME/backups)",
        )


def _config(scripts: Path, connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _copy_beside(database: Database, home: Path, *, schema: str) -> None:
    """Through SQLite's backup API: whole, whatever others write meanwhile."""
    if not database.is_sqlite or database.engine.url.database is None:
        return
    folder = home / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"earmark-{utc_now():%Y%m%dT%H%M%S%f}-schema-{schema}.db"
    with (
        closing(sqlite3.connect(database.engine.url.database)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    copy.chmod(0o600)
    for old in sorted(folder.glob("earmark-*-schema-*.db"))[:-COPIES_KEPT]:
        old.unlink()
