"""Two runs over the same questions: what changed, and whether it is more than chance."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from assistant.errors import BadInput
from earmark.bench.comparing import Difference, compare
from earmark.bench.outcomes import Outcome
from earmark.bench.runs import Data, Run, Task, run_of
from tests.earmark.bench.made_outcomes import many, outcome

DATA = Data("demo", {"corpus.jsonl": "0" * 64})


def run(outcomes: list[Outcome], *, task: Task = Task.LECTURES, data: Data = DATA) -> Run:
    return run_of(task, data, outcomes, passages=12)


def differences(one: list[Outcome], other: list[Outcome], *, swaps: int = 200) -> dict[str, Difference]:
    return {each.name: each for each in compare(run(one), run(other), swaps=swaps, grouped=False).everything}


def ranked(*ranks: int | None) -> list[Outcome]:
    return [outcome(f"q{at}", rank=rank) for at, rank in enumerate(ranks)]


def test_what_got_better_and_worse_is_counted() -> None:
    told = differences(ranked(2, 2, 1, 1, None), ranked(1, 1, 3, 1, None))["moment@1"]
    assert (told.better, told.worse) == (2, 1)
    assert told.change == pytest.approx(0.2)
    assert told.low < 0 < told.high
    assert str(told).startswith("40.0 → 60.0, +20.0 [")


def test_ten_of_ten_is_no_chance_and_one_of_ten_is() -> None:
    worst, best = ranked(*[2] * 10), ranked(*[1] * 10)
    assert differences(worst, best, swaps=2000)["moment@1"].p_value < 0.01
    assert differences(worst, ranked(1, *[2] * 9), swaps=2000)["moment@1"].p_value == 1.0


def test_a_smaller_start_error_is_better() -> None:
    one = [outcome("q", start_error_s=9.0), outcome("r", start_error_s=1.0)]
    other = [outcome("q", start_error_s=2.0), outcome("r", start_error_s=1.0)]
    told = differences(one, other)["start error median"]
    assert (told.change, told.better, told.worse) == (-3.5, 1, 0)


@given(many(fewest=2, most=15))
@settings(max_examples=10, deadline=None)
def test_a_run_beside_itself_shows_no_difference(outcomes: list[Outcome]) -> None:
    for told in differences(outcomes, outcomes, swaps=20).values():
        assert (told.change, told.low, told.high, told.p_value) == (0.0, 0.0, 0.0, 1.0)


@given(many(fewest=2, most=12), many(fewest=12, most=12))
@settings(max_examples=10, deadline=None)
def test_turning_the_runs_round_turns_the_signs(one: list[Outcome], drawn: list[Outcome]) -> None:
    other = [
        replace(each, covered=new.covered, probability=new.probability, verdict=new.verdict)
        for each, new in zip(one, drawn, strict=False)
    ]
    there, back = differences(one, other, swaps=50), differences(other, one, swaps=50)
    assert there.keys() == back.keys()
    for name, told in there.items():
        assert told.change == pytest.approx(-back[name].change)
        assert (told.low, told.high) == pytest.approx((-back[name].high, -back[name].low))
        assert (told.better, told.worse) == (back[name].worse, back[name].better)
        assert told.p_value == pytest.approx(back[name].p_value)


def test_groups_are_compared_too() -> None:
    one = [outcome("a", kind="x"), outcome("b", kind="y", rank=2)]
    other = [outcome("a", kind="x"), outcome("b", kind="y")]
    document = compare(run(one), run(other), swaps=50).as_document()
    assert document["by"]["kind"]["y"]["moment@1"]["difference"] == 1.0  # type: ignore[index]
    assert document["by"]["kind"]["x"]["moment@1"]["better"] == 0  # type: ignore[index]


def test_other_data_under_the_same_questions_is_said() -> None:
    data = Data("spoken", {"corpus.jsonl": "2" * 64})
    notes = compare(run(ranked(1)), run(ranked(1), data=data), swaps=5).notes
    assert notes == ("the data differs (demo, spoken): corpus.jsonl",)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (["a", "b"], ["a"], r"second run lacks 1 questions \(b\)"),
        (["a"], ["a", "b"], r"first run lacks 1 questions \(b\)"),
        (["a"], [], "second run lacks"),
    ],
)
def test_runs_over_other_questions_are_refused_by_name(one: list[str], other: list[str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        compare(run([outcome(key) for key in one]), run([outcome(key) for key in other]))


def test_a_question_that_became_unanswerable_is_another_question() -> None:
    with pytest.raises(BadInput, match=r"\(a\) ask for something else"):
        compare(run([outcome("a")]), run([outcome("a", answerable=False)]))


def test_runs_of_two_tasks_are_refused() -> None:
    with pytest.raises(BadInput, match="retrieval"):
        compare(run([outcome()]), run([outcome()], task=Task.RETRIEVAL))
