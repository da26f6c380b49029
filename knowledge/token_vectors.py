"""The vectors of a text's tokens, four bits a number: what late interaction (MaxSim) compares.

Knows no model. A packed text is a header, where in the text each token begins, and its numbers, two to a byte.
Four bits instead of 32 changed no figure of finding (docs/quality.md); they are what makes it affordable to keep
every token: about 4 kB for a passage of 40 words at 384 dimensions.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
_HEADER = struct.Struct("<BHH")
"""Format, tokens, dimensions."""
_LEVELS = 16
_REACH = 2.6
"""Standard deviations of a token's own numbers that the levels span; the few beyond are cut off."""
MOST_TOKENS = 4096
_LARGEST_START = 65_535


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """`starts`: int64, shape (n,), the character each token begins with. `vectors`: float32, shape (n, dimensions),
    rows of length 1."""

    starts: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.starts)


def pack(starts: Sequence[int], vectors: NDArray[np.floating]) -> bytes:
    """vectors: shape (n, dimensions), of any length. Tokens beyond what a packed text can hold are left out."""
    kept = [at for at, start in enumerate(starts) if start <= _LARGEST_START][:MOST_TOKENS]
    if not kept or not vectors.size:
        return b""
    chosen = np.asarray(vectors, np.float32)[kept]
    step = chosen.std(axis=1, keepdims=True).clip(1e-9) * _REACH / (_LEVELS / 2)
    levels = (np.floor(chosen / step) + _LEVELS / 2).clip(0, _LEVELS - 1).astype(np.uint8)
    if levels.shape[1] % 2:
        levels = np.pad(levels, ((0, 0), (0, 1)), constant_values=_LEVELS // 2)
    packed = levels[:, ::2] | (levels[:, 1::2] << 4)
    begins = np.array([starts[at] for at in kept], "<u2")
    return b"".join((_HEADER.pack(FORMAT, len(kept), chosen.shape[1]), begins.tobytes(), packed.tobytes()))


def unpack(packed: bytes) -> TokenVectors | None:
    """None for an empty text, or one that another version packed."""
    if len(packed) < _HEADER.size:
        return None
    version, count, dimensions = _HEADER.unpack_from(packed)
    width = (dimensions + 1) // 2
    if version != FORMAT or len(packed) != _HEADER.size + count * (2 + width):
        return None
    starts = np.frombuffer(packed, "<u2", count, _HEADER.size).astype(np.int64)
    pairs = np.frombuffer(packed, np.uint8, count * width, _HEADER.size + 2 * count).reshape(count, width)
    return TokenVectors(starts, _unit(_numbers_of(pairs)[:, :dimensions]))


_PAIRS = np.stack(np.meshgrid(np.arange(_LEVELS), np.arange(_LEVELS), indexing="ij"), axis=-1).reshape(-1, 2)[:, ::-1]
_NUMBERS = np.ascontiguousarray(_PAIRS, np.float32) - (_LEVELS - 1) / 2
"""The two numbers of each byte, the lower four bits first: levels stand for the middle of what they span."""


def _numbers_of(pairs: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(_NUMBERS[pairs].reshape(len(pairs), -1), np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / lengths[:, None].clip(1e-9), np.float32)
