"""The moments bench over an asker that is told what to say."""

import json
from pathlib import Path

from earmark.bench.moments import Pointed, Pointing, bench_moments

QUESTIONS = [
    {"id": "a", "question": "same?", "recording": "recordings/r.flac", "start_s": 30.0, "end_s": 40.0,
     "words": "same", "spoken_flite": "questions/a.flite.flac"},
    {"id": "b", "question": "other?", "recording": "recordings/r.flac", "start_s": 60.0, "end_s": 70.0,
     "words": "other", "spoken_flite": "questions/b.flite.flac"},
    {"id": "c", "question": "none?", "recording": None, "start_s": None, "end_s": None,
     "words": "none", "spoken_flite": "questions/c.flite.flac"},
]  # fmt: skip
ANSWERS = {
    "same?": [31.0],
    "other?": [5.0, 50.0],
    "none?": [1.0],
    "a.flite.flac": [70.0],
    "b.flite.flac": [],
    "c.flite.flac": [],
}


def ask(question: str | Path) -> Pointing:
    said = question if isinstance(question, str) else question.name
    return Pointing([Pointed("r.flac", start_s, start_s + 5) for start_s in ANSWERS[said]], said == "none?")


def run(folder: Path) -> tuple[dict[str, float], list[Path]]:
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    indexed: list[Path] = []
    report = bench_moments(folder, index=indexed.append, ask=ask, results=folder / "results.jsonl")
    return {name: figure.value for name, figure in report.figures.items()}, indexed


def test_the_recordings_are_indexed_once(tmp_path: Path) -> None:
    assert run(tmp_path)[1] == [tmp_path / "recordings"]


def test_a_start_inside_or_a_little_before_is_right(tmp_path: Path) -> None:
    figures, _ = run(tmp_path)
    assert figures["typed all right@1 15s"] == 0.5
    assert figures["typed all right@3 15s"] == 1.0
    assert figures["typed all right@3 2s"] == 0.5
    assert figures["typed other right@1 15s"] == 0.0
    assert figures["flite all right@1 15s"] == 0.0


def test_an_untaught_question_that_is_answered_is_counted(tmp_path: Path) -> None:
    figures, _ = run(tmp_path)
    assert figures["typed refused where untaught"] == 0.0
    assert figures["flite refused where untaught"] == 1.0


def test_what_each_question_got_is_written_down(tmp_path: Path) -> None:
    run(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a.typed", "a.flite", "b.typed", "b.flite", "c.typed", "c.flite"]
