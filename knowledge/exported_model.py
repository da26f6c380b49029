"""An embedder exported for ONNX Runtime: the whole model, its pooling included, run on a processor without torch.

An export is a cache: a folder named for the model's digest and the versions that made it, with a digest of each of
its files. `knowledge.model_export` makes it and checks it against torch; this file only reads it and runs it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.model_files import file_sha256

# Read when onnxruntime is loaded, whoever loads it: otherwise it keeps an identifier of this machine in the user's
# cache and looks its maker's servers up. Nothing leaves the company's server.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

log = logging.getLogger(__name__)

GRAPH = "model.onnx"
TOKENISER = "tokenizer.json"
ABOUT = "about.json"
FORMAT = 1
"""Counted up whenever what is exported changes."""
MAKERS = ("torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnxruntime", "tokenizers")
"""Packages whose versions may change what an export computes."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """What a model makes of one text. `whole`: float32, shape (dimensions,). `tokens`: float32, shape (n, dimensions),
    as the model gave them; `starts`: the character of prompt and text that each begins with; `special`: whether it
    stands for none. Without tokens all three are empty."""

    whole: NDArray[np.float32]
    tokens: NDArray[np.float32]
    starts: Sequence[int]
    special: Sequence[int]


@dataclass(frozen=True, slots=True)
class About:
    """What is written beside an export. `files`: SHA-256 of each. `unfit`: why the model cannot be run this way."""

    dimensions: int = 0
    prompts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    unfit: str | None = None


def export_place(exports: Path, digest: str) -> Path:
    """Folder of the export of the model with this digest, as the installed versions make it."""
    made_by = "".join(f"{name} {_version(name)}\n" for name in MAKERS)
    return exports / hashlib.sha256(f"{FORMAT}\n{digest}\n{made_by}".encode()).hexdigest()[:32]


def read_about(place: Path) -> About | None:
    """None where there is no export, or one that is not whole: then it is made again."""
    try:
        about = About(**json.loads((place / ABOUT).read_text(encoding="utf-8")))
        damaged = [name for name, digest in about.files.items() if file_sha256(place / name) != digest]
    except FileNotFoundError as error:
        if place.is_dir():
            log.warning("the exported embedder is not whole: %s is missing", error.filename)
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("the exported embedder cannot be read: %s", error)
        return None
    if damaged:
        log.warning("the exported embedder is damaged: %s", place / damaged[0])
        return None
    return about


def write_about(place: Path, about: About) -> None:
    (place / ABOUT).write_text(json.dumps(asdict(about), indent=1), encoding="utf-8")


class ExportedModel:
    """Runs an export that `read_about` found whole and fit. Not thread-safe: one caller at a time."""

    runs_by = "ONNX Runtime"

    def __init__(self, place: Path, about: About, *, threads: int | None) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores from those that recognise.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(place / GRAPH), options, providers=["CPUExecutionProvider"])
        self._takes = [each.name for each in self._session.get_inputs()]
        self._tokeniser = Tokenizer.from_file(str(place / TOKENISER))
        self.dimensions = about.dimensions
        self.prompts = about.prompts
        self.threads = threads or 1

    def encode(self, texts: Sequence[str], prompt: str) -> list[EncodedText]:
        """One text after another: without filling up to the longest it is as fast as in batches, and takes half the
        memory (docs/benchmarks.md)."""
        return [self._encode(prompt + text) for text in texts]

    def _encode(self, text: str) -> EncodedText:
        cut = self._tokeniser.encode(text)
        given = {"input_ids": cut.ids, "attention_mask": cut.attention_mask, "token_type_ids": cut.type_ids}
        tokens, whole = self._session.run(None, {name: np.array([given[name]], np.int64) for name in self._takes})
        return EncodedText(whole[0], tokens[0], [first for first, _ in cut.offsets], cut.special_tokens_mask)


def onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises where it cannot load or run a graph: classes without a common one above them."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
