"""Tokens as the index keeps them: 32-bit numbers, the same in every process, in the order they were said.

So many numbers are told apart well enough: that a question's token and another of a passage share one happens once
in about a million pairs of question and passage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from knowledge.index.view import Hashes, PassageTokens, TokenField


def hash_of(token: str) -> int:
    """CRC-32 of the token: five times as fast as BLAKE2, and 4-grams of sounds never share one."""
    return crc32(token.encode("utf-8", "surrogatepass"))


def hashes_of(tokens: Sequence[str]) -> Hashes:
    try:
        return np.fromiter(map(crc32, map(str.encode, tokens)), np.uint32, len(tokens))
    except UnicodeEncodeError:  # half a surrogate pair, which a typed question may hold
        return np.array([hash_of(token) for token in tokens], np.uint32)


@dataclass(frozen=True, slots=True)
class TokenStream:
    """One field's tokens of several passages: those of row i are `hashes[starts[i]:starts[i + 1]]`."""

    hashes: Hashes
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, row: int) -> Hashes:
        return self.hashes[self.starts[row] : self.starts[row + 1]]

    def of_rows(self, rows: NDArray[np.int64]) -> list[Hashes]:
        """The same for many rows at once."""
        cuts = zip(self.starts[rows].tolist(), self.starts[rows + 1].tolist(), strict=True)
        return [self.hashes[start:end] for start, end in cuts]

    def between(self, first: int, last: int) -> "TokenStream":
        """Rows `first` to `last`, the latter excluded, in memory of their own."""
        starts = self.starts[first : last + 1]
        return TokenStream(np.array(self.hashes[starts[0] : starts[-1]]), starts - starts[0])

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)


def stream_of(passages: Sequence[PassageTokens], field: TokenField) -> TokenStream:
    lengths = [len(each.of(field)) for each in passages]
    said = [token for each in passages for token in each.of(field)]
    return TokenStream(hashes_of(said), np.cumsum([0, *lengths], dtype=np.int64))
