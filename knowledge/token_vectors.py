"""The vectors of a text's tokens, four bits a number: what late interaction (MaxSim) compares.

Knows no model. A packed text is a header, where in the text each token begins, and its numbers, two to a byte.
Four bits instead of sixteen changed one question of 521 at most (docs/quality.md); they are what makes it affordable
to keep every token: about 4 kB for a passage of 40 words at 384 dimensions.
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


@dataclass(frozen=True, slots=True)
class TokenRows:
    """The tokens of several texts. `vectors`: float32, shape (tokens of all, dimensions), rows of length 1, one text
    after another; `counts`: int64, how many each text has, 0 where they are not known."""

    vectors: NDArray[np.float32]
    counts: NDArray[np.int64]


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
    rows = unpack_all([packed])
    count = int(rows.counts[0])
    if count == 0:
        return None
    return TokenVectors(np.frombuffer(packed, "<u2", count, _HEADER.size).astype(np.int64), rows.vectors)


def unpack_all(packed: Sequence[bytes]) -> TokenRows:
    """Many texts at once, which takes a tenth of the time. Texts that `unpack` makes nothing of have no rows."""
    shapes = [_shape(each) for each in packed]
    dimensions = next((dimensions for count, dimensions in shapes if count), 0)
    counts = np.array([count if of == dimensions else 0 for count, of in shapes], np.int64)
    begins = (_HEADER.size + 2 * counts).tolist()
    pairs = b"".join(each[at:] for each, at, count in zip(packed, begins, counts.tolist(), strict=True) if count)
    numbers = _PAIRS.take(np.frombuffer(pairs, np.uint8)).view(np.float32)
    return TokenRows(_unit(numbers.reshape(int(counts.sum()), -(-dimensions // 2) * 2)[:, :dimensions]), counts)


def _shape(packed: bytes) -> tuple[int, int]:
    """Tokens and dimensions of a packed text; none where it is not whole, or of another version."""
    if len(packed) < _HEADER.size:
        return 0, 0
    version, count, dimensions = _HEADER.unpack_from(packed)
    whole = version == FORMAT and len(packed) == _HEADER.size + count * (2 + (dimensions + 1) // 2)
    return (count, dimensions) if whole else (0, 0)


_MIDDLES = np.arange(_LEVELS, dtype=np.float32) - (_LEVELS - 1) / 2
"""Levels stand for the middle of what they span."""
_PAIRS = np.stack([np.tile(_MIDDLES, _LEVELS), np.repeat(_MIDDLES, _LEVELS)], axis=1).view(np.float64)[:, 0]
"""The two numbers of each byte, the lower four bits first, side by side in the eight bytes of another."""


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / lengths[:, None].clip(1e-9), np.float32)
