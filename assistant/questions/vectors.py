"""Vectors of questions, and how tables keep them."""

from dataclasses import dataclass

import numpy as np

from knowledge.embedding import Vectors

_KEPT_AS = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class QuestionVector:
    """`values`: float32, shape (dimensions,), length 1, by the embedder whose files have this digest."""

    digest: str
    values: Vectors


def packed(vector: Vectors) -> bytes:
    """As the tables keep one."""
    return vector.astype(_KEPT_AS).tobytes()


def read_vector(digest: str | None, vector: bytes | None) -> QuestionVector | None:
    """None where a table has none."""
    if digest is None or vector is None:
        return None
    return QuestionVector(digest, np.frombuffer(vector, _KEPT_AS).astype(np.float32))
