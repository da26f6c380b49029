"""What every embedder promises: texts in, unit vectors out, of the whole and of its tokens. Knows no engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32, shape (n, dimensions), each row of length 1."""


@dataclass(frozen=True, slots=True)
class TextVectors:
    """What an embedder makes of some texts. `whole`: a row each. `tokens`: each text's token vectors as
    `knowledge.token_vectors` packs them; empty where the embedder gives none."""

    whole: Vectors
    tokens: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if len(self.whole) != len(self.tokens):
            raise ValueError(f"{len(self.whole)} vectors, {len(self.tokens)} texts with tokens")

    def __len__(self) -> int:
        return len(self.tokens)


def mean_of(vectors: Vectors) -> Vectors:
    """The mean of at least one vector, brought to length 1: shape (dimensions,)."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def one_after_another(parts: Sequence[TextVectors]) -> TextVectors:
    """At least one part."""
    return TextVectors(
        np.concatenate([part.whole for part in parts]), tuple(packed for part in parts for packed in part.tokens)
    )


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

    def embed(self, texts: Sequence[str], *, kind: TextKind) -> TextVectors: ...
