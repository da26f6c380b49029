"""What leaves a week's figures, attacked with everything that is published and every total that could be known."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.topics.figures import MOST_OF_ONE, Asked, Cell
from assistant.topics.publishing import publish
from assistant.topics.week import Week

WEEK = Week(2026, 47)
K = 5
Pair = tuple[str | None, str | None]


def asked(topic: str | None, course: str | None, people: Iterable[str | None], *, answered: bool = True) -> list[Asked]:
    return [
        Asked(f"{topic}-{course}-{number}-{one}", topic, course, one, answered, spoken=False)
        for number, one in enumerate(people)
    ]


def crowd(size: int, called: str = "p") -> list[str]:
    return [f"{called}{number}" for number in range(size)]


def shown(cells: Iterable[Cell]) -> set[Pair]:
    return {(cell.topic_id, cell.course_id) for cell in cells}


def test_five_people_are_shown_and_four_are_not() -> None:
    assert shown(publish(asked("leave", "hr", crowd(5)), WEEK, fewest=K)) == {("leave", "hr")}
    assert publish(asked("leave", "hr", crowd(4)), WEEK, fewest=K) == []


def test_a_company_of_three_sees_nothing() -> None:
    assert publish(asked("leave", "hr", crowd(3) * 1000), WEEK, fewest=K) == []


def test_nobody_may_be_shown_more_than_the_floor_allows() -> None:
    with pytest.raises(ValueError, match="never shown"):
        publish([], WEEK, fewest=4)


def test_one_person_who_asks_ten_thousand_times_is_one_person() -> None:
    loud = asked("leave", "hr", ["loud"] * 10_000)
    assert publish(loud, WEEK, fewest=K) == []
    (cell,) = publish([*loud, *asked("leave", "hr", crowd(4))], WEEK, fewest=K)
    assert (cell.questions, cell.people) == (MOST_OF_ONE + 4, 5)


def test_the_command_line_is_nobody() -> None:
    assert publish(asked("leave", "hr", [None] * 100), WEEK, fewest=K) == []
    (cell,) = publish([*asked("leave", "hr", [None] * 100), *asked("leave", "hr", crowd(6))], WEEK, fewest=K)
    assert (cell.questions, cell.people) == (6, 5)


def test_people_are_told_in_steps() -> None:
    told = {
        size: publish(asked("leave", "hr", crowd(size)), WEEK, fewest=K)[0].people for size in (5, 6, 9, 10, 14, 15)
    }
    assert told == {5: 5, 6: 5, 9: 5, 10: 10, 14: 10, 15: 15}
    assert [publish(asked("t", "c", crowd(size)), WEEK, fewest=8)[0].people for size in (8, 15, 16)] == [8, 8, 16]


def test_it_is_never_told_that_all_or_none_were_answered() -> None:
    (all_answered,) = publish(asked("leave", "hr", crowd(8)), WEEK, fewest=K)
    (none_answered,) = publish(asked("leave", "hr", crowd(8), answered=False), WEEK, fewest=K)
    assert (all_answered.answered, none_answered.answered) == (7, 1)
    assert all_answered.spoken == 1


def test_it_is_never_told_that_each_person_asked_once_or_as_often_as_counts() -> None:
    (once,) = publish(asked("leave", "hr", crowd(5)), WEEK, fewest=K)
    assert (once.questions, once.people) == (6, 5), "five questions of five to nine people would be one of each"
    (often,) = publish(asked("leave", "hr", crowd(9) * 30), WEEK, fewest=K)
    assert (often.questions, often.people) == (9 * MOST_OF_ONE - 1, 5)
    (between,) = publish(asked("leave", "hr", crowd(6)), WEEK, fewest=K)
    assert between.questions == 6


def test_a_small_cell_is_not_found_by_subtracting_from_its_courses_total() -> None:
    small, large = asked("pay", "hr", crowd(2)), asked("leave", "hr", crowd(9, "q"))
    assert publish([*small, *large], WEEK, fewest=K) == []
    larger = asked("tax", "hr", crowd(20, "r"))
    assert shown(publish([*small, *large, *larger], WEEK, fewest=K)) == {("tax", "hr")}


def test_a_small_cell_is_not_found_by_subtracting_from_its_topics_total() -> None:
    assert publish([*asked("pay", "hr", crowd(2)), *asked("pay", "it", crowd(9, "q"))], WEEK, fewest=K) == []


def test_questions_without_a_topic_count_among_what_is_hidden() -> None:
    loners = asked(None, "hr", crowd(2))
    assert publish([*loners, *asked("leave", "hr", crowd(9, "q"))], WEEK, fewest=K) == []
    assert publish([*asked(None, "hr", crowd(9)), *asked("leave", "hr", crowd(9))], WEEK, fewest=K) != []


def test_the_same_few_people_in_many_hidden_cells_are_few() -> None:
    same = [one for topic in "abcdef" for one in asked(topic, "hr", crowd(4))]
    assert publish([*same, *asked("leave", "hr", crowd(9, "q"))], WEEK, fewest=K) == []


def test_a_chain_of_totals_does_not_lead_to_a_small_cell() -> None:
    """Of the first course are hidden one person and six; the six stand alone in their topic, which gives them away."""
    chain = [
        *asked("a", "1", crowd(1, "x")),
        *asked("b", "1", crowd(6, "y")),
        *asked("a", "2", crowd(7, "z")),
        *asked("c", "1", crowd(30, "u")),
        *asked("c", "2", crowd(30, "v")),
        *asked("b", "2", crowd(4, "w")),
    ]
    cells = publish(chain, WEEK, fewest=K)
    assert not told_by_totals(chain, cells)


def test_totals_do_not_lead_to_what_two_small_cells_make_together() -> None:
    """The third course's total tells of b there, and b's total then of the four people in the other two."""
    sizes = {"a2": 2, "b1": 2, "b2": 2, "b3": 30, "c1": 7, "c2": 7, "d1": 7, "d2": 20, "d3": 20}
    log = [one for cell, size in sizes.items() for one in asked(cell[0], cell[1], crowd(size, cell))]
    cells = publish(log, WEEK, fewest=K)
    assert shown(cells)
    assert not told_by_totals(log, cells)


QUESTION = st.tuples(
    st.sampled_from([None, "a", "b", "c", "d", "e"]),
    st.sampled_from([None, "1", "2", "3", "4"]),
    st.sampled_from([None, *crowd(14)]),
    st.booleans(),
    st.booleans(),
)
LOGS = st.lists(QUESTION, max_size=160).map(
    lambda rows: [Asked(f"{number:04}", *row) for number, row in enumerate(rows)]
)


def random_log(chance: random.Random) -> list[Asked]:
    """As logs are: some topics asked by many, most of them in one course, and a long tail."""
    topics, courses = [*"abcdefgh"][: chance.randint(1, 8)], [*"123456"][: chance.randint(1, 6)]
    people = crowd(chance.choice([3, 8, 20, 60]))
    rows = []
    for number in range(chance.choice([5, 40, 200])):
        topic = chance.choice([None, *topics, topics[0], topics[0]])
        at_home = courses[hash_of(topic) % len(courses)]
        course = at_home if chance.random() < 0.8 else chance.choice([None, *courses])
        asker = chance.choice(people) if chance.random() < 0.95 else None
        rows.append(Asked(f"{number:05}", topic, course, asker, chance.random() < 0.7, chance.random() < 0.5))
    return rows


def hash_of(topic: str | None) -> int:
    return 0 if topic is None else ord(topic)


def people_of(log: Iterable[Asked]) -> dict[Pair, set[str]]:
    behind: dict[Pair, set[str]] = defaultdict(set)
    for one in log:
        if one.asker is not None:
            behind[one.topic, one.course].add(one.asker)
    return dict(behind)


def told_by_totals(log: Sequence[Asked], cells: Sequence[Cell]) -> list[Pair]:
    """What somebody can calculate who knows every total of a course and of a topic: cells of too few people, two that
    are of too few together, and sums over a line of too few. Not what the totals tell without anything published."""
    behind = people_of(log)
    open_now = shown(cells)
    hidden = [pair for pair in behind if pair not in open_now]
    told = []
    for line in {("topic", pair[0]) for pair in behind} | {("course", pair[1]) for pair in behind}:
        place = 0 if line[0] == "topic" else 1
        here = [pair for pair in hidden if pair[place] == line[1]]
        is_open = any(pair[place] == line[1] for pair in open_now)
        if is_open and here and len(set().union(*(behind[pair] for pair in here))) < K:
            told += here
    moving, moving_anyway = left_open(hidden), left_open(list(behind))
    small = [pair for pair in hidden if len(behind[pair]) < K]
    for pair in small:
        if is_nought(moving[pair]) and not is_nought(moving_anyway[pair]):
            told.append(pair)
    for one, other in combinations(small, 2):
        for sign in (1, -1):
            known = is_nought(moving[one] + sign * moving[other])
            known_anyway = is_nought(moving_anyway[one] + sign * moving_anyway[other])
            if known and not known_anyway and len(behind[one] | behind[other]) < K:
                told += [one, other]
    return told


def left_open(unknown: Sequence[Pair]) -> dict[Pair, np.ndarray]:
    """How each unknown cell may move while the totals of all lines stay: a number for each way to move some."""
    topics, courses = sorted({p[0] or "" for p in unknown}), sorted({p[1] or "" for p in unknown})
    equations = np.zeros((len(topics) + len(courses), len(unknown)))
    for column, (topic, course) in enumerate(unknown):
        equations[topics.index(topic or ""), column] = 1
        equations[len(topics) + courses.index(course or ""), column] = 1
    _, sizes, ways = np.linalg.svd(equations)
    return dict(zip(unknown, ways[int((sizes > 1e-9).sum()) :].T, strict=True))


def is_nought(numbers: np.ndarray) -> bool:
    return bool((np.abs(numbers) < 1e-9).all())


def hold_the_laws(log: Sequence[Asked]) -> list[Cell]:
    cells = publish(log, WEEK, fewest=K)
    behind = people_of(log)
    for cell in cells:
        true = len(behind[cell.topic_id, cell.course_id])
        assert true >= K
        assert cell.people % K == 0
        assert cell.people <= true < cell.people + K
        assert true <= cell.questions <= MOST_OF_ONE * true + 1
        assert cell.people < cell.questions < MOST_OF_ONE * (cell.people + K - 1)
        assert 0 < cell.answered < cell.questions
        assert 0 < cell.spoken < cell.questions
    assert not told_by_totals(log, cells)
    return cells


@given(LOGS)
@settings(max_examples=400, deadline=None)
def test_no_log_tells_of_fewer_than_five(log: list[Asked]) -> None:
    hold_the_laws(log)


@pytest.mark.slow
def test_ten_thousand_random_logs_tell_of_no_fewer_than_five() -> None:
    chance = random.Random(47)
    published = sum(len(hold_the_laws(random_log(chance))) for _ in range(10_000))
    assert published > 4_000, "a test that hides everything proves nothing"


@given(LOGS, st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(log: list[Asked], chance: random.Random) -> None:
    mixed = chance.sample(log, len(log))
    assert publish(mixed, WEEK, fewest=K) == publish(log, WEEK, fewest=K)


@given(LOGS, st.sampled_from(crowd(14)))
def test_without_one_persons_log_what_is_told_is_as_safe(log: list[Asked], gone: str) -> None:
    """The person's own cells lose a person, and no other cell a figure: only what is hidden may differ."""
    before = {(cell.topic_id, cell.course_id): cell for cell in hold_the_laws(log)}
    after = {(cell.topic_id, cell.course_id): cell for cell in hold_the_laws([x for x in log if x.asker != gone])}
    theirs = {(one.topic, one.course) for one in log if one.asker == gone}
    assert all(before[pair] == after[pair] for pair in before.keys() & after.keys() - theirs)


@given(LOGS)
def test_what_somebody_is_called_does_not_matter(log: list[Asked]) -> None:
    renamed = [replace(one, asker=None if one.asker is None else f"z{one.asker[::-1]}") for one in log]
    assert publish(renamed, WEEK, fewest=K) == publish(log, WEEK, fewest=K)
