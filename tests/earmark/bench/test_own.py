"""Figures over what people confirmed: which moment is right, what two runs differ in, and how it is told."""

from dataclasses import replace

import pytest

from assistant.answering.ask import NOTE_WORDS_ALONE
from assistant.proof.own_set import OwnSet, ProofQuestion
from assistant.proof.tables import ProofSource
from earmark.bench.own import FEW, ask_own, compared, in_words, is_right
from tests.assistant.questions.made_answers import answer_from


def question(key: str, recording: str = "r", *, at_s: float = 0.0, source: str = "confirmed") -> ProofQuestion:
    return ProofQuestion(key, f"what of {key}", "en", ProofSource(source), recording, at_s, at_s + 10)


@pytest.mark.parametrize(
    ("start_s", "right"), [(85.0, True), (84.9, False), (100.0, True), (125.0, True), (125.1, False)]
)
def test_a_moment_is_right_a_quarter_of_a_minute_around_what_was_confirmed(start_s: float, right: bool) -> None:
    assert is_right(question("a", at_s=100.0), "r", start_s) is right
    assert not is_right(question("a", at_s=100.0), "another", start_s)


def test_the_figures_count_the_first_right_moment_and_say_what_is_left_out() -> None:
    answers = {"a": ("r", "x"), "b": ("x", "y", "r"), "c": ("x",), "d": ()}
    questions = OwnSet(tuple(question(key) for key in answers), gone=2)
    report = ask_own(questions, lambda asked: answer_from(*answers[asked.id]))
    assert report.right == (0.25, 0.5, 0.5)
    assert report.ranks == {"a": 1, "b": 3, "c": None, "d": None}
    told = "\n".join(report.lines())
    assert "4 questions that people confirmed a moment for; 2 more are left out" in told
    assert "right at 1: 25.0 [" in told
    assert f"fewer than {FEW} questions" in told
    assert "what of" not in told + str(report.as_document()), "no word of a question"


def test_trainers_and_askers_are_told_apart() -> None:
    questions = OwnSet((question("a"), question("b", source="trainer")))
    report = ask_own(questions, lambda asked: answer_from("r" if asked.id == "a" else "x"))
    by_source = report.as_document()["by"]["source"]  # type: ignore[index]
    assert {name: sheet["right at 1"]["value"] for name, sheet in by_source.items()} == {"confirmed": 1, "trainer": 0}


def test_what_was_found_with_less_than_it_should_is_said() -> None:
    report = ask_own(OwnSet((question("a"),)), lambda _: replace(answer_from("r"), notes=(NOTE_WORDS_ALONE,)))
    assert report.notes == {NOTE_WORDS_ALONE: 1}
    assert any("1 were found by words and sounds alone" in line for line in report.lines())


def test_two_runs_are_compared_over_what_both_were_asked() -> None:
    before = {f"q{number}": 1 if number < 20 else None for number in range(100)}
    after = {f"q{number}": 1 if number < 60 else None for number in range(120)}
    [first, *_rest] = compared(before, after)
    assert (first.name, first.better, first.worse) == ("right at 1", 40, 0)
    assert first.change == pytest.approx(0.4)
    assert in_words(first).startswith("better by 40.0 points, 95 % interval +")
    assert in_words(first).endswith(": likely better")
    assert in_words(compared(after, before)[0]).endswith(": likely worse")
    one_changed = before | {"q0": None}
    assert in_words(compared(before, one_changed)[0]).endswith(": no difference to be seen")
    assert in_words(compared(before, before)[0]).startswith("the same")
    assert compared(before, {"else": 1}) == ()
