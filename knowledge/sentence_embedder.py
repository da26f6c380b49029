"""Text to unit vectors by sentence-transformers, or by its model's export, and how that library's models are loaded.

Torch is imported when it is to run a model, never before: only the engine's device children make an embedder.
"""

import gc
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import TextKind, TextVectors
from knowledge.exported_model import EncodedText, ExportedModel, export_place, onnxruntime_errors, read_about
from knowledge.finding.languages import guess_language, small_words
from knowledge.model_files import MINILM, MINILM_SHA256, WrongModel, digest_of, folder_digest
from knowledge.token_vectors import pack

log = logging.getLogger(__name__)

BATCH = 32
PROMPT_NAMES = {TextKind.QUESTION: ("query",), TextKind.PASSAGE: ("document", "passage")}
"""What models call the two kinds in their own `prompts`, in the order looked for."""
FROM_DISK_ALONE: Mapping[str, Any] = {
    "local_files_only": True,
    "trust_remote_code": False,
    "model_kwargs": {"use_safetensors": True},
}
_WORD = re.compile(r"\w+")
GPU_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))
"""One of them is there wherever torch may find a GPU: NVIDIA's driver, Windows' under Linux, AMD's."""


class Way(Protocol):
    """One way to run a model."""

    @property
    def runs_by(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def prompts(self) -> Mapping[str, str]: ...

    @property
    def threads(self) -> int:
        """How many of the processor it computes on; 1 where it computes elsewhere."""

    def encode(self, texts: Sequence[str], prompt: str) -> list[EncodedText]: ...


class SentenceEmbedder:
    """A sentence-transformers model from a local folder. Not thread-safe: one caller at a time.

    `exports`: folder where an export for ONNX Runtime may lie, which runs a model on a processor in half of torch's
    time (docs/benchmarks.md). Without one, and on a GPU, torch runs it; the vectors are the same.
    Raises WrongModel where the folder cannot be loaded. Nothing is ever downloaded and no code of the model runs.
    """

    def __init__(self, folder: Path, *, threads: int | None = None, exports: Path | None = None) -> None:
        self.folder = folder
        self._threads = threads
        self._digest = folder_digest(folder)
        self._packaged = self._digest == digest_of(MINILM_SHA256)
        self._name = MINILM if self._packaged else folder.name
        self._exports = None if exports is None or _on_a_gpu() else exports
        self._way: Way = self._exported() or TorchModel(folder, threads=threads)

    @property
    def name(self) -> str:
        return self._name

    @property
    def digest(self) -> str:
        return self._digest

    @property
    def dimensions(self) -> int:
        return self._way.dimensions

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({"en"}) if self._packaged else None

    @property
    def runs_by(self) -> str:
        return self._way.runs_by

    @property
    def threads(self) -> int:
        return self._way.threads

    def take_export(self) -> bool:
        """Run by the export from now on, where one has come to lie there; torch's copy of the model is let go.

        Whether there is nothing left to be done: False says that an export should be made.
        """
        if self._exports is None or isinstance(self._way, ExportedModel):
            return True
        if (exported := self._exported()) is not None:
            self._way = exported
            gc.collect()
        return exported is not None or self._exports is None

    def _exported(self) -> ExportedModel | None:
        if self._exports is None:
            return None
        place = export_place(self._exports, self._digest)
        about = read_about(place)
        if about is None:
            return None
        unfit = about.unfit
        if unfit is None:
            try:
                return ExportedModel(place, about, threads=self._threads)
            except onnxruntime_errors() as error:
                unfit = str(error)
        log.warning("torch runs the embedder %s: %s", self._name, unfit)
        self._exports = None
        return None

    def embed(self, texts: Sequence[str], *, kind: TextKind) -> TextVectors:
        if not texts:
            return TextVectors(np.zeros((0, self.dimensions), np.float32), ())
        prompt = prompt_for(kind, self._way.prompts)
        made = self._way.encode(texts, prompt)
        whole = np.stack([each.whole for each in made])
        whole /= np.linalg.norm(whole, axis=1, keepdims=True).clip(1e-12)
        tokens = tuple(_packed(text, prompt, each) for text, each in zip(texts, made, strict=True))
        return TextVectors(np.ascontiguousarray(whole), tokens)


class TorchModel:
    """Runs a model by sentence-transformers, on a GPU where there is one and no `device` is named.

    `attention`: a name of transformers' own; its choice where absent. Raises WrongModel.
    """

    runs_by = "torch"

    def __init__(
        self, folder: Path, *, threads: int | None, device: str | None = None, attention: str | None = None
    ) -> None:
        self.library_model = _load(folder, threads, device, attention)
        dimensions = self.library_model.get_embedding_dimension()
        if not dimensions:
            raise WrongModel(f"{folder}: the model does not say its dimensions", "take another model")
        self.dimensions = int(dimensions)
        self.prompts: Mapping[str, str] = self.library_model.prompts

    @property
    def threads(self) -> int:
        import torch

        return torch.get_num_threads() if self.library_model.device.type == "cpu" else 1

    def encode(self, texts: Sequence[str], prompt: str) -> list[EncodedText]:
        made = self.library_model.encode(
            list(texts),
            prompt=prompt,
            batch_size=BATCH,
            show_progress_bar=False,
            output_value=None,  # the whole and its tokens, from one pass
        )
        return [self._encoded(prompt + text, each) for text, each in zip(texts, made, strict=True)]

    def _encoded(self, text: str, made: Mapping[str, Any]) -> EncodedText:
        """Without tokens where the tokeniser cannot say which characters a token stands for."""
        whole = _plain(made["sentence_embedding"])
        alone = EncodedText(whole, np.zeros((0, len(whole)), np.float32), (), ())
        vectors, said = made.get("token_embeddings"), made.get("attention_mask")
        if vectors is None or said is None or not getattr(self.library_model.tokenizer, "is_fast", False):
            return alone
        cut = self.library_model.tokenizer(
            text,
            truncation=True,
            max_length=self.library_model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        if len(cut["input_ids"]) != int(said.sum()):
            return alone
        starts = [first for first, _ in cut["offset_mapping"]]
        return EncodedText(whole, _plain(vectors)[_plain(said) > 0], starts, cut["special_tokens_mask"])


def prompt_for(kind: TextKind, prompts: Mapping[str, str]) -> str:
    """The model's own prompt for this kind; none where it defines none, never its default for the other."""
    return next((prompts[name] for name in PROMPT_NAMES[kind] if prompts.get(name)), "")


def _packed(text: str, prompt: str, made: EncodedText) -> bytes:
    """Packed vectors of the tokens that tell something: no signs of punctuation, none of the words that every text is
    full of."""
    telling = _telling(text)
    starts = [first - len(prompt) for first in made.starts]
    kept = [
        at
        for at, (start, special) in enumerate(zip(starts, made.special, strict=True))
        if not special and 0 <= start < len(telling) and telling[start]
    ]
    return pack([starts[at] for at in kept], made.tokens[kept])


def _plain(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy() if hasattr(tensor, "cpu") else tensor, np.float32)


def _telling(text: str) -> NDArray[np.bool_]:
    """For each character: does it belong to a word that tells something?"""
    told = np.zeros(len(text), np.bool_)
    common = small_words(guess_language(text))
    for word in _WORD.finditer(text):
        told[word.start() : word.end()] = word.group().casefold() not in common
    return told


def _on_a_gpu() -> bool:
    """Torch, which takes seconds to import, is asked only where there may be one."""
    if not any(device.exists() for device in GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def _load(folder: Path, threads: int | None, device: str | None, attention: str | None):  # type: ignore[no-untyped-def]  # the library is untyped here
    kept = {} if attention is None else {"attn_implementation": attention}
    with loading(folder, "sentence-transformers model", threads) as found:
        from sentence_transformers import SentenceTransformer

        given = {**FROM_DISK_ALONE, "model_kwargs": {**FROM_DISK_ALONE["model_kwargs"], **kept}}
        return SentenceTransformer(str(folder), device=device or found, **given)


@contextmanager
def loading(folder: Path, what: str, threads: int | None) -> Iterator[str]:
    """The device to load a model of this library on, offline and quietly. What it cannot load is a WrongModel."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield "cuda" if torch.cuda.is_available() else "cpu"
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise WrongModel(
            f"{folder}: no {what} could be loaded: {error}",
            "name a folder with a whole model in safetensors form",
        ) from error
