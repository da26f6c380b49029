"""An embedder's export gives torch's own vectors, or is not used; what lies in the cache may be anything."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import TextKind
from knowledge.exported_model import (
    ABOUT,
    GRAPH,
    TOKENISER,
    About,
    EncodedText,
    ExportedModel,
    export_place,
    read_about,
    write_about,
)
from knowledge.model_export import UnfitModelError, check_same_vectors, make_export
from knowledge.model_files import MINILM, file_sha256, folder_digest, packaged_model_folder
from knowledge.sentence_embedder import SentenceEmbedder, TorchModel
from knowledge.token_vectors import unpack
from tests.knowledge.small_models import save_small_model

TEXTS = [
    "Where is the fire extinguisher?",
    "x",
    "",
    "  ARE travel costs ... the same, again?\n",
    "数据保护",
    "one sentence again and again, " * 30,
]


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture(scope="module")
def exported(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    exports = tmp_path_factory.mktemp("exported")
    assert make_export(small_model, exports).unfit is None
    return exports


@pytest.fixture
def exports(exported: Path, tmp_path: Path) -> Path:
    """The small model's export, for one test alone to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "exports"))


def place_of(model: Path, exports: Path) -> Path:
    return export_place(exports, folder_digest(model))


def assert_same_vectors(model: Path, exports: Path) -> None:
    """Of wholes and tokens, many texts at once and each alone, as question and as passage."""
    by_torch, by_export = SentenceEmbedder(model, threads=1), SentenceEmbedder(model, threads=1, exports=exports)
    assert (by_torch.runs_by, by_export.runs_by) == ("torch", "ONNX Runtime")
    assert by_torch.digest == by_export.digest
    assert by_torch.dimensions == by_export.dimensions
    for kind in TextKind:
        for texts in (TEXTS, *([text] for text in TEXTS)):
            expected, made = (each.embed(texts, kind=kind) for each in (by_torch, by_export))
            np.testing.assert_allclose(made.whole, expected.whole, atol=1e-4)
            for packed, ours in zip(expected.tokens, made.tokens, strict=True):
                assert len(packed) == len(ours)
    (expected_tokens,), (tokens,) = (
        each.embed(TEXTS[:1], kind=TextKind.PASSAGE).tokens for each in (by_torch, by_export)
    )
    ours, theirs = unpack(tokens), unpack(expected_tokens)
    assert ours is not None
    assert theirs is not None
    assert ours.starts.tolist() == theirs.starts.tolist()
    np.testing.assert_allclose((ours.vectors * theirs.vectors).sum(axis=1), 1, atol=1e-2)


def test_the_packaged_models_export_gives_torchs_vectors(exported_minilm: Path) -> None:
    assert_same_vectors(packaged_model_folder(MINILM), exported_minilm)


@pytest.mark.parametrize(
    "made_of",
    [
        {"pooling": "mean", "normalised": True},
        {"pooling": "cls", "normalised": False, "prompts": {"query": "where is ", "document": "the sentence : "}},
        {"pooling": "max", "normalised": True, "prompts": {"passage": "words "}},
    ],
    ids=str,
)
def test_pooling_normalising_and_prompts_are_the_models_own(made_of: dict[str, object], tmp_path: Path) -> None:
    model = save_small_model(tmp_path / "model", **made_of)  # type: ignore[arg-type]
    assert make_export(model, tmp_path / "exports").unfit is None
    assert_same_vectors(model, tmp_path / "exports")


def test_the_tokens_vectors_are_torchs_before_they_are_packed(small_model: Path, exports: Path) -> None:
    place = place_of(small_model, exports)
    about = read_about(place)
    assert about is not None
    expected = TorchModel(small_model, threads=1, device="cpu").encode(TEXTS, "")
    made = ExportedModel(place, about, threads=1).encode(TEXTS, "")
    for theirs, ours in zip(expected, made, strict=True):
        np.testing.assert_allclose(ours.tokens, theirs.tokens, atol=1e-4)
        assert list(ours.starts) == list(theirs.starts)


def test_an_export_with_other_vectors_is_seen(exports: Path, small_model: Path, tmp_path: Path) -> None:
    place = place_of(small_model, exports)
    about = read_about(place)
    assert about is not None
    exported = ExportedModel(place, about, threads=1)
    check_same_vectors(TorchModel(small_model, threads=1, device="cpu"), exported)
    other = save_small_model(tmp_path / "other", seed=2)
    with pytest.raises(UnfitModelError, match="would differ by"):
        check_same_vectors(TorchModel(other, threads=1, device="cpu"), exported)


class Spoilt(ExportedModel):
    """Gives no numbers for one of a text's vectors."""

    which = "whole"

    def encode(self, texts: Sequence[str], prompt: str) -> list[EncodedText]:
        made = super().encode(texts, prompt)
        return [replace(each, **{self.which: np.full_like(getattr(each, self.which), np.nan)}) for each in made]


