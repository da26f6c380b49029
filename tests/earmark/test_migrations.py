"""The schema: what migrations make is what the code means, on both databases, and nothing is lost on the way."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, bindparam, text

from earmark.migrations import SCRIPTS, NewerSchemaError, current, current_and_newest, migrate, newest
from earmark.migrations.tables import all_tables
from knowledge.database import Database, utc_now
from knowledge.recordings import store as recordings

OPEN_AND_MIGRATE = """
import sys
from pathlib import Path
from earmark.migrations import migrate
from knowledge.database import Database
migrate(Database(sys.argv[1]), Path(sys.argv[2]))
"""


def test_migrations_make_exactly_the_tables_of_the_code(databases: Database) -> None:
    with databases.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, all_tables()) == []


def test_an_empty_database_has_no_schema_and_gets_the_newest(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    assert current(database) is None
    migrate(database, tmp_path)
    assert current_and_newest(database) == (newest(), newest())
    database.close()


def test_migrating_twice_changes_nothing(databases: Database, tmp_path: Path) -> None:
    migrate(databases, tmp_path)
    assert current(databases) == newest()
    assert not (tmp_path / "backups").exists()


def test_a_newer_schema_is_refused_and_left_alone(databases: Database, tmp_path: Path) -> None:
    with databases.write() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(NewerSchemaError, match="schema 9999"):
        migrate(databases, tmp_path)
    with databases.read() as session:
        assert session.scalar(text("select version_num from alembic_version")) == "9999"


def test_each_step_of_the_schema_keeps_the_rows_that_are_there(database_url: str, tmp_path: Path) -> None:
    """From the first version on, with rows that point to each other."""
    first = tmp_path / "first"
    shutil.copytree(SCRIPTS, first, ignore=shutil.ignore_patterns("__pycache__"))
    for later in sorted((first / "versions").glob("[0-9]*.py"))[1:]:
        later.unlink()
    database = Database(database_url)
    migrate(database, tmp_path, scripts=first)
    row = {"now": utc_now(), "no": False}
    course = "insert into course (id, name, name_key, created_at) values ('c', 'Safety', 'safety', :now)"
    recording = """insert into recording
        (id, course_id, name, title, state, content_sha256, size_bytes, original_path, has_picture, created_at)
        values ('r', 'c', 'a.wav', 'a', 'indexing', 'x', 1, 'o', :no, :now)"""
    question = """insert into question (id, text, language, spoken, asker, answer, created_at)
        values (:id, 'Where?', 'en', :no, 'me', :answer, :now)"""
    with database.write() as session:
        session.execute(text(course).bindparams(now=row["now"]))
        session.execute(text(recording).bindparams(**row))
        for key, answer in {
            "q1": {"verdict": "closest", "hits": [{"rank": 1, "recording_id": "r"}]},
            "q2": {"verdict": "absent", "hits": []},
            "q3": {"verdict": "answered", "hits": [{"rank": 1, "removed": True}]},
        }.items():
            session.execute(text(question).bindparams(bindparam("answer", answer, type_=JSON), id=key, **row))

    migrate(database, tmp_path)

    with database.read() as session:
        asked = session.execute(text("select id, verdict, course_id from question order by id")).all()
        assert [tuple(each) for each in asked] == [
            ("q1", "closest", "c"),
            ("q2", "absent", None),
            ("q3", "answered", None),
        ]
        (known,) = recordings.list_courses(session)
        assert (known.name, known.language, known.itn) == ("Safety", None, True)
        assert [each.id for each in recordings.list_recordings(session)] == ["r"]
    database.close()


def test_a_sqlite_file_is_copied_before_it_is_changed(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    migrate(database, tmp_path)
    migrate(database, tmp_path, scripts=scripts_with_one_more(tmp_path))
    assert columns_of(tmp_path / "earmark.db") - columns_of(next((tmp_path / "backups").iterdir())) == {"later"}
    database.close()


def test_the_last_three_copies_stay(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    migrate(database, tmp_path)
    (tmp_path / "backups").mkdir()
    for hour in range(5):
        (tmp_path / "backups" / f"earmark-20250101T0{hour}0000000000-schema-0000.db").touch()
    migrate(database, tmp_path, scripts=scripts_with_one_more(tmp_path))
    names = sorted(copy.name for copy in (tmp_path / "backups").iterdir())
    assert len(names) == 3
    assert names[0].startswith("earmark-20250101T03")
    assert names[2].endswith(f"-schema-{newest()}.db")
    database.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(databases: Database, tmp_path: Path) -> None:
    broken = scripts_with_one_more(tmp_path, then="raise RuntimeError('no power')")
    with pytest.raises(RuntimeError, match="no power"):
        migrate(databases, tmp_path, scripts=broken)
    with databases.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), all_tables()) == []
    assert current(databases) == newest()


def test_two_processes_that_start_at_once_migrate_once(database_url: str, tmp_path: Path) -> None:
    starters = [subprocess.Popen([sys.executable, "-c", OPEN_AND_MIGRATE, database_url, tmp_path]) for _ in range(3)]
    assert [starter.wait(60) for starter in starters] == [0, 0, 0]
    database = Database(database_url)
    assert current(database) == newest()
    database.close()


def scripts_with_one_more(folder: Path, *, then: str = "pass") -> Path:
    """The product's migrations as a later version would bring them."""
    scripts = folder / "later"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9000_later.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = '9000', {newest()!r}, None, None\n"
        "def upgrade():\n"
        "    op.add_column('course', sa.Column('later', sa.Text()))\n"
        f"    {then}\n"
    )
    return scripts


def columns_of(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {row[1] for row in database.execute("pragma table_info(course)")}
