"""`earmark demo`: index the demo course, say how well it was heard, ask it the sample questions, judge each answer.

Knows the files of data/ and what a right answer is. How to index, to ask and to read a transcript comes in as
functions, so it works the same with a live server and without; how it looks is demo_showing's.
"""

import json
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.answering.answer import Answer, AnsweredHit
from assistant.errors import BadInput, EarmarkError, PartDown
from earmark.bench.error_rates import normalised, word_errors
from knowledge.finding.moment import Verdict

DATA = Path(__file__).parent.parent / "data"
LANGUAGE = "en"
EARLY_S = 15.0
"""A moment may start this much before the answering sentence: the listener still hears it soon."""


@dataclass(frozen=True, slots=True)
class DemoCourse:
    """A folder of recordings, called as the course is."""

    name: str
    folder: Path
    recordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """Where the answer is said."""

    recording: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """`audio`: spoken, and `said` is what was said; else typed. `expected` is None where no recording answers."""

    id: str
    said: str
    audio: Path | None
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class Doors:
    """What the demo may do. `transcript` gives what was heard in (course, recording), None where it is not there."""

    index: Callable[[DemoCourse], object]
    transcript: Callable[[str, str], str | None]
    ask: Callable[[SampleQuestion], Answer]


@dataclass(frozen=True, slots=True)
class HeardRecording:
    """`wer`: errors per word of the truth, 0 to 1 and above; None where the recording was not indexed."""

    course: str
    recording: str
    words: int
    wer: float | None

    def as_document(self) -> dict[str, Any]:
        rate = None if self.wer is None else round(self.wer, 4)
        return {"course": self.course, "recording": self.recording, "words": self.words, "wer": rate}


@dataclass(frozen=True, slots=True)
class AskedSample:
    """A sample question and what came back: an answer, or the error in its place. `took_s` is what a person waits."""

    question: SampleQuestion
    answer: Answer | None
    error: str | None
    took_s: float

    @property
    def best(self) -> AnsweredHit | None:
        return self.answer.hits[0] if self.answer and self.answer.hits else None

    @property
    def place(self) -> int | None:
        """The place, from 1, of the first moment where the answer is said; None where no moment is."""
        expected = self.question.expected
        if self.answer is None or expected is None:
            return None
        places = (place for place, hit in enumerate(self.answer.hits, 1) if is_right(hit, expected))
        return next(places, None)

    @property
    def right(self) -> bool:
        """Answerable: the first moment is where the answer is said. Unanswerable: nothing was claimed."""
        if self.question.expected is None:
            return self.answer is not None and not self.answer.confident
        return self.place == 1

    @property
    def wrongly_refused(self) -> bool:
        """Answerable, but taken for "not in the recordings"."""
        refused = self.answer is not None and self.answer.verdict is Verdict.ABSENT
        return refused and self.question.expected is not None

    def as_document(self) -> dict[str, Any]:
        expected = self.question.expected
        return {
            "id": self.question.id,
            "spoken": self.question.audio is not None,
            "said": self.question.said,
            "heard": self.answer.question.text if self.answer else None,
            "verdict": self.answer.verdict.value if self.answer else None,
            "best": _moment_document(self.best),
            "expect": expected
            and {"recording": expected.recording, "start_s": expected.start_s, "end_s": expected.end_s},
            "place": self.place,
            "right": self.right,
            "error": self.error,
            "took_s": round(self.took_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    recordings: tuple[HeardRecording, ...]
    asked: tuple[AskedSample, ...]

    def count(self, *, answerable: bool, spoken: bool) -> tuple[int, int]:
        """How many of these questions were right, and how many there are."""
        chosen = [
            one
            for one in self.asked
            if (one.question.expected is not None) == answerable and (one.question.audio is not None) == spoken
        ]
        return sum(one.right for one in chosen), len(chosen)

    def as_document(self) -> dict[str, Any]:
        return {
            "recordings": [one.as_document() for one in self.recordings],
            "questions": [one.as_document() for one in self.asked],
            "summary": {
                f"{'answerable' if answerable else 'unanswerable'}_{'spoken' if spoken else 'typed'}": dict(
                    zip(("right", "of"), self.count(answerable=answerable, spoken=spoken), strict=True)
                )
                for answerable in (True, False)
                for spoken in (True, False)
            },
        }


def run_demo(
    doors: Doors, data: Path = DATA, *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[HeardRecording | AskedSample]:
    """Index, then a HeardRecording for each recording and an AskedSample for each question, as they come.

    Raises BadInput where data/ is not whole, PartDown where the engine does not answer.
    """
    courses, questions = find_courses(data), read_questions(data)
    for course in courses:
        doors.index(course)
    for course in courses:
        for recording in course.recordings:
            yield compare(course, recording, read_truth(data, recording), doors.transcript(course.name, recording))
    for question in questions:
        yield ask_sample(question, doors.ask, clock=clock)


def compare(course: DemoCourse, recording: str, truth: str, heard: str | None) -> HeardRecording:
    rate = None if heard is None else word_errors([truth], [heard], language=LANGUAGE).rate
    return HeardRecording(course.name, recording, len(normalised(truth, LANGUAGE)), rate)


def ask_sample(
    question: SampleQuestion, ask: Callable[[SampleQuestion], Answer], *, clock: Callable[[], float]
) -> AskedSample:
    """A question that fails is told in its place and the rest go on; a part that is down ends the demo."""
    started = clock()
    try:
        return AskedSample(question, ask(question), None, clock() - started)
    except PartDown:
        raise
    except EarmarkError as error:
        return AskedSample(question, None, str(error), clock() - started)


def is_right(moment: AnsweredHit, expected: Expected) -> bool:
    in_time = expected.start_s - EARLY_S <= moment.hit.start_s <= expected.end_s
    return moment.recording == expected.recording and in_time


def example_questions(recordings: Set[str], data: Path = DATA) -> list[str]:
    """Sample questions that these recordings answer, by name: what to try on a page that has just been opened."""
    if not (data / "questions.jsonl").is_file():
        return []
    return [one.said for one in read_questions(data) if one.expected and one.expected.recording in recordings]


def find_courses(data: Path) -> list[DemoCourse]:
    folders = sorted(path for path in (data / "courses").glob("*") if path.is_dir())
    courses = [
        DemoCourse(folder.name, folder, tuple(sorted(path.name for path in folder.iterdir()))) for folder in folders
    ]
    if not courses:
        raise BadInput(f"{data / 'courses'}: the demo course is not there", "run the demo from a whole clone")
    return courses


def read_truth(data: Path, recording: str) -> str:
    path = data / "truth" / Path(recording).with_suffix(".txt")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def read_questions(data: Path) -> list[SampleQuestion]:
    path = data / "questions.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    return [_question(path, number, line) for number, line in enumerate(lines, 1)]


def _question(path: Path, number: int, line: str) -> SampleQuestion:
    try:
        row = json.loads(line)
        audio = path.parent / row["audio"] if "audio" in row else None
        expected = Expected(**row["expect"]) if row["expect"] else None
        return SampleQuestion(row["id"], row["said"] if audio else row["text"], audio, expected)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}, line {number}: not a sample question: {error!r}") from error


def _moment_document(best: AnsweredHit | None) -> dict[str, Any] | None:
    if best is None:
        return None
    hit = best.hit
    return {
        "recording": best.recording,
        "start_s": round(hit.start_s, 3),
        "end_s": round(hit.end_s, 3),
        "text": hit.sentence.text,
    }
