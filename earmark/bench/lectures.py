"""Lectures: timed transcripts and questions in, the moments pointed at out, one JSON line a question.

The lines are what score_moments.py reads; the figures here are the same rule, for a first look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from earmark.bench.bench_home import (
    BenchEmbedder,
    BenchHome,
    GivenRecording,
    Progress,
    opened_bench,
    silent_progress,
)
from earmark.bench.jsonl import read_jsonl, write_jsonl
from earmark.bench.metrics import Figure, mean_figure
from knowledge.finding.moment import Found, Verdict
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource

TOLERANCE_S = 15.0
DIGITS = 3


@dataclass(frozen=True, slots=True)
class LecturesReport:
    """`moment@k`: share of answerable questions with a right start among the first k, within TOLERANCE_S."""

    figures: Mapping[str, Figure]

    def as_document(self) -> dict[str, object]:
        return {name: figure.as_document() for name, figure in self.figures.items()}


def bench_lectures(
    folder: Path,
    home: Path,
    embedder: BenchEmbedder | None,
    *,
    results: Path,
    segments: Path | None = None,
    progress: Progress = silent_progress,
) -> LecturesReport:
    """`segments`: another transcript than segments.jsonl. `results` is the same file on a rerun."""
    recordings = read_jsonl(folder / "recordings.jsonl", needs=("recording",))
    spoken = read_jsonl(segments or folder / "segments.jsonl", needs=("recording", "start_s", "end_s", "text"))
    questions = read_jsonl(folder / "questions.jsonl", needs=("id", "question"))
    with opened_bench(home, embedder) as opened:
        opened.fill(given_recordings(recordings, spoken), progress=progress)
        rows = _ask_all(opened, questions, progress)
    write_jsonl(results, rows)
    return LecturesReport(_figures(questions, rows))


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


def _ask_all(home: BenchHome, questions: Sequence[Mapping[str, Any]], progress: Progress) -> list[dict[str, object]]:
    view = home.index.view()
    rows = []
    for done, question in enumerate(questions):
        progress("asking", done, len(questions))
        found = home.ask(str(question["question"]), view=view)
        rows.append(_row(str(question["id"]), found, home.names))
    return rows


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


def _figures(questions: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    pairs = [(question.get("answers") or [], row) for question, row in zip(questions, rows, strict=True)]
    taught = [pair for pair in pairs if pair[0]]
    figures = {
        f"moment@{k}": mean_figure([float(_right(answers, row["hits"][:k])) for answers, row in taught])
        for k in (1, 3, 5)
    }
    said = [pair for pair in pairs if pair[1]["confident"]]
    figures["right where confident"] = mean_figure([float(_right(answers, row["hits"][:1])) for answers, row in said])
    figures["confident where taught"] = mean_figure([float(row["confident"]) for _, row in taught])
    figures["refused where untaught"] = mean_figure(
        [float(not row["confident"]) for answers, row in pairs if not answers]
    )
    return figures


def _right(answers: Sequence[Mapping[str, Any]], hits: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        hit["recording"] == answer["recording"]
        and answer["start_s"] - TOLERANCE_S <= hit["start_s"] <= answer["end_s"] + TOLERANCE_S
        for hit in hits
        for answer in answers
    )
