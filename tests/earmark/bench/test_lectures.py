"""Lectures through a real home: the line a question gets, and the same line again."""

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadInput
from earmark.bench.bench_home import BenchReranker
from earmark.bench.lectures import bench_lectures
from tests.earmark.bench.bench_embedding import EMBEDDER

SAID = ["welcome to this lecture", "a tokenizer cuts text into pieces", "the optimizer changes the weights"]


def write_lectures(folder: Path) -> Path:
    folder.mkdir()
    segments = [
        {"recording": "one", "start_s": 4.0 * at, "end_s": 4.0 * at + 3.5, "text": text} for at, text in enumerate(SAID)
    ]
    answer = {"recording": "one", "start_s": 4.0, "end_s": 7.5}
    questions = [
        {"id": "a", "language": "en", "question": "What does a tokenizer cut?", "answers": [answer], "kind": "x"},
        {"id": "b", "language": "en", "question": "Who won the cup?", "answers": [], "kind": "unanswerable"},
    ]
    recordings = [{"recording": "one", "title": "Lecture one", "language": "en"}]
    for name, rows in {"segments": segments, "questions": questions, "recordings": recordings}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_the_second_an_answer_begins_is_written_down(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    report = bench_lectures(write_lectures(tmp_path / "set"), tmp_path / "home", EMBEDDER, results=results)
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["hits"][0]["start_s"] == 4.0
    assert not rows[1]["confident"]
    assert report.figures["moment@1"].value == 1.0


def test_how_far_off_a_start_was_and_what_was_misheard(tmp_path: Path) -> None:
    folder = write_lectures(tmp_path / "set")
    heard = (folder / "segments.jsonl").read_text().replace("cuts text into", "cuts texts into")
    (tmp_path / "heard.jsonl").write_text(heard)
    report = bench_lectures(
        folder, tmp_path / "home", EMBEDDER, results=tmp_path / "r.jsonl", segments=tmp_path / "heard.jsonl"
    )
    first, second = report.outcomes
    assert (first.ranks, first.start_error_s, first.wer) == ((1,), 0.0, pytest.approx(1 / 6, abs=1e-4))
    assert (second.answerable, second.ranks, second.wer) == (False, (), None)
    assert str(report.figures["start error median"]) == "0.0 s [0.0 s, 0.0 s]"
    assert set(report.quality.groups) == {"kind", "language and kind"}


def test_a_rerun_gives_the_same_file(tmp_path: Path) -> None:
    folder = write_lectures(tmp_path / "set")
    for run in ("one", "two"):
        bench_lectures(folder, tmp_path / run, EMBEDDER, results=tmp_path / f"{run}.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_another_transcript_may_be_given(tmp_path: Path) -> None:
    folder = write_lectures(tmp_path / "set")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"recording": "one", "start_s": 50.0, "end_s": 51.0, "text": "tokenizer"}))
    bench_lectures(folder, tmp_path / "home", EMBEDDER, results=tmp_path / "r.jsonl", segments=other)
    assert json.loads((tmp_path / "r.jsonl").read_text().splitlines()[0])["hits"][0]["start_s"] == 50.0


@pytest.mark.parametrize(
    "line",
    [
        '{"recording": "unknown", "start_s": 0, "end_s": 1, "text": "x"}',
        '{"recording": "one", "start_s": 2, "end_s": 1, "text": "x"}',
        '{"recording": "one", "start_s": 0, "text": "x"}',
    ],
)
def test_broken_segments_are_refused(tmp_path: Path, line: str) -> None:
    folder = write_lectures(tmp_path / "set")
    (folder / "segments.jsonl").write_text(line)
    with pytest.raises(BadInput):
        bench_lectures(folder, tmp_path / "home", EMBEDDER, results=tmp_path / "r.jsonl")


def test_a_reranker_that_is_given_has_its_say(tmp_path: Path) -> None:
    folder = write_lectures(tmp_path / "set")
    more = [{"recording": "two", "start_s": 4.0, "end_s": 8.0, "text": "a tokenizer is a cutter"}]
    more += [{"recording": f"r{at}", "start_s": 4.0, "end_s": 8.0, "text": f"a tokenizer {at}"} for at in range(9)]
    names = {"recordings": [{"recording": each["recording"], "language": "en"} for each in more], "segments": more}
    for name, rows in names.items():
        with (folder / f"{name}.jsonl").open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def first(prefers: str, home: str) -> str:
        reranker = BenchReranker(lambda _, texts: np.array([prefers in text for text in texts], np.float32), "0" * 64)
        results = tmp_path / f"{home}.jsonl"
        bench_lectures(folder, tmp_path / home, EMBEDDER, results=results, reranker=reranker)
        return str(json.loads(results.read_text().splitlines()[0])["hits"][0]["recording"])

    assert first("pieces", "home") == "one"
    assert first("cutter", "other") == "two"
