"""Cutting by given probabilities, and the real detector on real speech."""

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.hearing.heard import SpeechClip
from assistant.hearing.silero import BLOCK, Probabilities, SileroDetector
from assistant.hearing.speech_spans import (
    BLOCK_S,
    LONG_CLIPS,
    SHORT_CLIPS,
    WHOLE_SENTENCES,
    CuttingRules,
    SpeechSpans,
    best_pause,
)
from assistant.recognising.recognizer import Samples
from tests.assistant.hearing.decoded import decode

MOMENTS = Path(__file__).parents[4] / "shared" / "data" / "moments" / "recordings"


def heard_in(samples: Samples, rules: CuttingRules, *, piece: int = 5_000) -> list[SpeechClip]:
    """Clips of `samples`, in which a block speaks by as much as its first sample says."""

    def detect(blocks: Samples) -> Probabilities:
        return blocks.reshape(-1, BLOCK)[:, 0].clip(0, 1)

    spans = SpeechSpans(detect, rules)
    fed = [samples[start : start + piece] for start in range(0, len(samples), piece)]
    return [*itertools.chain.from_iterable(spans.feed(part) for part in fed), *spans.finish()]


def scripted(*stretches: tuple[float, float]) -> Samples:
    """Sound made of (probability, seconds), in whole blocks."""
    blocks = [np.full(round(seconds / BLOCK_S) * BLOCK, level, np.float32) for level, seconds in stretches]
    return np.concatenate(blocks)


def bounds(clips: Iterable[SpeechClip]) -> list[float]:
    """Starts and ends, one after the other."""
    return [second for clip in clips for second in (clip.start_s, clip.end_s)]


def test_short_pauses_are_joined_and_long_ones_part() -> None:
    sound = scripted((0, 1), (1, 2), (0, 0.3), (1, 1), (0, 0.8), (1, 2), (0, 1))

    assert bounds(heard_in(sound, LONG_CLIPS)) == pytest.approx([0.9, 4.4, 5.0, 7.2], abs=0.2)


def test_known_sentences_are_heard_with_their_pauses() -> None:
    sound = scripted((0, 1), (1, 2), (0, 0.8), (1, 2), (0, 1.4), (1, 1), (0, 1))

    assert bounds(heard_in(sound, WHOLE_SENTENCES)) == pytest.approx([0.8, 5.9, 7.0, 8.3], abs=0.2)


def test_a_long_stretch_is_cut_at_its_best_pause() -> None:
    sound = scripted((1, 15), (0, 0.2), (1, 5), (0, 0.4), (1, 20), (0, 1))

    clips = heard_in(sound, LONG_CLIPS)

    assert bounds(clips) == pytest.approx([0.0, 20.3, 20.5, 40.7], abs=0.15)


def test_without_word_times_clips_aim_at_twelve_seconds() -> None:
    sound = scripted(*[(1, 5), (0, 0.35)] * 8, (0, 1))

    clips = heard_in(sound, SHORT_CLIPS)

    assert len(clips) == 4
    assert max(clip.end_s - clip.start_s for clip in clips) < 12


def test_speech_without_any_pause_is_cut_before_thirty_seconds() -> None:
    clips = heard_in(scripted((1, 100)), LONG_CLIPS)

    assert max(clip.end_s - clip.start_s for clip in clips) <= 30
    assert sum(clip.end_s - clip.start_s for clip in clips) == pytest.approx(100, abs=0.1)


def test_a_pause_at_the_end_is_no_place_to_cut() -> None:
    assert best_pause([True] * 9 + [False] * 3, shortest=1) is None
    assert best_pause([True] * 9 + [False] * 3 + [True], shortest=1) == (9, 12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0.03, 40)), min_size=1, max_size=12),
    st.integers(100, 60_000),
    st.sampled_from([LONG_CLIPS, SHORT_CLIPS, WHOLE_SENTENCES]),
)
def test_clips_are_in_order_apart_and_never_too_long(
    stretches: list[tuple[float, float]], piece: int, rules: CuttingRules
) -> None:
    sound = scripted(*stretches)
    clips = heard_in(sound, rules, piece=piece)

    assert bounds(clips) == bounds(heard_in(sound, rules, piece=len(sound)))
    for clip in clips:
        assert 0 < clip.end_s - clip.start_s <= 30
        assert len(clip.samples) == round((clip.end_s - clip.start_s) * 16_000)
        assert clip.end_s <= len(sound) / 16_000
    for before, after in itertools.pairwise(clips):
        assert before.end_s <= after.start_s


@pytest.mark.parametrize("sound", ["silence", "hum", "noise"])
def test_what_is_no_speech_gives_no_clips(sound: str) -> None:
    seconds = np.arange(16_000 * 20) / 16_000
    samples = {
        "silence": np.zeros(len(seconds)),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * seconds),
        "noise": np.random.default_rng(3).normal(0, 0.05, len(seconds)),
    }[sound].astype(np.float32)
    spans = SpeechSpans(SileroDetector().probabilities)

    assert [*spans.feed(samples), *spans.finish()] == []


@pytest.mark.shared
@pytest.mark.skipif(not MOMENTS.is_dir(), reason="the measuring sets in ../shared are not here")
def test_a_speaker_forty_decibels_down_is_heard() -> None:
    samples, _ = decode(MOMENTS / "printing_and_first_aid.flac")
    quiet = samples[16_000 * 60 : 16_000 * 120].copy()

    def speech_s(sound: Samples) -> float:
        spans = SpeechSpans(SileroDetector().probabilities)
        list(spans.feed(sound))
        list(spans.finish())
        return spans.speech_s

    assert speech_s(quiet / 100) > 0.9 * speech_s(quiet)
