"""How common an English word is, by the language model in the recogniser's wheel. Knows nothing of scripts."""

from functools import lru_cache
from pathlib import Path

import pocketsphinx

from assistant.recognising.language_model import read_model

UNKNOWN_LOG_P = -20.0
"""Rarer than any word of the model (-16.6)."""


def packaged_model() -> Path:
    """The language model inside the wheel."""
    return Path(pocketsphinx.get_model_path("en-us/en-us.lm.bin"))


def packaged_dictionary() -> Path:
    return Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))


def log_frequency(word: str) -> float:
    """Natural log of the word's probability among all words."""
    return _log_frequencies().get(word, UNKNOWN_LOG_P)


@lru_cache(maxsize=1)
def _log_frequencies() -> dict[str, float]:
    model = read_model(packaged_model())
    return dict(zip(model.words, model.word_log_p.tolist(), strict=True))
