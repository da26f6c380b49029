"""A trigram language model in the binary form that pocketsphinx loads: read and write.

Knows no recogniser and no text. The form is a trie keyed by the last word first: each word points to its bigrams (by
the word before), each bigram to its trigrams (by the first word).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"Trie Language Model"
LOG_BASE = math.log(1.0001)
"""The file's logarithms are to base 1.0001; ours are natural."""
BINS = 65_536

Ids = NDArray[np.int64]
Logs = NDArray[np.float64]


class BrokenModelError(ValueError):
    """The bytes are no trigram model of this form."""


@dataclass(frozen=True, slots=True)
class NGramModel:
    """Natural logs. Rows are sorted as in the file: bigrams by (word, before), trigrams by (bigram row, first).

    `words`: by id. `word_log_p`, `word_log_backoff`: shape (words,).
    `before`, `word`: ids of each bigram. `bigram_log_p`, `bigram_log_backoff`: the backoff is of the pair as a history.
    `bigram`: for each trigram the row of its last two words; `first`: the id of its first word.
    """

    words: tuple[str, ...]
    word_log_p: Logs
    word_log_backoff: Logs
    before: Ids
    word: Ids
    bigram_log_p: Logs
    bigram_log_backoff: Logs
    bigram: Ids
    first: Ids
    trigram_log_p: Logs


