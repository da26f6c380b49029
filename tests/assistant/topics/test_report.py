"""The report: sums of what is shown, gaps that stay gaps, merges and filters that only choose."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.topics.figures import Cell, Topic
from assistant.topics.report import (
    OTHER_COURSES,
    Chosen,
    Report,
    Sums,
    Trend,
    grid,
    report_on,
    standing_for,
    week_before,
    weeks_between,
)
from assistant.topics.week import Week

LAST = Week(2026, 3)
WEEKS = weeks_between(week_before(LAST, 11), LAST)
COURSES = ("pricing", "safety", "closed")
NAMED = frozenset({"pricing", "safety"})


def topic(topic_id: str, *, into: str | None = None, invented: bool = False) -> Topic:
    return Topic(topic_id, f"about {topic_id}", None, named_by_person=False, merged_into=into, invented=invented)


def cell(topic_id: str, week: Week, questions: int, *, course: str | None = "pricing") -> Cell:
    return Cell(topic_id, course, week, questions, people=5, answered=questions // 2, spoken=questions // 3)


def read(cells: Sequence[Cell], *topics: Topic, **chosen: str) -> Report:
    return report_on(cells, {each.id: each for each in topics}, Chosen(WEEKS[0], LAST, **chosen), named_courses=NAMED)


def asked(counts: Sequence[int | None], topic_id: str = "a") -> list[Cell]:
    return [cell(topic_id, week, count) for week, count in zip(WEEKS, counts, strict=True) if count is not None]


TOPICS = {
    "a": topic("a"),
    "b": topic("b", into="a"),
    "c": topic("c", into="b"),
    "d": topic("d"),
    "e": topic("e", into="nobody ever saw it"),
}
some_cells = st.lists(
    st.builds(
        Cell,
        st.sampled_from(sorted(TOPICS)),
        st.sampled_from([None, *COURSES]),
        st.sampled_from(WEEKS),
        questions=st.integers(5, 40),
        people=st.sampled_from([5, 10]),
        answered=st.integers(0, 5),
        spoken=st.integers(0, 5),
    ),
    unique_by=lambda one: (one.topic_id, one.course_id, one.week),
    max_size=60,
)
filters = st.builds(
    lambda ends, course, topic_id: Chosen(min(ends), max(ends), course, topic_id),
    st.tuples(st.sampled_from(WEEKS), st.sampled_from(WEEKS)),
    st.sampled_from([None, "pricing", OTHER_COURSES]),
    st.sampled_from([None, "a", "d"]),
)


def counts(sums: Sums | Cell) -> tuple[int, int, int, int]:
    return sums.questions, sums.people, sums.answered, sums.spoken


def added(parts: Sequence[Sums | Cell]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip((0, 0, 0, 0), *map(counts, parts), strict=True))


@given(some_cells, filters)
def test_every_total_is_the_sum_of_shown_cells_and_of_nothing_else(cells: list[Cell], chosen: Chosen) -> None:
    report = report_on(cells, TOPICS, chosen, named_courses=NAMED)
    rows = grid(cells, TOPICS, chosen, named_courses=NAMED)
    wanted = [
        one
        for one in cells
        if chosen.since <= one.week <= chosen.until
        and chosen.course_id in (None, one.course_id if one.course_id in {*NAMED, None} else OTHER_COURSES)
        and chosen.topic_id in (None, standing_for(TOPICS)[one.topic_id])
    ]
    assert counts(report.total) == added(wanted)
    assert added([sums for *_, sums in rows]) == added(wanted)
    assert added([line.sums for line in report.lines]) == added(wanted)
    assert added([line.sums for line in report.courses]) == added(wanted)
    assert added([week for week in report.series.weeks if week]) == added(wanted)
    for line in report.lines:
        assert added([week for week in line.series.weeks if week]) == counts(line.sums)
        assert added([course.sums for course in line.courses]) == counts(line.sums)


@given(some_cells, filters)
def test_a_week_has_a_figure_exactly_where_a_cell_is_shown(cells: list[Cell], chosen: Chosen) -> None:
    report = report_on(cells, TOPICS, chosen, named_courses=NAMED)
    shown = {(row[0].id, row[2]) for row in grid(cells, TOPICS, chosen, named_courses=NAMED)}
    for line in report.lines:
        for week, sums in zip(report.weeks, line.series.weeks, strict=True):
            assert (sums is not None) == ((line.topic.id, week) in shown)
            assert sums is None or sums.questions > 0


@given(some_cells, st.randoms())
def test_the_order_of_cells_changes_nothing(cells: list[Cell], random: object) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    chosen = Chosen(WEEKS[0], LAST)
    assert report_on(cells, TOPICS, chosen, named_courses=NAMED) == report_on(
        shuffled, TOPICS, chosen, named_courses=NAMED
    )


@given(some_cells)
def test_a_course_that_may_not_be_named_is_nowhere_by_its_id(cells: list[Cell]) -> None:
    chosen = Chosen(WEEKS[0], LAST)
    assert "closed" not in {row[1] for row in grid(cells, TOPICS, chosen, named_courses=NAMED)}
    assert "closed" not in {line.course_id for line in report_on(cells, TOPICS, chosen, named_courses=NAMED).courses}


def test_a_merged_topic_is_counted_where_it_went() -> None:
    report = read([cell("a", LAST, 10), cell("b", LAST, 7), cell("c", LAST, 6)], *TOPICS.values())
    [line] = report.lines
    assert (line.topic.id, line.sums.questions) == ("a", 23)


def test_a_topic_merged_into_one_without_figures_stays_where_it_is() -> None:
    assert [line.topic.id for line in read([cell("e", LAST, 6)], *TOPICS.values()).lines] == ["e"]


def test_a_ring_of_merges_is_counted_once() -> None:
    ring = (topic("x", into="y"), topic("y", into="z"), topic("z", into="y"))
    [line] = read([cell("x", LAST, 5), cell("y", LAST, 6), cell("z", LAST, 7)], *ring).lines
    assert line.sums.questions == 18


@pytest.mark.parametrize(
    ("questions", "trend"),
    [
        ([10, 10, 10, 10, 10, 10, 10, 10, 20, 20, 20, 20], Trend.RISING),
        ([20, 20, 20, 20, 20, 20, 20, 20, 10, 10, 10, 10], Trend.FALLING),
        ([10, 10, 10, 10, 10, 10, 10, 10, 11, 11, 11, 11], Trend.STEADY),
        ([None] * 6 + [10, 10, 20, 20, 20, 20], Trend.RISING),
        ([10, None, 10, None, 10, None, 10, None, None, None, None, 30], Trend.UNKNOWN),
        ([10, 10, None, 10, None, 10, None, 20, None, 20, 20, 20], Trend.RISING),
        ([None] * 8 + [20] * 4, Trend.UNKNOWN),
        ([10] * 4 + [20] * 4 + [None] * 4, Trend.UNKNOWN),
    ],
)
def test_a_trend_is_told_from_shown_weeks_alone(questions: list[int | None], trend: Trend) -> None:
    series = read(asked(questions), topic("a")).lines[0].series
    assert series.trend is trend
    assert (series.change is None) == (trend is Trend.UNKNOWN)


def test_hidden_weeks_do_not_make_a_topic_fall() -> None:
    """Were they noughts, half of them would halve it."""
    series = read(asked([10, 10, 10, 10, 10, 10, 10, 10, 10, None, None, 10]), topic("a")).lines[0].series
    assert series.trend is Trend.STEADY
    assert series.weeks[9] is None


def test_weeks_go_on_over_the_end_of_a_year_of_53() -> None:
    assert [str(week) for week in weeks_between(Week(2026, 52), Week(2027, 2))] == [
        *("2026-W52", "2026-W53", "2027-W01", "2027-W02")
    ]


def test_weeks_that_run_backwards_are_no_filter() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Chosen(LAST, WEEKS[0])


def test_nothing_shown_is_no_share_and_not_a_share_of_nought() -> None:
    assert (Sums().answered_share, Sums().spoken_share) == (None, None)
    assert Sums(questions=8, answered=2).answered_share == 0.25


def test_an_invented_topic_is_told_only_where_it_is_shown() -> None:
    both = (topic("a"), topic("b", invented=True))
    assert read([cell("a", LAST, 5), cell("b", LAST, 5)], *both).has_invented
    assert not read([cell("a", LAST, 5)], *both).has_invented
