"""`earmark bench` as a person runs it: a small set, kept twice, compared, and filled up."""

import json
from pathlib import Path

import pytest

from knowledge.model_files import MINILM, packaged_model_folder
from tests.earmark.bench.test_curve import OTHERS
from tests.earmark.bench.test_lectures import write_lectures
from tests.earmark.bench.test_retrieval import QUESTIONS, lines, write_set
from tests.product.running import earmark
from tests.small_cross_encoder import small_cross_encoder

pytestmark = pytest.mark.slow


def test_a_run_is_kept_and_compared_with_another(tmp_path: Path) -> None:
    folder, home = write_set(tmp_path / "set"), tmp_path / "home"
    told = earmark(home, "bench", "retrieval", "--beir", folder, "--keep", tmp_path / "one.json")
    assert told.code == 0, told.err
    assert "R@1: 100.0 [100.0, 100.0]" in told.out
    assert "covered: told → share true" in told.out

    again = earmark(home, "bench", "retrieval", "--beir", folder, "--keep", tmp_path / "two.json", "--json")
    assert again.json["R@1"]["value"] == 1.0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    assert one["embedder"]["name"]
    assert {**one, "made_at": ""} == {**two, "made_at": ""}
    assert not any(text in (tmp_path / "one.json").read_text() for text, _ in QUESTIONS.values())

    compared = earmark(home, "bench", "compare", tmp_path / "one.json", tmp_path / "two.json")
    assert compared.code == 0, compared.err
    assert "R@1: 100.0 → 100.0, +0.0 [0.0, 0.0], p 1.0000, 0 better, 0 worse" in compared.out


def test_runs_over_other_questions_are_refused(tmp_path: Path) -> None:
    folder, home = write_lectures(tmp_path / "lectures"), tmp_path / "home"
    arguments = ("bench", "lectures", folder, "--results", tmp_path / "r.jsonl", "--keep")
    assert earmark(home, *arguments, tmp_path / "one.json").code == 0
    questions = (folder / "questions.jsonl").read_text().splitlines()
    (folder / "questions.jsonl").write_text(questions[0])
    assert earmark(home, *arguments, tmp_path / "two.json").code == 0

    refused = earmark(home, "bench", "compare", tmp_path / "one.json", tmp_path / "two.json")
    assert refused.code == 2
    assert "second run lacks 1 questions (b)" in refused.err


def test_a_corpus_is_filled_up(tmp_path: Path) -> None:
    folder, home = write_set(tmp_path / "set"), tmp_path / "home"
    lines(tmp_path / "others.jsonl", [{"text": text} for text in OTHERS])
    filling = ("bench", "retrieval", "--beir", folder, "--distractors", tmp_path / "others.jsonl", "--at")
    told = earmark(home, *filling, "30", "--made-vectors", "--keep", tmp_path / "run.json")
    assert told.code == 0, told.err
    assert "4 passages, 0 of them distractors, 0 recombined ones" in told.out
    assert "not embedded themselves" in told.out
    assert (tmp_path / "run-4.json").is_file()

    refused = earmark(home, *filling, "many")
    assert refused.code == 2
    assert "--at 'many'" in refused.err


def test_a_reranker_is_measured_before_it_is_switched_on(tmp_path: Path) -> None:
    folder, home = write_set(tmp_path / "set"), tmp_path / "home"
    bench = ("bench", "retrieval", "--beir", folder, "--keep")
    assert earmark(home, *bench, tmp_path / "without.json").code == 0
    model = small_cross_encoder(tmp_path / "small")
    told = earmark(home, *bench, tmp_path / "with.json", "--reranker", model)
    assert told.code == 0, told.err
    assert "were done within the 1 s" in told.err

    assert json.loads((tmp_path / "with.json").read_text())["reranker"]["name"] == "small"
    compared = earmark(home, "bench", "compare", tmp_path / "without.json", tmp_path / "with.json")
    assert "the reranker differs: none, small" in compared.out

    refused = earmark(home, *bench, tmp_path / "wrong.json", "--reranker", packaged_model_folder(MINILM))
    assert refused.code == 2
    assert "is no cross-encoder but BertModel" in refused.err
