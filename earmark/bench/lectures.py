"""Lectures: timed transcripts and questions in, the moments pointed at out, one JSON line a question.

The lines are what score_moments.py reads; the figures here are the same rule, for a first look.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from earmark.bench.bench_home import (
    BenchEmbedder,
    BenchHome,
    BenchReranker,
    GivenRecording,
    Progress,
    opened_bench,
    silent_progress,
)
from earmark.bench.grouping import labels_by
from earmark.bench.jsonl import read_jsonl, write_jsonl
from earmark.bench.kept_vectors import prepared
from earmark.bench.measures import lectures_measures
from earmark.bench.metrics import Figure
from earmark.bench.misheard import Misheard
from earmark.bench.outcomes import Outcome
from earmark.bench.quality import Quality, quality_of
from earmark.bench.runs import Data, data_of
from knowledge.finding.moment import Found, Verdict
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource

TOLERANCE_S = 15.0
DIGITS = 3


@dataclass(frozen=True, slots=True)
class LecturesReport:
    """`moment@k`: share of answerable questions with a right start among the first k, within TOLERANCE_S.

    `passages`: searched for each question.
    """

    data: Data
    recordings: int
    passages: int
    quality: Quality
    outcomes: tuple[Outcome, ...] = field(repr=False)

    @property
    def figures(self) -> Mapping[str, Figure]:
        return self.quality.everything.figures

    def as_document(self) -> dict[str, object]:
        return {"recordings": self.recordings, "passages": self.passages, **self.quality.as_document()}

    def lines(self) -> Iterator[str]:
        yield f"{self.recordings} recordings, {self.passages} passages"
        yield from self.quality.lines()


def bench_lectures(
    folder: Path,
    home: Path,
    embedder: BenchEmbedder | None,
    *,
    results: Path,
    segments: Path | None = None,
    group_by: Sequence[str] = (),
    reranker: BenchReranker | None = None,
    progress: Progress = silent_progress,
) -> LecturesReport:
    """`segments`: another transcript than segments.jsonl. `results` is the same file on a rerun."""
    files = [folder / "recordings.jsonl", segments or folder / "segments.jsonl", folder / "questions.jsonl"]
    recordings = read_jsonl(files[0], needs=("recording",))
    spoken = _read_segments(files[1])
    written = _read_segments(folder / "segments.jsonl") if segments else []
    questions = read_jsonl(files[2], needs=("id", "question"))
    extra = {name: labels_by(((str(row["id"]), row) for row in questions), name, folder) for name in group_by}
    given = given_recordings(recordings, spoken)
    ready = prepared(embedder)
    with opened_bench(home, ready.embedder, reranker) as opened:
        ready.passages(given, progress)
        opened.fill(given, progress=progress)
        ready.questions((str(each["question"]) for each in questions), progress)
        asked = _ask_all(opened, questions, progress)
        rows = [_row(str(question["id"]), found, opened.names) for question, found in asked]
        passages = opened.count(opened.index.view())
    write_jsonl(results, rows)
    misheard = Misheard(recordings, written, spoken)
    outcomes = tuple(
        _outcome(question, found, row, misheard.rate(question))
        for (question, found), row in zip(asked, rows, strict=True)
    )
    return LecturesReport(
        data=data_of(
            folder.name,
            [folder / "recordings.jsonl", segments or folder / "segments.jsonl", folder / "questions.jsonl"],
        ),
        recordings=len(given),
        passages=passages,
        quality=quality_of(outcomes, lectures_measures(), extra=extra),
        outcomes=outcomes,
    )


def _read_segments(path: Path) -> list[dict[str, Any]]:
    return read_jsonl(path, needs=("recording", "start_s", "end_s", "text"))


def given_recordings(
    recordings: Sequence[Mapping[str, Any]], spoken: Sequence[Mapping[str, Any]]
) -> list[GivenRecording]:
    """Rows of recordings.jsonl and of segments, as recordings of which only the transcript is known."""
    languages = {str(row["recording"]): str(row.get("language") or UNDETERMINED) for row in recordings}
    by_recording: dict[str, list[Segment]] = {name: [] for name in languages}
    for row in spoken:
        name = str(row["recording"])
        if name not in by_recording:
            raise BadInput(f"segments of {name!r}, which recordings.jsonl does not name")
        by_recording[name].append(_segment(row, languages[name]))
    titles = {str(row["recording"]): str(row.get("title") or "") for row in recordings}
    return [
        GivenRecording(name, titles[name], sorted(said, key=lambda each: each.start_s))
        for name, said in by_recording.items()
    ]


def _segment(row: Mapping[str, Any], language: str) -> Segment:
    try:
        return Segment(float(row["start_s"]), float(row["end_s"]), str(row["text"]), language, TimeSource.SUBTITLE)
    except ValueError as error:
        raise BadInput(f"segments of {row['recording']}: {error}") from error


def _ask_all(
    home: BenchHome, questions: Sequence[Mapping[str, Any]], progress: Progress
) -> list[tuple[Mapping[str, Any], Found]]:
    view = home.index.view()
    asked = []
    for done, question in enumerate(questions):
        progress("asking", done, len(questions))
        asked.append((question, home.ask(str(question["question"]), view=view)))
    return asked


def _row(key: str, found: Found, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "id": key,
        "confident": found.verdict is Verdict.ANSWERED,
        "probability": round(found.probability, DIGITS),
        "covered": round(found.covered, DIGITS),
        "hits": [
            {
                "recording": names[hit.recording_id],
                "start_s": round(hit.start_s, DIGITS),
                "end_s": round(hit.end_s, DIGITS),
            }
            for hit in found.hits
        ],
    }


def _outcome(question: Mapping[str, Any], found: Found, row: Mapping[str, Any], wer: float | None) -> Outcome:
    """Judged as score_moments.py judges the row that was written."""
    answers = question.get("answers") or []
    errors = [_start_errors(answers, hit) for hit in row["hits"]]
    rank = next((place for place, each in enumerate(errors, 1) if each), None)
    return Outcome(
        id=str(question["id"]),
        answerable=bool(answers),
        ranks=() if rank is None else (rank,),
        relevant=1 if answers else 0,
        start_error_s=round(min(errors[0]), DIGITS) if rank == 1 else None,
        covered=found.covered,
        probability=found.probability,
        verdict=found.verdict,
        language=str(question.get("language") or ""),
        kind=str(question.get("kind") or ""),
        wer=wer,
    )


def _start_errors(answers: Sequence[Mapping[str, Any]], hit: Mapping[str, Any]) -> list[float]:
    """How far the hit starts from each answer it is right for."""
    return [
        abs(hit["start_s"] - answer["start_s"])
        for answer in answers
        if hit["recording"] == answer["recording"]
        and answer["start_s"] - TOLERANCE_S <= hit["start_s"] <= answer["end_s"] + TOLERANCE_S
    ]
