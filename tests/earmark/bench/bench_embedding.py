"""An embedder small enough for a test: each word's hash picks a direction, for its token too."""

import re
from hashlib import sha256

import numpy as np

from earmark.bench.bench_home import BenchEmbedder
from knowledge.embedding import TextKind, TextVectors
from knowledge.token_vectors import pack

DIMENSIONS = 64
_WORD = re.compile(r"\S+")


def embed(texts: list[str], kind: TextKind) -> TextVectors:
    rows = np.full((len(texts), DIMENSIONS), 1e-3, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            rows[row, sha256(word.encode()).digest()[0] % DIMENSIONS] += 1.0
    whole = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return TextVectors(whole, tuple(map(_tokens, texts)))


def _tokens(text: str) -> bytes:
    words = list(_WORD.finditer(text.lower()))
    directions = [sha256(word.group().encode()).digest()[0] % DIMENSIONS for word in words]
    return pack([word.start() for word in words], np.eye(DIMENSIONS, dtype=np.float32)[directions])


EMBEDDER = BenchEmbedder(embed, digest="0" * 64, languages=frozenset({"en"}))
