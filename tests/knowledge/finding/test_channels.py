"""Channels: BM25 by hand, and who is silent about what."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import Question, ask
from knowledge.finding.bm25 import SATURATION, Saturation, bm25, count_in, idf, taken_apart
from knowledge.finding.channels import CHANNELS, Channel, Pool, gather
from knowledge.index.tokens import hashes_of
from knowledge.index.view import FieldStatistics, TokenField
from knowledge.passages.passage import Passage
from tests.knowledge.finding.in_memory_view import InMemoryView

COURSE = frozenset({"c"})
ENGLISH = frozenset({"en"})
TOKENS = st.lists(st.sampled_from("abcdef"), max_size=20)


def passage(name: str, text: str, language: str = "en") -> Passage:
    return Passage(name, name, "c", 1, 0, 0, 0, 0.0, 1.0, text, language)


def column(pool: Pool, channel: Channel) -> np.ndarray:
    return pool.scores[:, CHANNELS.index(channel)]


@given(st.lists(TOKENS, min_size=1, max_size=6), st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_tokens_are_counted_as_they_occur(texts: list[list[str]], asked: set[str]) -> None:
    tokens = sorted(asked)
    counted = count_in([hashes_of(text) for text in texts], tokens)
    assert counted.tolist() == [[text.count(token) for token in tokens] for text in texts]


def test_bm25_of_one_passage_by_hand() -> None:
    statistics = FieldStatistics(passages=9, average_length=4.0, holding={"a": 2})
    score = bm25(np.array([[2.0]]), np.array([4]), ["a"], statistics, Saturation(k1=1.0, b=0.5))
    assert score == pytest.approx([math.log(1 + 7.5 / 2.5) * 2 * 2 / (2 + 1.0)])


def test_a_token_that_every_passage_holds_tells_almost_nothing() -> None:
    told = idf(["everywhere", "rare", "nowhere"], FieldStatistics(100, 5.0, {"everywhere": 100, "rare": 1}))
    assert told[0] < 0.01 < told[1] < told[2]


def test_each_channel_scores_every_candidate() -> None:
    texts = ["the assembly point is behind the canteen", "a ladder leans on the wall", "lock your screen"]
    view = InMemoryView([passage(str(at), text) for at, text in enumerate(texts)], np.eye(3, dtype=np.float32))
    question = Question("assembly point", "en", np.eye(3, dtype=np.float32)[1:2], ENGLISH)
    pool = gather(ask(question, view, courses=COURSE), view, courses=COURSE)
    assert {each.id for each in pool.passages} == {"0", "1", "2"}
    first = (Channel.DENSE, Channel.WORDS, Channel.SOUNDS)
    assert not any(np.isnan(column(pool, channel)).any() for channel in first)
    best = {channel: pool.passages[int(np.argmax(column(pool, channel)))].id for channel in first}
    assert best == {Channel.DENSE: "1", Channel.WORDS: "0", Channel.SOUNDS: "0"}


def test_an_embedder_is_silent_about_passages_it_does_not_know() -> None:
    stored = [passage("en", "the BERT model"), passage("zh", "这个BERT模型", "zh")]
    view = InMemoryView(stored, np.eye(2, dtype=np.float32))
    pool = gather(
        ask(Question("the BERT model", "en", view.embedded[:1], ENGLISH), view, courses=COURSE), view, courses=COURSE
    )
    dense = {each.id: score for each, score in zip(pool.passages, column(pool, Channel.DENSE), strict=True)}
    assert dense["en"] == pytest.approx(1.0)
    assert np.isnan(dense["zh"])


def test_sounds_are_silent_between_two_scripts() -> None:
    stored = [passage("en", "the BERT model"), passage("zh", "这个BERT模型", "zh")]
    view = InMemoryView(stored)
    pool = gather(ask(Question("BERT模型", "zh"), view, courses=COURSE), view, courses=COURSE)
    sounds = {each.id: score for each, score in zip(pool.passages, column(pool, Channel.SOUNDS), strict=True)}
    assert np.isnan(sounds["en"])
    assert sounds["zh"] > 0


def test_an_index_without_vectors_is_searched_by_words_and_sounds() -> None:
    view = InMemoryView([passage("a", "the assembly point")])
    question = Question("assembly point", "en", np.ones((1, 4), dtype=np.float32) / 2, ENGLISH)
    pool = gather(ask(question, view, courses=COURSE), view, courses=COURSE)
    assert np.isnan(column(pool, Channel.DENSE)).all()
    assert column(pool, Channel.WORDS)[0] > 0


def test_the_same_text_is_taken_apart_once() -> None:
    assert taken_apart("the ladder", "en") is taken_apart("the ladder", "en")


def test_what_was_said_around_a_passage_counts_for_it_too() -> None:
    said = ["the ladder", "leans there", "on the wall", "safely", "of course"]
    stored = [Passage(str(at), "r", "c", 1, at, at, at, at, at + 1.0, text, "en") for at, text in enumerate(said)]
    view = InMemoryView(stored)
    pool = gather(ask(Question("which wall", "en"), view, courses=COURSE), view, courses=COURSE)
    [only] = pool.passages
    assert only.id == "2"
    assert [pool.near[at] for at in pool.around[0]] == ["0", "2", "4"]
    both = gather(ask(Question("ladder wall course", "en"), view, courses=COURSE), view, courses=COURSE)
    around = dict(zip((each.id for each in both.passages), column(both, Channel.WORDS_AROUND), strict=True))
    assert around["2"] > around["0"]


def test_passages_around_count_as_one_text_with_it() -> None:
    """As if they were put one after another and counted again."""
    chance = np.random.default_rng(1)
    said = [" ".join(chance.choice(["ladder", "wall", "canteen", "the", "leans"], 6)) for _ in range(9)]
    stored = [Passage(str(at), "r", "c", 1, at, at, at, at, at + 1.0, text, "en") for at, text in enumerate(said)]
    view = InMemoryView(stored)
    asked = ask(Question("ladder on the wall wall", "en"), view, courses=COURSE)
    pool = gather(asked, view, courses=COURSE)
    tokens = sorted(set(asked.tokens.words))
    texts = [np.concatenate([view.tokens([pool.near[at]])[0].words for at in each]) for each in pool.around]
    known, sizes = asked.statistics[TokenField.WORDS], [len(each) for each in pool.around]
    longer = FieldStatistics(known.passages, known.average_length * sum(sizes) / len(sizes), known.holding)
    lengths = np.array([len(each) for each in texts])
    expected = bm25(count_in(texts, tokens), lengths, asked.tokens.words, longer, SATURATION[TokenField.WORDS])
    assert column(pool, Channel.WORDS_AROUND) == pytest.approx(expected, abs=1e-12)


def test_an_embedder_speaks_between_two_languages_written_alike() -> None:
    stored = [passage("en", "the emperor of Japan"), passage("zh", "日本的天皇", "zh")]
    view = InMemoryView(stored, np.eye(2, dtype=np.float32))
    question = Question("Wer ist der Kaiser von Japan?", "de", view.embedded[:1], ENGLISH)
    pool = gather(ask(question, view, courses=COURSE), view, courses=COURSE)
    dense = dict(zip((each.id for each in pool.passages), column(pool, Channel.DENSE), strict=True))
    assert dense["en"] == pytest.approx(1.0)
    assert np.isnan(dense["zh"])


def test_an_embedder_that_cannot_read_the_question_puts_nothing_forward() -> None:
    view = InMemoryView([passage("en", "the emperor of Japan")], np.eye(1, dtype=np.float32))
    question = Question("日本天皇是谁", "zh", view.embedded, ENGLISH)
    assert gather(ask(question, view, courses=COURSE), view, courses=COURSE).passages == []
