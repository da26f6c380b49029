"""The database's foundation: one Base for all tables, short reads, and writes that take the lock at once.

SQLite by default (WAL, `BEGIN IMMEDIATE` for writes), PostgreSQL by URL. Nobody above this file knows which.
"""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import DateTime, Engine, Enum, MetaData, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator
from uuid_utils import uuid7

from knowledge.errors import DatabaseBusy, DatabaseFull

BUSY_TIMEOUT_S = 10.0
_WRITES = "earmark_writes"
_CHECKPOINT_WAIT_MS = 200
_VALUES_A_STATEMENT = 500
_LOCK_NOT_AVAILABLE = "55P03"
_DISK_FULL = "53100"


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware datetime in UTC; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without its zone cannot be kept")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """All tables share this one; each lives beside its subject.

    A choice is kept as its own word (`ready`, not `READY`) in plain text: adding one later alters no type.
    """

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        StrEnum: Enum(
            StrEnum,
            native_enum=False,
            length=32,
            values_callable=lambda choices: [choice.value for choice in choices],
        )
    }
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id() -> str:
    """A UUIDv7, lower case with dashes: sorts by the time it was made."""
    return str(uuid7())


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Database:
    """A door to one database. Sessions are short: read, close; or write, commit."""

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._busy_timeout_s = busy_timeout_s
        make = _sqlite_engine if self.is_sqlite else _postgres_engine
        self.engine: Engine = make(url, busy_timeout_s)
        self._closed = False
        event.listen(self.engine, "handle_error", self._say_plainly)
        event.listen(self.engine, "checkin", self._close_given_back)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the database, however long it reads; nothing in it is kept."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that holds the write lock from its first statement and commits at the end.

        Raises DatabaseBusy where another process holds the lock over `busy_timeout_s`, DatabaseFull.
        """
        engine = self.engine.execution_options(**{_WRITES: True})
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def forget_deleted(self) -> bool:
        """Empty SQLite's write-ahead log, where deleted rows are still to be read. Whether it is empty now.

        As far as readers let it: writers wait while it waits, so that it gives up soon; the next time will do.
        """
        if not self.is_sqlite:
            return True
        connection = self.engine.raw_connection()
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_WAIT_MS}")
            held_up = True
            with contextlib.suppress(sqlite3.Error):
                held_up = bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            cursor.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout_s * 1000)}")
            cursor.close()
        return not held_up

    def rewrite(self) -> None:
        """Write a SQLite file anew: where pages were split and joined, copies of deleted rows stay in their gaps, which
        `secure_delete` does not reach (seen with SQLite 3.40).

        Writers wait meanwhile. Raises DatabaseBusy, DatabaseFull.
        """
        if not self.is_sqlite or self.engine.url.database is None:
            return
        # Its temporary copy is as large as the file, and may be too large for where others are.
        folder = str(Path(self.engine.url.database).absolute().parent).replace("'", "''")
        connection = self.engine.raw_connection()
        with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA temp_store_directory = '{folder}'")
            try:
                cursor.execute("VACUUM")
            except sqlite3.OperationalError as error:
                if "disk is full" in str(error):
                    raise DatabaseFull from error
                if "locked" in str(error):
                    raise DatabaseBusy(self._busy_timeout_s) from error
                raise
            finally:
                cursor.execute("PRAGMA temp_store_directory = ''")
        self.forget_deleted()

    def _say_plainly(self, context: ExceptionContext) -> None:
        """Name the two failures that a person can do something about."""
        cause = context.original_exception
        state = getattr(cause, "sqlstate", None)
        if "database is locked" in str(cause) or state == _LOCK_NOT_AVAILABLE:
            raise DatabaseBusy(self._busy_timeout_s) from cause
        if "disk is full" in str(cause) or state == _DISK_FULL:
            raise DatabaseFull from cause

    @property
    def _reading(self) -> Engine:
        return self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")

    def close(self) -> None:
        """What another thread still uses is closed when it gives it back."""
        self._closed = True
        self.engine.dispose()

    def _close_given_back(self, _connection: object, record: ConnectionPoolEntry) -> None:
        if self._closed:
            record.invalidate()


def _sqlite_engine(url: str, busy_timeout_s: float) -> Engine:
    # An error that reaches a log or a job's row must not carry the words that were being written.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": busy_timeout_s, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for IMMEDIATE
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: str, busy_timeout_s: float) -> Engine:
    wait = f"-c lock_timeout={int(busy_timeout_s * 1000)}"
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"options": wait})


def insert_unless_there(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, leaving out those whose key another writer has entered already."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def lock_until_commit(connection: Session | Connection, number: int) -> None:
    """Queue behind every transaction that holds the lock of this number. SQLite has one writer at a time anyway."""
    bind = connection.get_bind() if isinstance(connection, Session) else connection
    if bind.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many at a time as a statement may hold."""
    for start in range(0, len(values), _VALUES_A_STATEMENT):
        yield values[start : start + _VALUES_A_STATEMENT]


def storable_text(text: str) -> str:
    """Without what no database keeps: NUL, and lone surrogates that no encoding knows."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
