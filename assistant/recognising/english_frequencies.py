"""How common an English word is, by the language model in the recogniser's wheel. Knows nothing of scripts."""

import importlib.util
from functools import lru_cache
from pathlib import Path

from assistant.errors import RecognizerDown
from assistant.recognising.language_model import read_model

UNKNOWN_LOG_P = -20.0
"""Rarer than any word of the model (-16.6)."""


def packaged_model() -> Path:
    """The language model inside the wheel."""
    return _model_folder() / "en-us.lm.bin"


def packaged_dictionary() -> Path:
    return _model_folder() / "cmudict-en-us.dict"


def _model_folder() -> Path:
    """Found, not imported: a worker that only reads frequencies loads no decoder."""
    spec = importlib.util.find_spec("pocketsphinx")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise RecognizerDown("the package pocketsphinx is not installed", "install the requirements again: make")
    return Path(folders[0]) / "model" / "en-us"


def log_frequency(word: str) -> float:
    """Natural log of the word's probability among all words."""
    return _log_frequencies().get(word, UNKNOWN_LOG_P)


@lru_cache(maxsize=1)
def _log_frequencies() -> dict[str, float]:
    model = read_model(packaged_model())
    return dict(zip(model.words, model.word_log_p.tolist(), strict=True))
