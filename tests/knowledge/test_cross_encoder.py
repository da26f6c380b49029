"""A small cross-encoder, really loaded, and folders that must be refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge.cross_encoder import CrossEncoderReranker
from knowledge.model_files import MINILM, WrongModel, folder_digest, packaged_model_folder, reranker_folder
from tests.small_cross_encoder import small_cross_encoder

TEXTS = ("report it the same day", "yes", "the canteen opens at noon", "数据保护", "far away " * 500)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cross_encoder(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def reranker(folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(folder, threads=1)


def test_scores_are_the_models_own_logits(reranker: CrossEncoderReranker, folder: Path) -> None:
    """Asked of transformers alone, without the class that is used here."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, tokeniser = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        alone = [
            float(model(**tokeniser("near miss", text, truncation=True, max_length=64, return_tensors="pt")).logits)
            for text in TEXTS
        ]
    scores = reranker.score("near miss", TEXTS)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, alone, atol=1e-5)
    assert len(set(np.round(scores, 4))) == len(TEXTS)


def test_no_texts_give_no_scores(reranker: CrossEncoderReranker) -> None:
    assert reranker.score("near miss", []).shape == (0,)


def test_it_says_what_it_is(reranker: CrossEncoderReranker, folder: Path) -> None:
    assert (reranker.name, reranker.digest) == ("small", folder_digest(folder))


def test_looking_a_folder_up_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys; from knowledge.model_files import *; import knowledge.cross_encoder; reranker_folder(sys.argv[1]);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0


def test_an_embedders_folder_is_refused() -> None:
    with pytest.raises(WrongModel, match=r"no cross-encoder but BertModel"):
        reranker_folder(str(packaged_model_folder(MINILM)))


def test_a_model_with_several_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongModel, match="gives 3 numbers"):
        reranker_folder(str(small_cross_encoder(tmp_path / "several", scores=3)))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"architectures": 3}', '{"id2label": 3}', "\xff"])
def test_a_broken_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WrongModel, match=r"config\.json"):
        reranker_folder(str(tmp_path))


def test_a_folder_that_is_not_there_or_holds_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongModel, match="no such model folder"):
        reranker_folder(str(tmp_path / "nowhere"))
    (tmp_path / "modeling.py").write_text("print('run')")
    with pytest.raises(WrongModel, match="would run as code"):
        reranker_folder(str(tmp_path))


def test_weights_that_are_missing_or_broken_are_refused(tmp_path: Path) -> None:
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "id2label": {"0": "score"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WrongModel, match="no weights in safetensors form"):
        CrossEncoderReranker(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(WrongModel, match="no cross-encoder could be loaded"):
        CrossEncoderReranker(tmp_path)
