"""The worker groups questions and closes weeks by itself, once an hour."""

import dataclasses
import datetime as dt
import threading
import time

import pytest

from assistant.errors import RecognizerDown
from assistant.topics import store
from indexer.housekeeping import HouseKeeper
from indexer.services import Services
from indexer.topics import TOPICS_EVERY_S
from knowledge.database import utc_now
from tests.assistant.topics.logs import ask, people
from tests.indexer.scripted_engine import ScriptedEngine
from tests.product.running import wait_until


def test_a_week_that_is_over_is_closed_when_its_time_has_come(services: Services) -> None:
    clock = [1000.0]
    house = HouseKeeper(dataclasses.replace(services, clock=lambda: clock[0]))

    def closed_after(seconds: float) -> bool:
        clock[0] += seconds
        house.keep(idle=False)
        wait_until(nothing_is_beside, timeout_s=20, what="topics are kept")
        with services.database.read() as session:
            return store.state(session).last_closed is not None

    assert not closed_after(0)
    ask(services.database, people(6), about="leave", at=utc_now() - dt.timedelta(days=15))
    assert not closed_after(TOPICS_EVERY_S / 2)
    assert closed_after(TOPICS_EVERY_S / 2)
    with services.database.read() as session:
        assert len(store.topics(session)) == 1


def test_an_engine_that_is_away_puts_it_off(services: Services, engine: ScriptedEngine) -> None:
    ask(services.database, people(6), about="leave", at=utc_now() - dt.timedelta(days=15))
    engine.down = engine.embedder_down = RecognizerDown("away")  # type: ignore[assignment]
    HouseKeeper(services).keep(idle=False)
    wait_until(nothing_is_beside, timeout_s=20, what="topics are kept")
    engine.down = engine.embedder_down = None
    with services.database.read() as session:
        assert store.state(session).last_closed is None
    HouseKeeper(services).keep(idle=False)
    wait_until(nothing_is_beside, timeout_s=20, what="topics are kept")
    with services.database.read() as session:
        assert store.state(session).last_closed is not None


@pytest.mark.timed
def test_grouping_that_takes_long_keeps_no_job_waiting(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(services.database, people(6), about="leave")
    begun, may_end = threading.Event(), threading.Event()

    def slowly(*_arguments: object, **_more: object) -> dict[str, str | None]:
        begun.set()
        may_end.wait(30)
        return {}

    monkeypatch.setattr("assistant.topics.updating.grow_topics", slowly)
    house = HouseKeeper(services)
    began = time.monotonic()
    house.keep(idle=False)
    house.keep(idle=False)
    assert begun.wait(10)
    assert time.monotonic() - began < 10
    assert [each.name for each in threading.enumerate()].count("topics") == 1
    may_end.set()
    house.leave()
    assert nothing_is_beside()


def nothing_is_beside() -> bool:
    return not any(each.name == "topics" for each in threading.enumerate())
