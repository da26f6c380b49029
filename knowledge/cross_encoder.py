"""Question and text to a score by sentence-transformers' CrossEncoder, from a folder on this disk.

Torch is imported when a reranker is made, never before: only the engine's device children make one.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.model_files import folder_digest, reranker_folder
from knowledge.reranking import TextScores
from knowledge.sentence_embedder import FROM_DISK_ALONE, loading

BATCH = 32


class CrossEncoderReranker:
    """A sequence-classification model with one score. Not thread-safe: one caller at a time.

    Raises WrongModel where the folder cannot be loaded. Nothing is ever downloaded and no code of the model runs.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._digest = folder_digest(reranker_folder(str(folder)))
        self._name = folder.name
        self._model = _load(folder, threads)

    @property
    def name(self) -> str:
        return self._name

    @property
    def digest(self) -> str:
        return self._digest

    def score(self, question: str, texts: Sequence[str]) -> TextScores:
        """Logits, whatever curve the model's folder asks for: a curve would press the best of them together. What is
        longer than the model reads is cut off at the end."""
        if not texts:
            return np.zeros(0, np.float32)
        from torch.nn import Identity

        pairs = [(question, text) for text in texts]
        made = self._model.predict(pairs, batch_size=BATCH, activation_fn=Identity(), show_progress_bar=False)
        return np.asarray(made, np.float32)


def _load(folder: Path, threads: int | None):  # type: ignore[no-untyped-def]  # the library is untyped here
    with loading(folder, "cross-encoder", threads) as device:
        from sentence_transformers import CrossEncoder

        return CrossEncoder(str(folder), device=device, **FROM_DISK_ALONE)
