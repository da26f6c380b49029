"""What every reranker promises: a question and texts in, how well each answers it out. Knows no engine."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TextScores = NDArray[np.float32]
"""float32, shape (texts,): the higher the better. Logits, which compare within one question alone."""

Rerank = Callable[[str, Sequence[str]], TextScores | None]
"""(question, texts) -> their scores; None where there is no time for it, or nobody to ask."""


class Reranker(Protocol):
    """Reads a question and a text together, where an embedder sees each alone."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str:
        """SHA-256 over the model's files, hex."""

    def score(self, question: str, texts: Sequence[str]) -> TextScores: ...
