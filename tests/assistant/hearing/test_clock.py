"""The rules of the clock, without any file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.hearing.clock import JITTER_S, Timeline

RATE_HZ = 1_000


def timeline(*, own_clock: bool = True, earliest_s: float = 0.0, longest_s: float = 3600.0) -> Timeline:
    return Timeline(own_clock=own_clock, earliest_s=earliest_s, longest_s=longest_s)


def starts(line: Timeline, *stretches: tuple[float | None, float]) -> list[float]:
    """Where stretches (timestamp, length in seconds) come to lie."""
    return [round(line.place(pts_s, round(length_s * RATE_HZ), RATE_HZ).start_s, 3) for pts_s, length_s in stretches]


def test_a_late_start_and_a_hole_keep_their_seconds() -> None:
    line = timeline()

    assert starts(line, (2.0, 1.0), (3.0, 1.0), (6.5, 1.0)) == [2.0, 3.0, 6.5]
    assert line.holes_s == pytest.approx(2.5)


def test_sound_before_zero_moves_everything_later() -> None:
    line = timeline(earliest_s=-0.5)

    assert starts(line, (0.0, 1.0), (1.0, 1.0)) == [0.5, 1.5]
    assert line.to_clock(3.0) == pytest.approx(3.5)


def test_a_container_without_timestamps_runs_on() -> None:
    assert starts(timeline(own_clock=False), (0.069, 1.0), (9.0, 1.0), (None, 1.0)) == [0.0, 1.0, 2.0]


def test_a_clock_that_starts_again_goes_on_where_it_was() -> None:
    line = timeline()

    assert starts(line, (0.0, 4.0), (0.0, 4.0), (4.0, 1.0)) == [0.0, 4.0, 8.0]
    assert line.restarts == 1
    assert line.to_clock(4.0) == pytest.approx(8.0)


def test_sound_given_twice_is_heard_once() -> None:
    line = timeline()
    line.place(0.0, 2000, RATE_HZ)

    assert line.place(1.5, 1000, RATE_HZ).drop_samples == 500
    assert line.end_s == pytest.approx(2.5)


def test_a_jump_beyond_the_longest_recording_is_taken_for_a_lie() -> None:
    assert starts(timeline(longest_s=100.0), (0.0, 1.0), (9e12, 1.0), (9e12 + 1, 1.0)) == [0.0, 1.0, 2.0]


def test_a_drifting_recorder_is_followed() -> None:
    line = timeline()
    for number in range(1000):
        line.place(number * 1.001, 1000, RATE_HZ)

    assert line.end_s == pytest.approx(1001, abs=2 * JITTER_S)


@given(st.lists(st.tuples(st.floats(-10, 1e13) | st.none(), st.integers(1, 50_000)), max_size=60))
def test_the_clock_never_runs_back_nor_beyond_what_is_allowed(stretches: list[tuple[float | None, int]]) -> None:
    line, end_s = timeline(longest_s=600.0), 0.0
    for pts_s, n_samples in stretches:
        place = line.place(pts_s, n_samples, RATE_HZ)
        assert place.start_s >= end_s - 1e-6
        assert place.start_s <= max(600.0, end_s) + 1e-6 or end_s == 0.0
        assert 0 <= place.drop_samples <= n_samples
        assert line.end_s >= end_s - 1e-6
        end_s = line.end_s
