"""When a card comes back, by FSRS, with a clock and chance of the test's own; and what mastery is made of."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from assistant.learning.fsrs_recall import FsrsRecall
from assistant.learning.mastery import Level, mastery_of
from assistant.learning.memory import Memory, Phase, Rating, day_end

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
A_DAY = dt.timedelta(days=1)


def checked(*ratings: Rating, recall: FsrsRecall | None = None) -> Memory:
    """Each time as soon as it was due."""
    recall = recall or FsrsRecall()
    memory = recall.fresh(NOON)
    for rating in ratings:
        memory = recall.after(memory, rating, memory.due_at)
    return memory


def days_until_due(memory: Memory) -> float:
    assert memory.reviewed_at is not None
    return (memory.due_at - memory.reviewed_at) / A_DAY


def test_a_new_card_is_due_at_once_and_soon_again() -> None:
    fresh = FsrsRecall().fresh(NOON)
    assert (fresh.due_at, fresh.is_checked) == (NOON, False)
    again, good = (FsrsRecall().after(fresh, rating, NOON) for rating in (Rating.AGAIN, Rating.GOOD))
    assert NOON < again.due_at < good.due_at < NOON + dt.timedelta(hours=1)


def test_what_is_known_comes_back_ever_later_and_better_ratings_later_still() -> None:
    good = [days_until_due(checked(*[Rating.GOOD] * times)) for times in range(2, 6)]
    assert good == sorted(good)
    assert good[-1] > 30
    before = [Rating.GOOD] * 3
    hard, fine, easy = (days_until_due(checked(*before, last)) for last in (Rating.HARD, Rating.GOOD, Rating.EASY))
    assert hard < fine < easy


def test_what_was_forgotten_is_learnt_again_today() -> None:
    memory = checked(*[Rating.GOOD] * 4, Rating.AGAIN)
    assert memory.phase is Phase.RELEARNING
    assert days_until_due(memory) < 0.1


def test_a_card_is_due_when_nine_of_ten_are_still_known() -> None:
    recall = FsrsRecall()
    memory = checked(*[Rating.GOOD] * 4)
    assert recall.retrievability(memory, memory.due_at) == pytest.approx(0.9, abs=0.005)
    assert recall.retrievability(memory, memory.due_at + 300 * A_DAY) < 0.8


def test_a_clock_that_went_back_counts_as_one_that_stood() -> None:
    recall = FsrsRecall()
    memory = checked(Rating.GOOD, Rating.GOOD)
    assert memory.reviewed_at is not None
    back = recall.after(memory, Rating.GOOD, NOON - 400 * A_DAY)
    assert back.reviewed_at == memory.reviewed_at
    assert back.due_at > memory.reviewed_at
    assert recall.retrievability(memory, NOON - 400 * A_DAY) == 1.0


def test_chance_spreads_what_was_learnt_together_by_a_twentieth_and_no_more() -> None:
    known = checked(*[Rating.GOOD] * 4)
    plain = FsrsRecall().after(known, Rating.GOOD, known.due_at).due_at
    drawn = [FsrsRecall(random.Random(seed).random).after(known, Rating.GOOD, known.due_at) for seed in range(30)]
    assert len({each.due_at for each in drawn}) > 3
    assert all(abs(each.due_at - plain) <= 0.051 * (plain - known.due_at) for each in drawn)
    assert {FsrsRecall().after(known, Rating.GOOD, known.due_at).due_at for _ in range(3)} == {plain}
    soon = FsrsRecall(lambda: 0.999)
    assert soon.after(soon.fresh(NOON), Rating.GOOD, NOON) == checked(Rating.GOOD)


def test_mastery_comes_from_checks_alone() -> None:
    recall = FsrsRecall()
    never = recall.fresh(NOON)
    assert mastery_of([never, never], recall, NOON).share is None
    assert mastery_of([never, never], recall, NOON).level is None
    known = checked(*[Rating.GOOD] * 4)
    found = mastery_of([never, known], recall, known.due_at)
    assert (found.cards, found.checked) == (2, 1)
    assert found.share == pytest.approx(0.9, abs=0.005)


def test_what_was_not_known_a_minute_ago_is_not_mastered() -> None:
    recall = FsrsRecall()
    missed, known = checked(Rating.AGAIN), checked(Rating.GOOD)
    assert mastery_of([missed], recall, NOON).share == 0.0
    assert mastery_of([missed, known], recall, NOON).level is Level.FADING
    assert mastery_of([known], recall, NOON).level is Level.FIRM


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-11-20T23:30+00:00", "UTC", "2026-11-21T00:00+00:00"),
        ("2026-11-20T23:30+00:00", "Asia/Shanghai", "2026-11-21T16:00+00:00"),
        ("2026-12-31T23:30+00:00", "America/New_York", "2027-01-01T05:00+00:00"),
        ("2026-10-25T00:30+00:00", "Europe/Berlin", "2026-10-25T23:00+00:00"),
        ("2026-03-29T00:30+00:00", "Europe/Berlin", "2026-03-29T22:00+00:00"),
    ],
)
def test_a_day_ends_where_the_company_is(now: str, zone: str, end: str) -> None:
    assert day_end(dt.datetime.fromisoformat(now), ZoneInfo(zone)) == dt.datetime.fromisoformat(end)
