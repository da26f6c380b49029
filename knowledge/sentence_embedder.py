"""Text to unit vectors by sentence-transformers, and how its models are loaded here.

Torch is imported when an embedder is made, never before: only the engine's device children make one.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import TextKind, TextVectors
from knowledge.finding.languages import guess_language, small_words
from knowledge.model_files import MINILM, MINILM_SHA256, WrongModel, digest_of, folder_digest
from knowledge.token_vectors import pack

BATCH = 32
PROMPT_NAMES = {TextKind.QUESTION: ("query",), TextKind.PASSAGE: ("document", "passage")}
"""What models call the two kinds in their own `prompts`, in the order looked for."""
FROM_DISK_ALONE: Mapping[str, Any] = {
    "local_files_only": True,
    "trust_remote_code": False,
    "model_kwargs": {"use_safetensors": True},
}
_WORD = re.compile(r"\w+")


class SentenceEmbedder:
    """A sentence-transformers model from a local folder. Not thread-safe: one caller at a time.

    Raises WrongModel where the folder cannot be loaded. Nothing is ever downloaded and no code of the model runs.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
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

    def embed(self, texts: Sequence[str], *, kind: TextKind) -> TextVectors:
        if not texts:
            return TextVectors(np.zeros((0, self.dimensions), np.float32), ())
        prompt = self._prompt(kind)
        made = self._model.encode(
            list(texts),
            prompt=prompt,
            batch_size=BATCH,
            show_progress_bar=False,
            output_value=None,  # the whole and its tokens, from one pass
        )
        whole = np.stack([_plain(each["sentence_embedding"]) for each in made])
        whole /= np.linalg.norm(whole, axis=1, keepdims=True).clip(1e-12)
        tokens = tuple(self._tokens(text, prompt, each) for text, each in zip(texts, made, strict=True))
        return TextVectors(np.ascontiguousarray(whole), tokens)

    def _tokens(self, text: str, prompt: str, made: Mapping[str, Any]) -> bytes:
        """Packed vectors of the tokens that tell something: no signs of punctuation, none of the words that every
        text is full of. Nothing where the tokeniser cannot say which characters a token stands for."""
        vectors, said = made.get("token_embeddings"), made.get("attention_mask")
        if vectors is None or said is None or not getattr(self._model.tokenizer, "is_fast", False):
            return b""
        cut = self._model.tokenizer(
            prompt + text,
            truncation=True,
            max_length=self._model.max_seq_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        if len(cut["input_ids"]) != int(said.sum()):
            return b""
        rows = _plain(vectors)[_plain(said) > 0]
        telling = _telling(text)
        starts = [first - len(prompt) for first, _ in cut["offset_mapping"]]
        kept = [
            at
            for at, (start, special) in enumerate(zip(starts, cut["special_tokens_mask"], strict=True))
            if not special and 0 <= start < len(telling) and telling[start]
        ]
        return pack([starts[at] for at in kept], rows[kept])

    def _prompt(self, kind: TextKind) -> str:
        """The model's own prompt for this kind; none where it defines none, never its default for the other."""
        prompts: dict[str, str] = self._model.prompts
        return next((prompts[name] for name in PROMPT_NAMES[kind] if prompts.get(name)), "")


def _plain(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy() if hasattr(tensor, "cpu") else tensor, np.float32)


def _telling(text: str) -> NDArray[np.bool_]:
    """For each character: does it belong to a word that tells something?"""
    told = np.zeros(len(text), np.bool_)
    common = small_words(guess_language(text))
    for word in _WORD.finditer(text):
        told[word.start() : word.end()] = word.group().casefold() not in common
    return told


def _load(folder: Path, threads: int | None):  # type: ignore[no-untyped-def]  # the library is untyped here
    with loading(folder, "sentence-transformers model", threads) as device:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder), device=device, **FROM_DISK_ALONE)


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
