"""The demo course in data/ is whole: every recording has its truth, every question its sound and its stretch."""

from pathlib import Path

import av
import pytest

from earmark.demo import DATA, Expected, find_courses, read_questions, read_truth

RECORDINGS = {name: course.folder / name for course in find_courses(DATA) for name in course.recordings}


def length_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))


def test_the_course_is_four_recordings_or_more_of_eight_to_ten_minutes_together() -> None:
    assert len(RECORDINGS) >= 4
    assert 480 <= sum(map(length_s, RECORDINGS.values())) <= 600


def test_nothing_lies_beside_the_sound_that_would_help_hearing_it() -> None:
    assert {path.suffix for path in RECORDINGS.values()} == {".opus"}


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recording_has_its_truth(recording: str) -> None:
    assert len(read_truth(DATA, recording).split()) > 200


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 3_000_000


def test_questions_are_spoken_and_typed_and_some_have_no_answer() -> None:
    kinds = {(question.audio is not None, question.expected is not None) for question in read_questions(DATA)}
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}


@pytest.mark.parametrize("question", read_questions(DATA), ids=lambda question: question.id)
def test_every_question_points_into_a_recording_and_its_sound_is_there(question) -> None:  # type: ignore[no-untyped-def]
    if question.audio:
        assert 1 < length_s(question.audio) < 10
    if question.expected:
        assert_inside(question.expected)


def assert_inside(expected: Expected) -> None:
    assert 0 < expected.start_s < expected.end_s <= length_s(RECORDINGS[expected.recording])


def test_every_recording_is_asked_about() -> None:
    asked = {question.expected.recording for question in read_questions(DATA) if question.expected}
    assert asked == set(RECORDINGS)
