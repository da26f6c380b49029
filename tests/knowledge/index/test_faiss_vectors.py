"""Vectors on the disk: FAISS maps what was written, and no filter ever leaks, however the nearest are sought."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from knowledge.index import faiss_vectors
from knowledge.index.faiss_vectors import Bitmap, FlatVectors, MappedVectors, VectorsWriter, write_lists

ROWS, DIMENSIONS = 4_000, 32


def some_vectors(rows: int = ROWS) -> NDArray[np.float32]:
    """Around a hundred centres, of length 1, as float16 keeps them."""
    chance = np.random.default_rng(5)
    centres = chance.standard_normal((100, DIMENSIONS))
    vectors = centres[np.arange(rows) % 100] + chance.standard_normal((rows, DIMENSIONS))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit.astype(np.float16), np.float32)


VECTORS = some_vectors()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    with VectorsWriter(folder / "vectors", DIMENSIONS) as writer:
        for start in range(0, ROWS, 700):
            writer.append(VECTORS[start : start + 700].astype(np.float16))
    write_lists(folder / "lists", folder / "vectors")
    return folder


@pytest.fixture(scope="module")
def plain(written: Path) -> MappedVectors:
    return MappedVectors(written / "vectors", written / "nothing")


@pytest.fixture
def listed(written: Path, monkeypatch: pytest.MonkeyPatch) -> MappedVectors:
    """Where more than 50 rows are permitted lists are used."""
    monkeypatch.setattr(faiss_vectors, "EXACT_ROWS", 50)
    return MappedVectors(written / "vectors", written / "lists")


def test_what_is_mapped_is_what_was_streamed(plain: MappedVectors) -> None:
    assert (len(plain), plain.dimensions) == (ROWS, DIMENSIONS)
    rows = np.array([0, ROWS - 1, 7, 7])
    assert (plain.of(rows) == VECTORS[rows]).all()
    assert (plain.stored(rows) == VECTORS[rows]).all()


def test_mapped_vectors_are_searched_as_exactly_as_those_in_memory(plain: MappedVectors) -> None:
    allowed = Bitmap(np.random.default_rng(1).random(ROWS) < 0.3)
    for question in VECTORS[:20, None]:
        rows, scores = plain.nearest(question, allowed=allowed, n=10, by_lists=False)
        expected, expected_scores = FlatVectors(VECTORS).nearest(question, allowed=allowed, n=10)
        assert scores == pytest.approx(expected_scores, abs=1e-4)
        assert set(rows) == set(expected)


def test_nothing_of_a_mapped_file_is_private_memory(tmp_path: Path) -> None:
    rows = 40_000
    with VectorsWriter(tmp_path / "large", 384) as writer:
        for _ in range(0, rows, 1_000):
            writer.append(np.ones((1_000, 384), np.float16))
    before = private_bytes()
    vectors = MappedVectors(tmp_path / "large", tmp_path / "nothing")
    vectors.nearest(np.ones((1, 384), np.float32), allowed=Bitmap(np.ones(rows, np.bool_)), n=10, by_lists=False)
    assert private_bytes() - before < rows * 384 * 2 / 4


def test_lists_find_nearly_what_exact_search_finds(listed: MappedVectors, plain: MappedVectors) -> None:
    allowed = Bitmap(np.arange(ROWS) % 2 == 0)
    kept = 0
    for question in VECTORS[:100, None]:
        rows, scores = listed.nearest(question, allowed=allowed, n=10, by_lists=True)
        exact, _ = plain.nearest(question, allowed=allowed, n=10, by_lists=False)
        assert scores == pytest.approx(VECTORS[rows] @ question[0], abs=1e-4)
        assert (np.diff(scores) <= 0).all()
        kept += len(set(rows) & set(exact))
    assert kept >= 0.9 * 1000


@given(share=st.floats(0, 1), question=st.integers(0, ROWS - 1), n=st.integers(1, 300), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_no_filter_leaks_however_wide(written: Path, share: float, question: int, n: int, seed: int) -> None:
    """Narrow: exactly. Wide: by lists; as many as there are to be had, each once."""
    mask = np.random.default_rng(seed).random(ROWS) < share
    vectors = MappedVectors(written / "vectors", written / "lists")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faiss_vectors, "EXACT_ROWS", 300)
        rows, _ = vectors.nearest(VECTORS[question][None], allowed=Bitmap(mask), n=n, by_lists=True)
    assert mask[rows].all()
    assert len(set(rows)) == len(rows) <= min(n, mask.sum())
    if mask.sum() <= 300:
        assert len(rows) == min(n, mask.sum())


def test_vectors_of_other_dimensions_are_refused(plain: MappedVectors, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        plain.nearest(np.ones((1, 5), np.float32), allowed=Bitmap(np.ones(ROWS, np.bool_)), n=1, by_lists=False)
    with VectorsWriter(tmp_path / "v", 8) as writer, pytest.raises(ValueError, match="dimensions"):
        writer.append(np.ones((1, 9), np.float16))


@pytest.mark.parametrize("content", [b"", b"IxSQ", b"something else altogether" * 100])
def test_a_file_that_is_no_index_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(ValueError, match="broken"):
        MappedVectors(tmp_path / "broken", tmp_path / "nothing")


def private_bytes() -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024
