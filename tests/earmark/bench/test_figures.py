"""Words and sounds alone reach what BM25 reached on the development sets; the embedder only adds to that."""

from pathlib import Path

import pytest

from earmark.bench.lectures import bench_lectures
from earmark.bench.retrieval import bench_retrieval

SHARED = Path(__file__).parents[4] / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here"),
]


@pytest.mark.parametrize(
    ("name", "bm25"),
    [("zh-spoken", 0.908), ("zh-spoken-asked", 0.880), ("zh-hans-clean", 0.979), ("en-spoken-asked", 0.658)],
)
def test_documents_are_found_as_well_as_by_bm25(tmp_path: Path, name: str, bm25: float) -> None:
    report = bench_retrieval(SHARED / "retrieval" / name, tmp_path / "home", None)
    assert report.figures["R@1"].value >= bm25


def test_moments_of_lectures_are_found_as_well_as_by_bm25(tmp_path: Path) -> None:
    report = bench_lectures(SHARED / "lectures", tmp_path / "home", None, results=tmp_path / "results.jsonl")
    assert report.figures["moment@1"].value >= 0.43
    assert report.figures["moment@5"].value >= 0.59
