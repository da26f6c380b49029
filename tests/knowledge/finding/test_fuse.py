"""Channels on one scale, weighed together."""

import numpy as np
import pytest

from knowledge.finding.channels import Question, ask, attainable
from knowledge.finding.fuse import FULL_VOICE, fuse, sound_voice, weigh
from knowledge.finding.scale import z_scores
from knowledge.index.view import TokenField
from tests.knowledge.finding.in_memory_view import InMemoryView

NAN = np.nan
VOICES = np.array([0.5, 0.3, 0.2])
ASKED = ask(Question("where is the assembly point"), InMemoryView([]))


def test_scores_are_brought_to_one_scale_channel_by_channel() -> None:
    scaled = z_scores(np.array([[1.0, 100.0, NAN], [3.0, 300.0, NAN]]))
    assert scaled[:, :2] == pytest.approx(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    assert np.isnan(scaled[:, 2]).all()


def test_a_channel_that_says_the_same_of_all_says_nothing() -> None:
    assert not z_scores(np.full((4, 3), 7.0)).any()


def test_a_channel_that_does_not_know_a_passage_has_no_say_there() -> None:
    assert weigh(np.array([[NAN, 2.0, NAN]]), VOICES) == pytest.approx([2.0])
    assert weigh(np.array([[NAN, NAN, NAN]]), VOICES) == pytest.approx([0.0])


def test_what_leads_in_every_channel_leads() -> None:
    assert int(np.argmax(fuse(ASKED, np.array([[0.1, 1.0, 5.0], [0.9, 9.0, 50.0], [0.2, 2.0, 6.0]])))) == 1


def test_an_empty_pool_has_no_scores() -> None:
    assert fuse(ASKED, np.zeros((0, 3))).shape == (0,)


def test_sounds_are_quiet_where_nothing_sounds_like_the_question() -> None:
    most = attainable(ASKED, TokenField.SOUNDS)
    voices = [sound_voice(ASKED, np.array([[0.0, 0.0, share * most]])) for share in (0.0, FULL_VOICE / 2, 1.0)]
    assert voices == pytest.approx([0.0, 0.5, 1.0])
    assert sound_voice(ASKED, np.array([[0.0, 0.0, NAN]])) == 0.0
