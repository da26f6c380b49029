"""Embedding goes in pieces of bounded work."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.running import CHARS_A_PIECE, TEXTS_A_PIECE, pieces_of


@given(st.lists(st.integers(0, CHARS_A_PIECE + 500).map(lambda length: "x" * length), max_size=60))
def test_pieces_hold_every_text_in_order_and_are_bounded(texts: list[str]) -> None:
    pieces = pieces_of(texts)
    assert [text for piece in pieces for text in piece] == texts
    assert all(0 < len(piece) <= TEXTS_A_PIECE for piece in pieces)
    assert all(len(piece) == 1 or sum(map(len, piece)) <= CHARS_A_PIECE for piece in pieces)


def test_an_empty_first_text_begins_a_piece() -> None:
    assert pieces_of(["", "a"]) == [["", "a"]]
    assert pieces_of([]) == []
