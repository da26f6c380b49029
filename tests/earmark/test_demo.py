"""What the demo finds and how it judges, over the real demo course and a small stand-in for the product."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from assistant.answering.answer import Answer
from assistant.errors import BadInput, BadMedia, RecognizerDown
from earmark.demo import (
    DATA,
    AskedSample,
    DemoCourse,
    Doors,
    HeardRecording,
    SampleQuestion,
    Summary,
    find_courses,
    read_questions,
    read_truth,
    run_demo,
)
from knowledge.finding.moment import Verdict
from tests.earmark.demo_answers import TYPED, UNANSWERABLE, answer, moment


def judged(question: SampleQuestion, given: Answer) -> bool:
    return AskedSample(question, given, None, 1.0).right


class Product:
    """Hears everything as it was said and gives the best moment of every question, in order of asking."""

    def __init__(self) -> None:
        self.indexed: list[str] = []
        self.asked: list[str] = []

    def index(self, course: DemoCourse) -> None:
        self.indexed.append(course.name)

    def transcript(self, _course: str, recording: str) -> str | None:
        return read_truth(DATA, recording)

    def ask(self, question: SampleQuestion) -> Answer:
        self.asked.append(question.id)
        if question.expected is None:
            return answer(verdict=Verdict.ABSENT)
        return answer(moment(question.expected.recording, question.expected.start_s))

    @property
    def doors(self) -> Doors:
        return Doors(self.index, self.transcript, self.ask)


def ticking() -> Iterator[float]:
    return map(float, count())


def test_a_moment_in_the_answering_stretch_is_right() -> None:
    assert judged(TYPED, answer(moment("fire.opus", 60.0)))
    assert judged(TYPED, answer(moment("fire.opus", 69.9)))


def test_a_moment_a_little_early_is_right_and_a_late_one_is_not() -> None:
    assert judged(TYPED, answer(moment("fire.opus", 45.0)))
    assert not judged(TYPED, answer(moment("fire.opus", 44.9)))
    assert not judged(TYPED, answer(moment("fire.opus", 70.1)))


def test_the_right_second_of_another_recording_is_wrong() -> None:
    assert not judged(TYPED, answer(moment("flood.opus", 60.0)))


def test_only_the_first_moment_counts_and_the_place_of_the_right_one_is_told() -> None:
    given = answer(moment("flood.opus", 60.0), moment("fire.opus", 60.0))
    assert not judged(TYPED, given)
    assert AskedSample(TYPED, given, None, 1.0).place == 2


def test_the_right_moment_under_a_no_is_right_but_wrongly_refused() -> None:
    one = AskedSample(TYPED, answer(moment("fire.opus", 60.0), verdict=Verdict.ABSENT), None, 1.0)
    assert one.right
    assert one.wrongly_refused
    assert not AskedSample(UNANSWERABLE, answer(verdict=Verdict.ABSENT), None, 1.0).wrongly_refused


def test_no_moment_for_an_answerable_question_is_wrong() -> None:
    assert not judged(TYPED, answer(verdict=Verdict.ABSENT))


def test_an_unanswerable_question_must_not_be_answered() -> None:
    assert judged(UNANSWERABLE, answer(verdict=Verdict.ABSENT))
    assert judged(UNANSWERABLE, answer(moment("fire.opus", 60.0), verdict=Verdict.CLOSEST))
    assert not judged(UNANSWERABLE, answer(moment("fire.opus", 60.0), verdict=Verdict.ANSWERED))


def test_the_demo_indexes_every_course_then_tells_how_well_it_was_heard_then_asks() -> None:
    product = Product()
    seconds = ticking()
    found = list(run_demo(product.doors, clock=lambda: next(seconds)))
    assert product.indexed == [course.name for course in find_courses(DATA)]
    heard = [one for one in found if isinstance(one, HeardRecording)]
    asked = [one for one in found if isinstance(one, AskedSample)]
    assert [one.wer for one in heard] == [0.0] * 5
    assert [one.question.id for one in asked] == [question.id for question in read_questions(DATA)]
    assert {one.took_s for one in asked} == {1.0}
    summary = Summary(tuple(heard), tuple(asked)).as_document()["summary"]
    assert all(counts["right"] == counts["of"] > 0 for counts in summary.values())


def test_a_recording_that_was_not_indexed_has_no_error_rate() -> None:
    product = Product()
    found = run_demo(Doors(product.index, lambda _course, _recording: None, product.ask))
    assert next(found).as_document()["wer"] is None


def test_a_question_that_fails_is_told_and_the_rest_go_on() -> None:
    product = Product()

    def ask(question: SampleQuestion) -> Answer:
        if question.audio:
            raise BadMedia("question.flac: no audio track", "record it again")
        return product.ask(question)

    asked = [one for one in run_demo(Doors(product.index, product.transcript, ask)) if isinstance(one, AskedSample)]
    failed = [one for one in asked if one.error]
    assert len(asked) == len(read_questions(DATA))
    assert {one.question.audio is not None for one in failed} == {True}
    assert failed[0].as_document()["error"] == "question.flac: no audio track; record it again"
    assert not any(one.right for one in failed)


def test_a_part_that_is_down_ends_the_demo() -> None:
    product = Product()

    def ask(_question: SampleQuestion) -> Answer:
        raise RecognizerDown("the engine does not answer")

    with pytest.raises(RecognizerDown):
        list(run_demo(Doors(product.index, product.transcript, ask)))


def test_a_clone_without_the_course_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the demo course is not there; run the demo from a whole clone"):
        list(run_demo(Product().doors, tmp_path))


@pytest.mark.parametrize("row", ["{", "[]", '{"id": "a"}', '{"id": "a", "text": "b", "expect": {"start_s": 1}}'])
def test_a_broken_question_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    good = json.dumps({"id": "a", "text": "b", "expect": None})
    (tmp_path / "questions.jsonl").write_text(f"{good}\n{row}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"questions\.jsonl, line 2: not a sample question"):
        read_questions(tmp_path)
