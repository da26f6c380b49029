"""One indexed demo course and one server for the whole-product tests: real processes, real sound."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product.running import Server, earmark, serving

COURSES = Path(__file__).parents[2] / "data" / "courses"


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one recording of the demo course indexed by the command line."""
    home = tmp_path_factory.mktemp("indexed") / "home"
    recording = sorted(path for path in COURSES.rglob("*") if path.is_file())[0]
    ran = earmark(home, "index", recording, "--course", recording.parent.name, "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json["indexed"]) == 1
    return home


@pytest.fixture(scope="session")
def server(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(indexed_home, tmp_path_factory.mktemp("log") / "serve.log") as running:
        yield running
