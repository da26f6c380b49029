"""Tokens as numbers: the same in every process, and as they were said."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knowledge.index.tokens import hash_of, hashes_of, stream_of
from knowledge.index.view import PassageTokens, TokenField

SAID = st.lists(st.lists(st.text(max_size=6), max_size=9), max_size=6)


def test_a_token_has_the_same_number_in_every_process() -> None:
    assert [hash_of(token) for token in ("ladder", "梯子", "")] == [935181349, 717217586, 0]


def test_half_a_surrogate_pair_has_a_number_too() -> None:
    assert hashes_of(["ladder", "\ud800"]).tolist() == [hash_of("ladder"), hash_of("\ud800")]


def test_no_two_short_sounds_share_a_number() -> None:
    """CRC-32 is one to one over four bytes; a sample over all lengths up to four."""
    letters = "0ABFHJKLMNPRSTWXY"
    sounds = [a + b + c + d for a in letters for b in letters for c in letters for d in letters[:5]]
    assert len({hash_of(sound) for sound in sounds}) == len(sounds)


@given(SAID)
def test_a_stream_gives_back_each_passage_as_it_was_said(texts: list[list[str]]) -> None:
    stream = stream_of([PassageTokens(tuple(text), ()) for text in texts], TokenField.WORDS)
    assert len(stream) == len(texts)
    assert stream.lengths.tolist() == [len(text) for text in texts]
    rows = np.arange(len(texts))
    for row, said in zip(rows, stream.of_rows(rows), strict=True):
        assert said.tolist() == stream.of(int(row)).tolist() == hashes_of(texts[row]).tolist()


@given(SAID, st.data())
def test_a_part_of_a_stream_is_a_stream(texts: list[list[str]], data: st.DataObject) -> None:
    stream = stream_of([PassageTokens((), tuple(text)) for text in texts], TokenField.SOUNDS)
    first = data.draw(st.integers(0, len(texts)))
    last = data.draw(st.integers(first, len(texts)))
    part = stream.between(first, last)
    assert [part.of(row).tolist() for row in range(len(part))] == [hashes_of(t).tolist() for t in texts[first:last]]
