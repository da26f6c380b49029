"""Text to unit vectors by sentence-transformers. The only file that knows it, and the only one that loads torch.

Torch is imported when an embedder is made, never before: only the engine's device children make one.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.embedding import TextKind, Vectors
from knowledge.model_files import MINILM, MINILM_SHA256, WrongModel, digest_of, folder_digest

BATCH = 32
PROMPT_NAMES = {TextKind.QUESTION: ("query",), TextKind.PASSAGE: ("document", "passage")}
"""What models call the two kinds in their own `prompts`, in the order looked for."""


class SentenceEmbedder:
    """A sentence-transformers model from a local folder. Not thread-safe: one caller at a time.

    Raises WrongModel where the folder cannot be loaded. Nothing is ever downloaded and no code of the model runs.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self._digest = folder_digest(folder)
        self._packaged = self._digest == digest_of(MINILM_SHA256)
        self._name = MINILM if self._packaged else folder.name
        self._model = _load(folder, threads)
        dimensions = self._model.get_embedding_dimension()
        if not dimensions:
            raise WrongModel(f"{folder}: the model does not say its dimensions", "take another model")
        self._dimensions = int(dimensions)

    @property
    def name(self) -> str:
        return self._name

    @property
    def digest(self) -> str:
        return self._digest

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({"en"}) if self._packaged else None

    def embed(self, texts: Sequence[str], *, kind: TextKind) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        vectors = self._model.encode(
            list(texts),
            prompt=self._prompt(kind),
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def _prompt(self, kind: TextKind) -> str:
        """The model's own prompt for this kind; none where it defines none, never its default for the other."""
        prompts: dict[str, str] = self._model.prompts
        return next((prompts[name] for name in PROMPT_NAMES[kind] if prompts.get(name)), "")


def _load(folder: Path, threads: int | None):  # type: ignore[no-untyped-def]  # the library is untyped here
    import torch
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    if threads is not None:
        torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise WrongModel(
            f"{folder}: no sentence-transformers model could be loaded: {error}",
            "name a folder with a whole model in safetensors form",
        ) from error
