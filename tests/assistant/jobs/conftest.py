from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.database import Base, Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'earmark.db'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.close()
