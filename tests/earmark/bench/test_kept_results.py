"""The runs that are kept in bench/results, and the tables that are made of them."""

from pathlib import Path

import pytest

from bench.finding import RESULTS, SUFFIX, kept_in, ran, row, sets_in, tables
from earmark.bench.outcomes import Outcome
from earmark.bench.runs import Data, Run, Task, run_of
from knowledge.finding.moment import Verdict
from tests.earmark.bench.bench_embedding import EMBEDDER
from tests.earmark.bench.made_outcomes import outcome
from tests.earmark.bench.test_lectures import write_lectures
from tests.earmark.bench.test_retrieval import write_set

BENCHMARKS = Path(__file__).parents[3] / "docs" / "benchmarks.md"
LARGEST_BYTES = 300_000


@pytest.mark.parametrize("path", sorted(RESULTS.glob(f"*{SUFFIX}")), ids=lambda path: path.name)
def test_a_kept_run_is_small_and_its_row_stands_in_the_docs(path: Path) -> None:
    assert path.stat().st_size < LARGEST_BYTES
    name = path.name.removesuffix(SUFFIX)
    assert row(name, kept_in(RESULTS)[name]) in BENCHMARKS.read_text(encoding="utf-8").splitlines()


def run(outcomes: list[Outcome], task: Task = Task.RETRIEVAL) -> Run:
    return run_of(task, Data("made", {}), outcomes, passages=9)


def test_a_row_says_what_was_found_and_what_was_rightly_refused() -> None:
    sure = [outcome(f"a{at}", covered=0.9, probability=0.9, verdict=Verdict.ANSWERED) for at in range(3)]
    mistaken = outcome("b", rank=2, covered=0.8, probability=0.8, verdict=Verdict.ANSWERED)
    untaught = [outcome(f"c{at}", answerable=False, covered=0.1, probability=0.1) for at in range(4)]
    near = outcome("near", answerable=False, near=True, covered=0.9, probability=0.9, verdict=Verdict.ANSWERED)
    cells = row("made", run([*sure, mistaken, *untaught, near])).strip("| ").split(" | ")
    assert cells[0] == "made"
    assert cells[1].startswith("75.0 [")
    assert cells[2:] == ["100.0", "100.0", "87.5", "90.8", "100 / 75", "100", "100.0", "100.0", "11.2"]


def test_without_untaught_questions_nothing_is_said_of_refusing() -> None:
    assert row("made", run([outcome("a"), outcome("b", rank=None)])).endswith("| 0 / - | - | - | - | - |")


def test_each_kind_of_run_has_a_table_with_a_cell_under_every_head() -> None:
    runs = {"one": run([outcome("a")]), "two": run([outcome("a", start_error_s=1.5)], Task.LECTURES)}
    lines = [line for line in tables(runs) if line]
    assert len({line.count("|") for line in lines[:3]}) == len({line.count("|") for line in lines[3:]}) == 1
    assert "1.5 s" in lines[-1]


def test_all_sets_of_a_folder_are_run_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "retrieval").mkdir()
    write_set(tmp_path / "retrieval" / "small")
    segments = write_lectures(tmp_path / "lectures") / "segments.jsonl"
    segments.with_name("segments_asr.jsonl").write_text(segments.read_text())
    assert sets_in(tmp_path) == ["small", "lectures", "lectures-misheard"]
    runs = {name: ran(tmp_path, name, EMBEDDER) for name in sets_in(tmp_path)}
    assert {name: each.task.value for name, each in runs.items()} == {
        "small": "retrieval",
        "lectures": "lectures",
        "lectures-misheard": "lectures",
    }
    assert "segments_asr.jsonl" in runs["lectures-misheard"].data.files