def read_model(path: Path) -> NGramModel:
    """Raises BrokenModelError when the file is no 16-bit trigram model."""
    data = np.fromfile(path, np.uint8)
    head = len(MAGIC) + 1
    if data[:head].tobytes() != MAGIC + b"\x03" or len(data) < head + 16:
        raise BrokenModelError(f"{path}: not a binary trigram model")
    n_words, n_bigrams, n_trigrams, quantised = data[head : head + 16].view("<u4").tolist()
    if quantised != 1:
        raise BrokenModelError(f"{path}: probabilities are not in 16 bits")
    tables = data[head + 16 :][: 3 * 4 * BINS].view("<f4").reshape(3, BINS).astype(np.float64) * LOG_BASE
    at = head + 16 + 3 * 4 * BINS
    rows = data[at : at + 12 * (n_words + 1)].view([("p", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
    at += 12 * (n_words + 1)
    next_bigram = rows["next"].astype(np.int64)
    used = int(next_bigram[-1])
    pair_bits, triple_bits = _bits(n_words), _bits(n_trigrams)
    widths = (pair_bits, 16, 16, triple_bits)
    before, backoff, p, following = _unpack(data[at:], used + 1, widths)
    at += _packed_size(n_bigrams, widths)
    first, triple_p = _unpack(data[at:], n_trigrams, (pair_bits, 16))
    at += _packed_size(n_trigrams, (pair_bits, 16))
    words = tuple(data[at + 4 :].tobytes().decode("utf-8").split("\0")[:-1])
    if len(words) != n_words:
        raise BrokenModelError(f"{path}: {len(words)} words where {n_words} are declared")
    return NGramModel(
        words=words,
        word_log_p=rows["p"][:-1] * LOG_BASE,
        word_log_backoff=rows["backoff"][:-1] * LOG_BASE,
        before=before[:-1],
        word=np.repeat(np.arange(n_words), np.diff(next_bigram)),
        bigram_log_p=tables[0][p[:-1]],
        bigram_log_backoff=tables[1][backoff[:-1]],
        bigram=np.repeat(np.arange(used), np.diff(following)),
        first=first[: int(following[-1])],
        trigram_log_p=tables[2][triple_p[: int(following[-1])]],
    )


def _bits(largest: int) -> int:
    return max(1, int(largest).bit_length())


def _packed_size(rows: int, widths: Sequence[int]) -> int:
    """Bytes of a packed table: one extra row ends it, eight bytes let a reader load a whole integer anywhere."""
    return ((rows + 1) * sum(widths) + 7) // 8 + 8


def _unpack(data: NDArray[np.uint8], rows: int, widths: Sequence[int]) -> list[Ids]:
    """Columns of a bit-packed table: eight rows fill whole bytes, so each eighth row has its bits at fixed places."""
    total = sum(widths)
    groups = -(-rows // 8)
    padded = np.zeros(groups * total + total + 8, np.uint8)
    padded[: min(len(data), groups * total)] = data[: groups * total]
    block = np.lib.stride_tricks.sliding_window_view(padded, total + 8)[::total][:groups]
    columns = []
    for offset, width in _fields(widths):
        column = np.empty((groups, 8), np.int64)
        for row in range(8):
            byte, shift = divmod(row * total + offset, 8)
            value = sum(block[:, byte + k].astype(np.int64) << (8 * k) for k in range((shift + width + 7) // 8))
            column[:, row] = (value >> shift) & ((1 << width) - 1)
        columns.append(column.reshape(-1)[:rows])
    return columns


def _fields(widths: Sequence[int]) -> list[tuple[int, int]]:
    return [(sum(widths[:place]), width) for place, width in enumerate(widths)]


def write_model(model: NGramModel, path: Path) -> None:
    """Writes what `read_model` reads. Probabilities in 65,536 equal steps: off by at most 0.001 in natural log."""
    widths = (_bits(len(model.words)), 16, 16, _bits(len(model.first)))
    p_table, p = _quantised(model.bigram_log_p)
    backoff_table, backoff = _quantised(model.bigram_log_backoff)
    triple_table, triple_p = _quantised(model.trigram_log_p)
    following = np.searchsorted(model.bigram, np.arange(len(model.before) + 1))
    rows = np.zeros(len(model.words) + 1, [("p", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
    rows["p"][:-1] = model.word_log_p / LOG_BASE
    rows["backoff"][:-1] = model.word_log_backoff / LOG_BASE
    rows["next"] = np.searchsorted(model.word, np.arange(len(model.words) + 1))
    text = "".join(word + "\0" for word in model.words).encode()
    with path.open("wb") as file:
        file.write(MAGIC + b"\x03")
        counts = (len(model.words), len(model.before), len(model.first), 1)
        np.array(counts, "<u4").tofile(file)
        for table in (p_table, backoff_table, triple_table):
            (table / LOG_BASE).astype("<f4").tofile(file)
        rows.tofile(file)
        _pack((model.before, backoff, p, following), widths).tofile(file)
        _pack((model.first, triple_p), widths[:2]).tofile(file)
        np.array([len(text)], "<u4").tofile(file)
        file.write(text)


def _quantised(logs: Logs) -> tuple[Logs, Ids]:
    """A table of equal steps over the values, and each value's place in it."""
    if not len(logs):
        return np.zeros(BINS), np.zeros(0, np.int64)
    table = np.linspace(logs.min(), max(logs.max(), logs.min() + 1e-6), BINS)
    return table, np.rint((logs - table[0]) / (table[1] - table[0])).astype(np.int64)


def _pack(columns: Sequence[Ids], widths: Sequence[int]) -> NDArray[np.uint8]:
    """Bit-packed rows; a column one longer than the others fills the last row, which only ends the one before."""
    total, rows = sum(widths), len(columns[0])
    groups = -(-(rows + 1) // 8)
    block = np.zeros((groups, total + 8), np.uint8)
    spill = np.zeros((groups + 1, total), np.uint8)
    for (offset, _), column in zip(_fields(widths), columns, strict=True):
        padded = np.zeros(groups * 8, np.int64)
        padded[: len(column)] = column
        for row in range(8):
            byte, shift = divmod(row * total + offset, 8)
            value = padded[row::8] << shift
            for k in range(8):
                if not (value >> (8 * k)).any():
                    break
                block[:, byte + k] |= (value >> (8 * k)).astype(np.uint8)
    spill[:-1] = block[:, :total]
    return _sized(spill.reshape(-1), _packed_size(rows, widths))


def _sized(data: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    sized = np.zeros(size, np.uint8)
    sized[: min(size, len(data))] = data[:size]
    return sized
