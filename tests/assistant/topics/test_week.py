"""Weeks across years, time zones and clocks that are put forward and back."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.topics.week import Week

BERLIN, SHANGHAI, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai"), ZoneInfo("Australia/Sydney")
ZONES = [dt.UTC, BERLIN, SHANGHAI, SYDNEY, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")]


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("moment", "zone", "week"),
    [
        (utc(2026, 11, 22, 23, 30), dt.UTC, "2026-W47"),
        (utc(2026, 11, 22, 23, 30), BERLIN, "2026-W48"),
        (utc(2026, 11, 22, 16, 0), SHANGHAI, "2026-W48"),
        (utc(2026, 11, 22, 15, 59), SHANGHAI, "2026-W47"),
        (utc(2021, 1, 3, 23, 59), dt.UTC, "2020-W53"),
        (utc(2021, 1, 4), dt.UTC, "2021-W01"),
        (utc(2026, 12, 31), dt.UTC, "2026-W53"),
        (utc(2027, 1, 3, 23, 0), BERLIN, "2027-W01"),
        (utc(2024, 12, 30), dt.UTC, "2025-W01"),
    ],
)
def test_a_moment_falls_into_the_week_of_the_companys_own_clocks(
    moment: dt.datetime, zone: dt.tzinfo, week: str
) -> None:
    assert str(Week.of(moment, zone)) == week


def test_the_week_in_which_clocks_go_back_is_an_hour_longer() -> None:
    week = Week.parse("2026-W43")
    assert week.next().start(BERLIN) - week.start(BERLIN) == dt.timedelta(days=7, hours=1)
    assert week.next().start(SHANGHAI) - week.start(SHANGHAI) == dt.timedelta(days=7)


def test_weeks_follow_each_other_over_a_long_year() -> None:
    week = Week(2026, 52)
    assert [str(week.next()), str(week.next().next())] == ["2026-W53", "2027-W01"]
    assert week.next().next().previous().previous() == week
    assert Week(2026, 53) < Week(2027, 1)


@pytest.mark.parametrize(
    "written", ["", "2026-47", "2026-W54", "2025-W53", "2026-W00", "2026-W7", "x2026-W47", "2026-W47\n"]
)
def test_what_is_no_week_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        Week.parse(written)


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Week.of(dt.datetime(2026, 1, 1), dt.UTC)


@given(
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC)), st.sampled_from(ZONES)
)
def test_every_moment_lies_in_exactly_its_week(moment: dt.datetime, zone: dt.tzinfo) -> None:
    week = Week.of(moment, zone)
    assert week.start(zone) <= moment < week.next().start(zone)
    assert week.previous().next() == week == Week.parse(str(week))
