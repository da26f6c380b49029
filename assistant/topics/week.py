"""ISO weeks, as the company's own clocks count them: from Monday 00:00 in its time zone to the next. Knows no clock."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Self

_WRITTEN = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, order=True, slots=True)
class Week:
    """`year`: the ISO year, which may differ from the calendar's around New Year. `number`: 1 to 52 or 53.

    Raises ValueError for a week that its year does not have.
    """

    year: int
    number: int

    def __post_init__(self) -> None:
        dt.date.fromisocalendar(self.year, self.number, 1)

    @classmethod
    def of(cls, moment: dt.datetime, zone: dt.tzinfo) -> Self:
        """The week that a moment falls into there. Raises ValueError for a moment without its zone."""
        if moment.tzinfo is None:
            raise ValueError("a moment without its zone is in no week")
        return cls._of_day(moment.astimezone(zone).date())

    @classmethod
    def parse(cls, written: str) -> Self:
        """ "2026-W47". Raises ValueError for anything else."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError(f"not a week like 2026-W47: {written[:20]!r}")
        return cls(int(found[1]), int(found[2]))

    def start(self, zone: dt.tzinfo) -> dt.datetime:
        """Its first moment there, in UTC: comparing two datetimes of one zone would ignore its clocks being put back.

        Where midnight is left out or comes twice, the first moment that the clocks call Monday.
        """
        return dt.datetime.combine(self._monday, dt.time(), tzinfo=zone).astimezone(dt.UTC)

    def next(self) -> Self:
        return self._of_day(self._monday + dt.timedelta(days=7))

    def previous(self) -> Self:
        return self._of_day(self._monday - dt.timedelta(days=7))

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @property
    def _monday(self) -> dt.date:
        return dt.date.fromisocalendar(self.year, self.number, 1)

    @classmethod
    def _of_day(cls, day: dt.date) -> Self:
        year, number, _weekday = day.isocalendar()
        return cls(year, number)
