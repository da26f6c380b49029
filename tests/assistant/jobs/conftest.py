"""The queue runs over every database it may live in."""

import pytest

from knowledge.database import Database


@pytest.fixture
def database(databases: Database) -> Database:
    return databases
