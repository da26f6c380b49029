"""What questions are grouped by. Apart from the grouping itself, whose libraries take half a second to load."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AskedText:
    """A question of the log. `language`: BCP 47, as guessed when it was asked; `vector`: float32, shape (dims,), of
    length 1, None where the embedder does not know the language or did not answer; `topic`: the id it has from earlier
    weeks, None where it is new or stood alone so far; `settled`: a person put it there."""

    id: str
    text: str
    language: str
    vector: FloatArray | None
    topic: str | None = None
    settled: bool = False