@pytest.mark.faults
@pytest.mark.parametrize("which", ["whole", "tokens"])
def test_an_export_that_gives_no_numbers_is_seen(which: str, exports: Path, small_model: Path) -> None:
    place = place_of(small_model, exports)
    about = read_about(place)
    assert about is not None
    exported = Spoilt(place, about, threads=1)
    exported.which = which
    with pytest.raises(UnfitModelError, match="would differ by nan"):
        check_same_vectors(TorchModel(small_model, threads=1, device="cpu"), exported)


def test_a_model_that_cannot_be_exported_stays_with_torch_and_is_not_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, exports = save_small_model(tmp_path / "model", dense=True), tmp_path / "exports"
    assert make_export(model, exports).unfit == "it is made of Transformer, Pooling, Dense, Normalize"
    written = (place_of(model, exports) / ABOUT).stat().st_mtime_ns
    embedder = SentenceEmbedder(model, threads=1, exports=exports)
    assert embedder.runs_by == "torch"
    assert embedder.take_export()  # nothing is left to be done
    assert "made of Transformer, Pooling, Dense" in caplog.text
    assert make_export(model, exports).unfit
    assert (place_of(model, exports) / ABOUT).stat().st_mtime_ns == written


def test_a_model_in_half_precision_stays_with_torch(tmp_path: Path) -> None:
    """Its numbers are rounded too coarsely for two libraries to agree on them."""
    model, exports = save_small_model(tmp_path / "model", half_precision=True), tmp_path / "exports"
    assert make_export(model, exports).unfit
    assert SentenceEmbedder(model, threads=1, exports=exports).runs_by == "torch"


@pytest.mark.faults
def test_a_graph_that_cannot_be_loaded_leaves_torch(
    small_model: Path, exports: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = place_of(small_model, exports)
    (place / GRAPH).write_bytes(b"no graph")
    write_about(place, About(16, files={GRAPH: file_sha256(place / GRAPH)}))
    assert SentenceEmbedder(small_model, threads=1, exports=exports).runs_by == "torch"
    assert "torch runs the embedder" in caplog.text


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "harm"),
    [
        (GRAPH, "changed"),
        (f"{GRAPH}.data", "changed"),
        (f"{GRAPH}.data", "cut short"),
        (TOKENISER, "gone"),
        (ABOUT, "cut short"),
        (ABOUT, "gone"),
    ],
)
def test_a_damaged_export_is_not_used_and_made_again(name: str, harm: str, small_model: Path, exports: Path) -> None:
    harmed = place_of(small_model, exports) / name
    content = harmed.read_bytes()
    half = len(content) // 2
    harmed.write_bytes(content[:half] + (content[half:][::-1] if harm == "changed" else b""))
    if harm == "gone":
        harmed.unlink()
    embedder = SentenceEmbedder(small_model, threads=1, exports=exports)
    assert embedder.runs_by == "torch"
    assert not embedder.take_export()
    assert make_export(small_model, exports).unfit is None
    assert embedder.take_export()
    assert embedder.runs_by == "ONNX Runtime"


@pytest.mark.parametrize("written", ["null", "[]", '{"files": 3}', '{"newer": true}'])
def test_an_about_of_another_kind_is_no_export(written: str, small_model: Path, exports: Path) -> None:
    (place_of(small_model, exports) / ABOUT).write_text(written)
    assert read_about(place_of(small_model, exports)) is None


def test_an_export_is_kept_while_it_is_whole_and_replaces_all_others(small_model: Path, exports: Path) -> None:
    graph = place_of(small_model, exports) / GRAPH
    before = graph.stat().st_mtime_ns
    (exports / "of-another-version").mkdir()
    (exports / "of-another-version" / GRAPH).write_bytes(b"large")
    make_export(small_model, exports)
    assert graph.stat().st_mtime_ns == before
    graph.unlink()
    make_export(small_model, exports)
    assert {each.name for each in exports.iterdir()} == {place_of(small_model, exports).name, "lock"}


def test_another_model_has_another_place(small_model: Path, tmp_path: Path) -> None:
    other = save_small_model(tmp_path / "other", seed=2)
    assert place_of(other, tmp_path) != place_of(small_model, tmp_path)


def test_where_the_export_lies_torch_is_not_even_imported(small_model: Path, exports: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from knowledge.sentence_embedder import *;"
        "embedder = SentenceEmbedder(Path(sys.argv[1]), exports=Path(sys.argv[2]));"
        "embedder.embed(['where is fire'], kind=TextKind.QUESTION);"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(small_model), str(exports)], check=True, capture_output=True, text=True
    )
    assert json.loads(run.stdout) == []


def test_loading_the_library_leaves_no_trace_and_looks_nobody_up(tmp_path: Path) -> None:
    """As tests/assistant/hearing/test_silero.py has it; here whatever loads it first, also what only asks for its
    errors."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import time; from knowledge.exported_model import onnxruntime_errors; onnxruntime_errors(); time.sleep(0.5)"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
