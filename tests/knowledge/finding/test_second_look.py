"""Late interaction and letters: what the second look sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import Question, ask, token_weights
from knowledge.finding.channels import CHANNELS, Channel, Pool, gather
from knowledge.finding.find import rank
from knowledge.finding.second_look import (
    BEST_OF_ALL,
    BEST_OF_EACH,
    letter_runs,
    look_again,
    max_similarities,
    worth_a_second_look,
)
from knowledge.passages.passage import Passage
from knowledge.token_vectors import TokenVectors, pack
from tests.knowledge.finding.in_memory_view import InMemoryView, token_rows

COURSE = frozenset({"c"})
ENGLISH = frozenset({"en"})


def tokens(*directions: int) -> TokenVectors:
    return TokenVectors(np.arange(len(directions)), np.eye(8, dtype=np.float32)[list(directions)])


def passage(name: str, text: str, language: str = "en", *, recording: str = "", ordinal: int = 0) -> Passage:
    return Passage(name, recording or name, "c", 1, ordinal, ordinal, ordinal, 0.0, 1.0, text, language)


def test_each_token_of_the_question_takes_its_nearest() -> None:
    found = max_similarities(tokens(0, 1), token_rows([tokens(0, 2), tokens(1, 0, 3), None, tokens()]))
    assert found[:2] == pytest.approx(np.array([[1.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(found[2:]).all()


def test_the_passage_whose_tokens_are_near_comes_first() -> None:
    stored = [passage("a", "assembly point"), passage("b", "assembly point")]
    vectors = np.ones((2, 4), np.float32) / 2
    view = InMemoryView(stored, vectors, {"a": tokens(5, 6), "b": tokens(0, 1)})
    question = Question("assembly point", "en", vectors[:1], ENGLISH, pack([0, 9], np.eye(2, 8)))
    asked = ask(question, view, courses=COURSE)
    ranking = rank(asked, gather(asked, view, courses=COURSE), view)
    closer = ranking.closer
    assert [each.passage.id for each in ranking.ranked] == ["b", "a"]
    assert not np.isnan(closer.scores[:, CHANNELS.index(Channel.TOKENS)]).any()


def test_a_passage_without_tokens_is_not_judged_by_them() -> None:
    stored = [passage("a", "assembly point"), passage("b", "assembly point of the hall")]
    vectors = np.ones((2, 4), np.float32) / 2
    view = InMemoryView(stored, vectors, {"a": tokens(0, 1)})
    question = Question("assembly point", "en", vectors[:1], ENGLISH, pack([0, 9], np.eye(2, 8)))
    asked = ask(question, view, courses=COURSE)
    closer = rank(asked, gather(asked, view, courses=COURSE), view).closer
    told = dict(
        zip((each.id for each in closer.passages), closer.scores[:, CHANNELS.index(Channel.TOKENS)], strict=True)
    )
    assert np.isnan(told["b"])
    assert told["a"] == pytest.approx(1.0, abs=0.1)


def test_tokens_of_rare_words_tell_more_and_all_together_one() -> None:
    view = InMemoryView([passage(str(at), "the pump" + (" cavitates" if at == 3 else "")) for at in range(20)])
    close = TokenVectors(np.array([0, 4, 9, 13]), np.eye(4))
    weights = token_weights("the pump cavitates", "en", close, view, COURSE)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] == weights[3]  # two pieces of one word
    assert weights[2] > weights[1]


def test_each_sign_is_a_word_where_none_stand_between_spaces() -> None:
    view = InMemoryView([passage(str(at), "水泵" + ("漏" if at == 3 else ""), "zh") for at in range(20)])
    weights = token_weights("水泵漏", "zh", TokenVectors(np.array([0, 1, 2]), np.eye(3)), view, COURSE)
    assert weights[0] == pytest.approx(weights[1])
    assert weights[2] > weights[1]


def test_letters_speak_only_between_languages() -> None:
    stored = [passage("en", "the emperor of Japan visited"), passage("de", "der Kaiser von Japan", "de")]
    view = InMemoryView(stored)
    asked = ask(Question("Kaiser von Japan", "de", None, ENGLISH), view, courses=COURSE)
    pool = gather(asked, view, courses=COURSE)
    closer = look_again(asked, pool, range(len(pool.passages)), view)
    letters = dict(
        zip((each.id for each in closer.passages), closer.scores[:, CHANNELS.index(Channel.LETTERS)], strict=True)
    )
    assert np.isnan(letters["de"])
    assert letters["en"] > 0


def test_runs_of_letters_reach_over_words() -> None:
    assert letter_runs("An, ox!") == [" an ", "an o", "n ox", " ox "]
    assert letter_runs("") == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 150))
def test_a_second_look_is_given_to_the_best_of_all_and_to_the_best_of_each(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.normal(size=(count, len(CHANNELS)))
    scores[chance.random(scores.shape) < 0.3] = np.nan
    first = chance.permutation(count).tolist()
    pool = Pool([], [], scores, [], [], [])
    chosen = worth_a_second_look(pool, first)
    assert set(first[:BEST_OF_ALL]) <= set(chosen)
    assert chosen == sorted(chosen, key=first.index)
    for column in scores.T:
        known = np.flatnonzero(~np.isnan(column))
        best = known[np.argsort(-column[known])][:BEST_OF_EACH]
        assert set(best.tolist()) <= set(chosen)
