"""A kept run comes back as it was, holds no text, and is refused by name where it is broken."""

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from assistant.errors import BadInput
from earmark.bench.outcomes import Outcome
from earmark.bench.runs import Data, Run, Task, data_of, read_run, run_of, source_commit, write_run
from tests.earmark.bench.made_outcomes import many, outcome

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
DATA = Data("demo", {"corpus.jsonl": "0" * 64})


def run(outcomes: list[Outcome], task: Task = Task.RETRIEVAL) -> Run:
    return run_of(
        task, DATA, outcomes, passages=12, embedder="tiny", embedder_digest="1" * 64, reranker="reads", now=NOON
    )


@given(many(fewest=0))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_run_comes_back_as_it_was(tmp_path: Path, outcomes: list[Outcome]) -> None:
    write_run(tmp_path / "deep" / "run.json", run(outcomes))
    assert read_run(tmp_path / "deep" / "run.json") == run(outcomes)


def test_the_same_run_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_run(tmp_path / name, run([outcome("a"), outcome("b", answerable=False)]))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert len((tmp_path / "one").read_text().splitlines()[-5:]) == 5


def test_the_digest_of_the_data_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = data_of("demo", [tmp_path / "a", tmp_path / "absent"])
    (tmp_path / "a").write_text("y")
    assert list(before.files) == ["a"]
    assert data_of("demo", [tmp_path / "a"]).digest != before.digest


def test_a_folder_that_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    assert source_commit(tmp_path) is None


def test_the_commit_of_a_checkout_is_told() -> None:
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        pytest.skip("the source is no checkout here")
    assert len((source_commit(root) or "").removesuffix("-dirty")) == 40


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 9}, "format"),
        ({"task": "cooking"}, "cooking"),
        ({"questions": [["a"]]}, "ValueError"),
        ({"data": None}, "TypeError"),
        ({"columns": ["id"], "questions": [["a"]]}, "start_error_s"),
    ],
)
def test_a_broken_run_is_refused_by_name(tmp_path: Path, change: dict[str, object], told: str) -> None:
    path = tmp_path / "run.json"
    write_run(path, run([outcome("a")]))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=told) as refused:
        read_run(path)
    assert "run.json" in str(refused.value)


def test_a_packed_run_comes_back_and_is_the_same_file_again(tmp_path: Path) -> None:
    made = run([outcome(f"q{at}", covered=at / 100) for at in range(100)])
    for name in ("one.json.gz", "two.json.gz", "plain.json"):
        write_run(tmp_path / name, made)
    assert read_run(tmp_path / "one.json.gz") == read_run(tmp_path / "plain.json") == made
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()
    assert (tmp_path / "one.json.gz").stat().st_size < (tmp_path / "plain.json").stat().st_size / 4


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_a_packed_run_that_was_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "run.json.gz"
    write_run(path, run([outcome("a")]))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadInput, match=r"run\.json\.gz"):
        read_run(path)


@pytest.mark.parametrize("text", ["", "[1]", "{}", "not JSON"])
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadInput, match=r"x\.json"):
        read_run(tmp_path / "x.json")


def test_a_question_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run.json", run([outcome("a"), outcome("a")]))
    with pytest.raises(BadInput, match="twice"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(("covered", "probability"), [(1.2, 0.5), (0.5, -0.1), (float("nan"), 0.5)])
def test_what_is_no_probability_is_refused(covered: float, probability: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        outcome(covered=covered, probability=probability)
