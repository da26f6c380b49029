"""What every embedder promises: texts in, unit vectors out. Knows no engine."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32, shape (n, dimensions), each row of length 1."""


class TextKind(StrEnum):
    """Several models embed a question otherwise than a passage."""

    QUESTION = "question"
    PASSAGE = "passage"


class Embedder(Protocol):
    """Turns texts into vectors whose dot product says how alike their meanings are."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """SHA-256 over the model's files, hex: vectors of two digests are never compared."""

    @property
    def dimensions(self) -> int: ...

    @property
    def languages(self) -> frozenset[str] | None:
        """BCP 47 codes the model was trained for; None for a multilingual one."""

    def embed(self, texts: Sequence[str], *, kind: TextKind) -> Vectors: ...
