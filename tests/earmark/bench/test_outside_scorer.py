"""Our figures of lectures are those of the scorer that stands outside the product."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from earmark.bench.lectures import bench_lectures

SHARED = Path(__file__).parents[4] / "shared"
SCORER = SHARED / "tools" / "score_moments.py"
LECTURES = SHARED / "data" / "lectures"
SAME = {
    "moment@1": "moment@1",
    "moment@3": "moment@3",
    "moment@5": "moment@5",
    "MRR": "mrr",
    "start error median": "start_error_median_s",
    "confident precision": "confident_precision",
    "confident recall": "confident_recall",
    "confident F1": "confident_f1",
}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not (SCORER.is_file() and LECTURES.is_dir()), reason="../shared is not here"),
]


@pytest.fixture
def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_moments", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("segments", ["segments.jsonl", "segments_asr.jsonl"])
def test_both_count_the_same(tmp_path: Path, scorer: ModuleType, segments: str) -> None:
    results = tmp_path / "results.jsonl"
    report = bench_lectures(LECTURES, tmp_path / "home", None, results=results, segments=LECTURES / segments)
    questions = [json.loads(line) for line in (LECTURES / "questions.jsonl").read_text().splitlines()]
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    told = scorer.score(questions, rows, bootstrap=0)
    figures = {name: figure.value for name, figure in report.figures.items()}
    for ours, theirs in SAME.items():
        assert figures[ours] == pytest.approx(told["all"][theirs]["value"], abs=1e-4), ours
    assert figures["confident where unanswerable"] == pytest.approx(1 - told["all"]["refusal_rate"]["value"], abs=1e-4)
    for kind, sheet in report.quality.groups["language and kind"].items():
        theirs = told["by_language_and_kind"][kind]
        if "moment@1" in theirs:
            assert sheet.figures["moment@1"].value == pytest.approx(theirs["moment@1"]["value"], abs=1e-4), kind
