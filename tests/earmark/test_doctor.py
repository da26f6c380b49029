"""What the doctor says of this host's index."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earmark.doctor import Health, examine
from earmark.settings import Settings
from knowledge.database import Database
from knowledge.index.follower import IndexFollower
from tests.shelf import EMBEDDER, analyse, shelve


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Path:
    """With an index of two passages."""
    shelve(database, ["one glove", "two gloves"])
    follower = IndexFollower(
        database, tmp_path / "index", analyse=analyse, analysis_version="1", embedder_digest=EMBEDDER
    )
    follower.rebuild()
    follower.close()
    return tmp_path


def said_of_index(home: Path) -> tuple[Health, str, str]:
    [finding] = [each for each in examine(Settings(home=home)) if each.subject == "index"]
    return finding.health, finding.detail, finding.way_out


def test_a_whole_index_is_well(home: Path) -> None:
    assert said_of_index(home) == (Health.WELL, "2 passages", "")


def test_where_nothing_was_indexed_there_is_none(tmp_path: Path) -> None:
    assert said_of_index(tmp_path)[:2] == (Health.NOTE, "none yet")


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json", "vectors.faiss", "words_said.npy"])
def test_a_damaged_file_is_named_with_what_becomes_of_it(home: Path, name: str) -> None:
    [path] = (home / "index").rglob(name)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    health, detail, way_out = said_of_index(home)
    assert health is Health.NOTE
    assert detail.startswith("damaged: ")
    assert name in detail
    assert "made anew" in way_out


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.faults
def test_an_index_that_may_not_be_read_is_named_and_hides_no_other_part() -> None:
    """As where somebody else than the service's user asks."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o777)
        (home / "index").mkdir(mode=0)
        with as_nobody():
            health, detail, _way_out = said_of_index(home)
        (home / "index").chmod(0o700)
    assert health is Health.BROKEN
    assert detail == f"{home / 'index'} cannot be read: Permission denied"


def test_an_engine_that_is_gone_is_told_with_its_address_and_what_went_wrong(home: Path) -> None:
    settings = Settings(home=home, engine_url="http://127.0.0.1:1", engine_key="key")
    [finding] = [each for each in examine(settings) if each.subject == "engine"]
    assert finding.health is Health.BROKEN
    assert finding.detail.startswith("http://127.0.0.1:1: cannot be reached: ")
