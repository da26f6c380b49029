"""Channels on one scale, weighed together."""

import numpy as np
import pytest

from knowledge.finding.fuse import fuse, weigh
from knowledge.finding.scale import z_scores

NAN = np.nan


def test_scores_are_brought_to_one_scale_channel_by_channel() -> None:
    scaled = z_scores(np.array([[1.0, 100.0, NAN], [3.0, 300.0, NAN]]))
    assert scaled[:, :2] == pytest.approx(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    assert np.isnan(scaled[:, 2]).all()


def test_a_channel_that_says_the_same_of_all_says_nothing() -> None:
    assert not z_scores(np.full((4, 3), 7.0)).any()


def test_a_channel_that_does_not_know_a_passage_has_no_say_there() -> None:
    assert weigh(np.array([[NAN, 2.0, NAN]])) == pytest.approx([2.0])
    assert weigh(np.array([[NAN, NAN, NAN]])) == pytest.approx([0.0])


def test_what_leads_in_every_channel_leads() -> None:
    assert int(np.argmax(fuse(np.array([[0.1, 1.0, 5.0], [0.9, 9.0, 50.0], [0.2, 2.0, 6.0]])))) == 1


def test_an_empty_pool_has_no_scores() -> None:
    assert fuse(np.zeros((0, 3))).shape == (0,)
