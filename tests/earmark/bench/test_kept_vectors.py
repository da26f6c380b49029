"""Embedding ahead, in batches, gives what embedding one by one gives."""

import numpy as np

from earmark.bench.bench_home import BenchEmbedder, GivenRecording
from earmark.bench.kept_vectors import KeptVectors, prepared
from earmark.bench.misheard import Misheard
from earmark.bench.sentences import sentences_as_segments
from knowledge.embedding import TextKind, TextVectors
from tests.earmark.bench.bench_embedding import DIMENSIONS, EMBEDDER, embed


class CountingEmbedder:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str], kind: TextKind) -> TextVectors:
        self.asked.append(texts)
        return embed(texts, kind)


def test_no_text_is_embedded_twice_and_order_is_kept() -> None:
    counting = CountingEmbedder()
    vectors = KeptVectors(counting)
    vectors.make(["one two", "one", "one two"], TextKind.PASSAGE)
    told = vectors(["one", "one two", "one"], TextKind.PASSAGE)
    assert counting.asked == [["one", "one two"]]
    assert np.array_equal(told.whole, embed(["one", "one two", "one"], TextKind.PASSAGE).whole)


def test_a_question_is_no_passage() -> None:
    counting = CountingEmbedder()
    vectors = KeptVectors(counting)
    vectors(["one"], TextKind.PASSAGE)
    vectors(["one"], TextKind.QUESTION)
    assert len(counting.asked) == 2


def test_what_is_given_is_not_embedded() -> None:
    counting = CountingEmbedder()
    vectors = KeptVectors(counting)
    vectors.give(["one"], TextVectors(np.ones((1, DIMENSIONS), np.float32), (b"tokens",)), TextKind.PASSAGE)
    given = vectors(["one"], TextKind.PASSAGE)
    assert given.whole.sum() == DIMENSIONS
    assert given.tokens == (b"tokens",)
    assert not counting.asked


def test_only_what_the_embedder_knows_is_embedded_ahead() -> None:
    counting = CountingEmbedder()
    ready = prepared(BenchEmbedder(counting, EMBEDDER.digest, EMBEDDER.languages))
    ready.passages([GivenRecording("r", "", sentences_as_segments("这是中文的句子。"))])
    ready.questions(["这是什么？", " ", "What is it?"])
    assert counting.asked == [["What is it?"]]


def test_without_an_embedder_nothing_is_made_ready() -> None:
    assert prepared(None).embedder is None
    prepared(None).questions(["What is it?"])


def test_other_segments_cannot_be_held_against_each_other() -> None:
    written = [{"recording": "r", "start_s": 0.0, "end_s": 2.0, "text": "one two"}]
    question = {"answers": [{"recording": "r", "start_s": 0.5, "end_s": 1.0}]}
    heard = [{**written[0], "text": "one too"}]
    assert Misheard([{"recording": "r", "language": "en"}], written, heard).rate(question) == 0.5
    moved = [{**heard[0], "start_s": 0.1}]
    assert Misheard([{"recording": "r", "language": "en"}], written, moved).rate(question) is None
    assert Misheard([], written, heard).rate({"answers": []}) is None
