"""Channels on one scale, weighed together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import Question, ask
from knowledge.finding.bm25 import attainable
from knowledge.finding.channels import CHANNELS, Channel
from knowledge.finding.fuse import FULL_VOICE, fuse, sound_voice, weigh
from knowledge.finding.languages import Script
from knowledge.finding.scale import z_scores
from knowledge.index.view import Place, TokenField
from tests.knowledge.finding.in_memory_view import InMemoryView

NAN = np.nan
VOICES = np.array([0.5, 0.3, 0.2])
COURSE = frozenset({"c"})
ASKED = ask(Question("where is the assembly point"), InMemoryView([]), courses=COURSE)


def test_scores_are_brought_to_one_scale_channel_by_channel() -> None:
    scaled = z_scores(np.array([[1.0, 100.0, NAN], [3.0, 300.0, NAN]]))
    assert scaled[:, :2] == pytest.approx(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    assert np.isnan(scaled[:, 2]).all()


def test_a_channel_that_says_the_same_of_all_says_nothing() -> None:
    assert not z_scores(np.full((4, 3), 7.0)).any()


def test_a_channel_that_does_not_know_a_passage_has_no_say_there() -> None:
    assert weigh(np.array([[NAN, 2.0, NAN]]), VOICES).scores == pytest.approx([2.0])
    assert weigh(np.array([[NAN, NAN, NAN]]), VOICES).scores == pytest.approx([0.0])


def place(name: str, language: str = "en") -> Place:
    return Place(name, name, "c", 1, 0, 0, 0, 0.0, 1.0, language, Script.LATIN)


def scores(**columns: list[float]) -> np.ndarray:
    table = np.full((len(next(iter(columns.values()))), len(CHANNELS)), NAN)
    for name, values in columns.items():
        table[:, CHANNELS.index(Channel(name))] = values
    return table


def test_what_leads_in_every_channel_leads() -> None:
    table = scores(dense=[0.1, 0.9, 0.2], words=[1.0, 9.0, 2.0], sounds=[5.0, 50.0, 6.0], tokens=[0.2, 0.6, 0.3])
    assert int(np.argmax(fuse(ASKED, [place("a"), place("b"), place("c")], table).scores)) == 1


def test_an_empty_pool_has_no_scores() -> None:
    assert fuse(ASKED, [], np.zeros((0, len(CHANNELS)))).scores.shape == (0,)


@given(st.permutations(range(5)))
def test_the_order_of_candidates_decides_nothing(order: list[int]) -> None:
    table = np.random.default_rng(3).normal(size=(5, len(CHANNELS)))
    places = [place(str(at), "de" if at == 3 else "en") for at in range(5)]
    fused = fuse(ASKED, places, table).scores
    assert fuse(ASKED, [places[at] for at in order], table[order]).scores == pytest.approx(fused[order])


def test_between_two_languages_written_alike_letters_count() -> None:
    table = scores(words=[1.0, 1.0, 0.0], letters=[0.1, 0.9, 0.2])
    german = [place(name, "de") for name in "abc"]
    asked = ask(
        Question("where is the assembly point", "en", None, frozenset({"en"})), InMemoryView([]), courses=COURSE
    )
    assert int(np.argmax(fuse(asked, german, table).scores)) == 1


def test_a_few_words_in_no_known_language_are_weighed_as_the_passages_own() -> None:
    table = scores(words=[9.0, 1.0, 0.0], letters=[0.1, 0.9, 0.2])
    keywords = ask(Question("assembly point", "und", None, frozenset({"en"})), InMemoryView([]), courses=COURSE)
    assert keywords.language == "und"
    fused = fuse(keywords, [place(name) for name in "abc"], table)
    assert int(np.argmax(fused.scores)) == 0


def test_sounds_are_quiet_where_nothing_sounds_like_the_question() -> None:
    most = attainable(ASKED.tokens.sounds, ASKED.statistics[TokenField.SOUNDS])
    voices = [sound_voice(ASKED, scores(sounds=[share * most])) for share in (0.0, FULL_VOICE / 2, 1.0)]
    assert voices == pytest.approx([0.0, 0.5, 1.0])
    assert sound_voice(ASKED, scores(dense=[1.0])) == 0.0


def test_where_passages_stood_among_more_of_them_is_kept() -> None:
    """Two that were close among many are not far apart because they alone are left."""
    table = np.full((5, len(CHANNELS)), np.nan)
    table[:, CHANNELS.index(Channel.WORDS)] = [9.0, 8.9, 1.0, 0.0, 2.0]
    places = [place(name) for name in "abcde"]
    before = fuse(ASKED, places, table)
    again = fuse(ASKED, places[:2], table[:2], before.scaled[:2])
    assert again.scores == pytest.approx(before.scores[:2])
    table[:2, CHANNELS.index(Channel.TOKENS)] = [0.2, 0.4]
    assert int(np.argmax(fuse(ASKED, places[:2], table[:2], before.scaled[:2]).scores)) == 1
