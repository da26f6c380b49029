"""The real app over a small real house, and browsers that ask it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.house import WebHouse, open_web_house, page_headers
from web.app import create_app


@pytest.fixture
def house(tmp_path: Path) -> Iterator[WebHouse]:
    opened = open_web_house(tmp_path)
    yield opened
    opened.database.close()


def browser_of(house: WebHouse) -> TestClient:
    return TestClient(create_app(house.services), base_url="http://127.0.0.1", headers=dict(page_headers()))


@pytest.fixture
def browser(house: WebHouse) -> Iterator[TestClient]:
    """One person's browser: keeps its cookies, sends what browsers send."""
    with browser_of(house) as client:
        yield client


@pytest.fixture
def other_browser(house: WebHouse) -> Iterator[TestClient]:
    """Somebody else's."""
    with browser_of(house) as client:
        yield client
