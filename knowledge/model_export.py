"""Makes an embedder's export for ONNX Runtime, and believes it only where it gives torch's own vectors.

A wrong export raises nothing: PyTorch's older exporter gives vectors that look well and are off by more than 1. So
probe texts go through both, and a model whose vectors differ is written down as unfit. Loads torch; run it in a
process that ends.
"""

import errno
import logging
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import TextKind
from knowledge.exported_model import (
    GRAPH,
    TOKENISER,
    About,
    EncodedText,
    ExportedModel,
    export_place,
    onnxruntime_errors,
    read_about,
    write_about,
)
from knowledge.file_lock import file_lock
from knowledge.model_files import file_sha256, folder_digest, model_files
from knowledge.sentence_embedder import TorchModel, prompt_for

TOLERANCE = 1e-4
"""Largest difference in any number of a vector of length 1."""
LONGEST_S = 3600.0
"""Another process that makes the same export is waited for this long."""
PROBES = (
    "Where is the fire extinguisher?",
    "",
    "x",
    "  Travel COSTS, e.g. 12.50 EUR,  are refunded within a week!\n",
    "数据保护官是谁？",
    "Größe, façade, naïve: ÅNGSTRÖM",
    "One sentence that is somewhat longer than a question, as the passages of a recording are, since people who "
    "explain something seldom stop after ten words but go on for a while.",
    "the same words again and again " * 100,
)
"""Short and long, with capitals, blanks and signs that a tokeniser may treat in its own way, one beyond most models'
longest text."""
MODULES = ("Transformer", "Pooling", "Normalize")
ROOM = 3
"""Times the model's size that must be free on the disk: an export must not be what fills it."""
TAKES = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class UnfitModelError(Exception):
    """This model cannot be run by ONNX Runtime, or not with the same vectors; `str()` says why."""


def make_export(folder: Path, exports: Path) -> About:
    """What is in place afterwards: an export of the model in `folder`, or why there is none. It replaces all others.

    Raises OSError where nothing can be written, ImportError where a package is missing that exporting needs.
    """
    place = export_place(exports, folder_digest(folder))
    with file_lock(exports / "lock", wait_s=LONGEST_S) as had:
        if not had:
            raise TimeoutError(f"{exports}: another process has been exporting for {LONGEST_S:.0f} s")
        if (about := read_about(place)) is not None:
            return about
        for left in exports.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        _refuse_a_full_disk(folder, exports)
        with tempfile.TemporaryDirectory(dir=exports, prefix="making-") as made_in:
            making = Path(made_in) / place.name
            making.mkdir(mode=0o700)
            about = _made(folder, making)
            write_about(making, about)
            making.rename(place)
    return about


def _refuse_a_full_disk(folder: Path, exports: Path) -> None:
    needed = ROOM * sum((folder / name).stat().st_size for name in model_files(folder))
    if shutil.disk_usage(exports).free < needed:
        raise OSError(errno.ENOSPC, f"less than {needed / 1e6:.0f} MB are free", str(exports))


def _made(folder: Path, making: Path) -> About:
    unfit: tuple[type[Exception], ...] = (UnfitModelError, *onnxruntime_errors())
    try:
        about = _export(folder, making)
        check_same_vectors(TorchModel(folder, threads=1, device="cpu"), ExportedModel(making, about, threads=1))
    except unfit as error:
        for left in making.iterdir():
            left.unlink()
        return About(unfit=str(error))
    return about


def _export(folder: Path, making: Path) -> About:
    import torch
    from torch.onnx import OnnxExporterError

    # Only with plain attention does the exporter know what depends on the length of the text.
    model = TorchModel(folder, threads=1, device="cpu", attention="eager")
    given = _inputs_of(model.library_model)
    _write_tokeniser(model.library_model, making / TOKENISER)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for the exporter's own authors; what comes out is checked
            torch.onnx.export(
                _in_order(model.library_model, tuple(given)),
                tuple(given.values()),
                str(making / GRAPH),
                input_names=list(given),
                output_names=["tokens", "whole"],
                dynamic_shapes={"values": tuple({1: torch.export.Dim.DYNAMIC} for _ in given)},
                dynamo=True,
                external_data=True,
                verbose=False,
            )
    except OnnxExporterError as error:
        raise UnfitModelError(f"it cannot be exported: {str(error).strip().splitlines()[0]}") from error
    files = {each.name: file_sha256(each) for each in sorted(making.iterdir())}
    return About(model.dimensions, dict(model.prompts), files)


def _inputs_of(model: Any) -> Mapping[str, Any]:
    """What the model takes of one text, by name."""
    modules = [type(module).__name__ for module in model]
    if modules[0] != MODULES[0] or not set(modules[1:]) <= set(MODULES[1:]):
        raise UnfitModelError(f"it is made of {', '.join(modules)}")
    if not all(getattr(module, "include_prompt", True) for module in model):
        raise UnfitModelError("it leaves its prompt out of the vector")
    made = {name: value for name, value in model.preprocess([PROBES[0]]).items() if hasattr(value, "shape")}
    if not made.keys() <= TAKES:
        raise UnfitModelError(f"it takes {', '.join(sorted(made))}")
    return made


def _write_tokeniser(model: Any, path: Path) -> None:
    if not getattr(model.tokenizer, "is_fast", False):
        raise UnfitModelError("its tokeniser cannot be written to a file")
    path.write_text(model.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
    from tokenizers import Tokenizer

    tokeniser = Tokenizer.from_file(str(path))  # a copy: the model's own stays as it is
    tokeniser.no_padding()
    if model.max_seq_length:
        tokeniser.enable_truncation(model.max_seq_length, direction=model.tokenizer.truncation_side)
    tokeniser.save(str(path))


def _in_order(model: Any, names: Sequence[str]) -> Any:
    """The model with its inputs in order, as an exporter wants them, and the vectors of tokens and whole alone."""
    import torch

    class InOrder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            made = self.model(dict(zip(names, values, strict=True)))
            return made["token_embeddings"], made["sentence_embedding"]

    return InOrder().eval()


def check_same_vectors(ours: TorchModel, exported: ExportedModel) -> None:
    """Raises UnfitModelError where a probe's vectors differ from torch's, which gets it alone and in one batch with all
    others, filled up to the longest."""
    for prompt in {prompt_for(kind, ours.prompts) for kind in TextKind}:
        together = ours.encode(PROBES, prompt)
        alone = [ours.encode([text], prompt)[0] for text in PROBES]
        for text, expected, again, made in zip(PROBES, together, alone, exported.encode(PROBES, prompt), strict=True):
            for each in (expected, again):
                if not (apart := _apart(each, made)) <= TOLERANCE:  # nan is not the same as anything
                    raise UnfitModelError(f"its vectors would differ by {apart:.1e} for {text[:40]!r}")


def _apart(expected: EncodedText, made: EncodedText) -> float:
    """Largest difference of their vectors, each brought to length 1; infinite where they cut the text otherwise, nan
    where one is no number."""
    if list(expected.starts) != list(made.starts) or list(expected.special) != list(made.special):
        return float("inf")
    pairs = (expected.whole, made.whole), (expected.tokens, made.tokens)
    return float(np.max([np.abs(_unit(ours) - _unit(theirs)).max(initial=0.0) for ours, theirs in pairs]))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9), np.float32)
