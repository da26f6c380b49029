"""Word times from an aligner: only what it measured, or none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.spec import EmbedderSpec, EngineSpec, RecogniserSpec
from assistant.engine.wav import clip_to_wav, wav_to_clip
from assistant.recognising.aligning import (
    AlignedRecognizer,
    Measured,
    Said,
    believable,
    in_order,
    spelled,
    with_words,
)
from assistant.recognising.fun_asr.device import place
from assistant.recognising.qwen_aligner import QwenAligner, pieces_of
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised
from knowledge.model_files import WrongModel
from knowledge.transcripts.segment import Segment, TimeSource
from tests.assistant.engine.running_engine import numbered_clip, running_engine, scripted_server, until
from tests.assistant.recognising.small_aligner import build_small_aligner, teach
from tests.assistant.recognising.test_fun_asr import sound

TEXT = "Report the near miss, please."
SECONDS = (0.08, 0.4, 0.48, 0.56, 0.64, 0.96, 1.04, 1.44, 1.6, 1.92)
CLIP = Clip(sound(2.0, 3), ClipOptions(language="en"))


class SaysOneThing:
    name, digest, languages, gives_word_times, batch_s = "scripted", "0" * 64, None, False, 60.0

    def __init__(self, segment: Segment) -> None:
        self.segment = segment

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        return [Recognised((self.segment,)) for _ in clips]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that knows CLIP by heart and guesses at everything else."""
    folder = build_small_aligner(tmp_path_factory.mktemp("aligner") / "small")
    teach(folder, CLIP.samples, TEXT, SECONDS)
    return folder


@pytest.fixture(scope="module")
def aligner(folder: Path) -> QwenAligner:
    return QwenAligner(folder, place("cpu", "fp32"))


def segment(text: str = TEXT, *, language: str = "en", end_s: float = 2.0) -> Segment:
    return Segment(0.0, end_s, text, language)


def pieces(*seconds: float) -> list[Measured]:
    return list(pieces_of([f"w{at}" for at in range(len(seconds) // 2)], seconds))


# The rules


def test_words_are_spelled_as_in_the_text_with_the_marks_behind_them() -> None:
    assert spelled(TEXT, ["Report", "the", "near", "miss", "please"]) == ["Report", "the", "near", "miss,", "please."]
    assert spelled("请报告 near miss。", ["请", "报", "告", "near", "miss"]) == ["请", "报", "告", "near", "miss。"]
    assert spelled("«Ja», sagte sie", ["Ja", "sagte", "sie"]) == ["«Ja»,", "sagte", "sie"]
    assert spelled("forty two", ["42"]) is None
    assert spelled("By e-mail: 3.5 and/or don’t", ["By", "email", "35", "andor", "dont"]) == [
        "By", "e-mail:", "3.5", "and/or", "don’t",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "right"),
    [
        ((0.0, 0.4, 0.4, 0.8), True),
        ((0.0, 0.4, 0.4, 2.4), False),  # beyond the sound
        ((-0.1, 0.4), False),
        ((0.0, 0.4, 0.8, 0.2), False),  # a third runs backwards
        ((1.0, 1.0, 1.0, 1.0, 1.0, 1.0), False),  # all at once
        ((1.4, 1.6, 1.6, 1.6, 1.6, 1.6), False),  # and nearly so
    ],
)
def test_what_cannot_be_is_not_believed(seconds: tuple[float, ...], right: bool) -> None:
    assert believable(pieces(*seconds), duration_s=2.0) is right


def test_a_last_step_beyond_the_sound_ends_with_it() -> None:
    heard = with_words(segment("w0 w1", end_s=2.05), pieces(0.0, 0.4, 2.08, 2.08), duration_s=2.05)
    assert [(word.start_s, word.end_s) for word in heard.words] == [(0.0, 0.4), (2.05, 2.05)]


def test_a_word_that_would_hold_a_pause_is_not_believed() -> None:
    assert not believable(pieces(0.0, 0.4, 0.4, 4.0), duration_s=5.0)


@given(st.lists(st.floats(0, 30), min_size=2, max_size=40).filter(lambda given: len(given) % 2 == 0))
def test_seconds_in_order_never_run_backwards_and_none_is_made_up(seconds: list[float]) -> None:
    ordered = [second for piece in in_order(pieces(*seconds)) for second in (piece.start_s, piece.end_s)]
    assert ordered == sorted(ordered)
    assert set(ordered) <= set(seconds)


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=12), st.data())
def test_what_is_spelled_is_the_whole_text(words: list[str], data: st.DataObject) -> None:
    marks = [data.draw(st.sampled_from(["", ",", ".", "!"])) for _ in words]
    text = " ".join(word + mark for word, mark in zip(words, marks, strict=True))
    assert " ".join(spelled(text, words) or []) == text


def test_a_segment_whose_words_cannot_be_believed_stays_as_it_was() -> None:
    assert with_words(segment(), pieces(1.9, 0.1, 0.0, 0.5), duration_s=2.0) == segment()
    assert with_words(segment(), [], duration_s=2.0) == segment()


# The model


def test_words_get_the_seconds_that_were_measured(aligner: QwenAligner) -> None:
    (heard,) = AlignedRecognizer(SaysOneThing(segment()), aligner).recognize([CLIP])
    (given,) = heard.segments
    assert given.time_source is TimeSource.ALIGNER
    assert [word.text for word in given.words] == ["Report", "the", "near", "miss,", "please."]
    assert [second for word in given.words for second in (word.start_s, word.end_s)] == pytest.approx(SECONDS)
    assert (given.start_s, given.end_s, given.text) == (0.0, 2.0, TEXT)


def test_a_segment_that_begins_later_has_its_words_later(aligner: QwenAligner) -> None:
    later = Clip(np.concatenate([np.zeros(16_000, np.float32), CLIP.samples]), CLIP.options)
    said = replace(segment(), start_s=1.0, end_s=3.0)
    (heard,) = AlignedRecognizer(SaysOneThing(said), aligner).recognize([later])
    assert heard.segments[0].words[0].start_s == pytest.approx(1.0 + SECONDS[0])


@pytest.mark.parametrize(
    "said",
    [
        segment(language="sv"),
        segment(""),
        replace(segment(), invented=True),
        segment(end_s=0.1),
    ],
)
def test_where_nothing_was_measured_there_are_no_words(aligner: QwenAligner, said: Segment) -> None:
    (heard,) = AlignedRecognizer(SaysOneThing(said), aligner).recognize([CLIP])
    assert heard.segments == (said,)


def test_where_no_times_are_wanted_nothing_is_aligned(aligner: QwenAligner) -> None:
    question = replace(CLIP, options=replace(CLIP.options, word_times=False))
    (heard,) = AlignedRecognizer(SaysOneThing(segment()), aligner).recognize([question])
    assert heard.segments == (segment(),)


def test_neighbours_change_nothing(aligner: QwenAligner) -> None:
    said = [Said(sound(0.5 + at, at), TEXT if at % 2 else "near miss", "en") for at in range(7)]
    assert aligner.align(said) == [aligner.align([one])[0] for one in said]


def test_a_folder_that_is_no_aligner_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongModel, match="no model folder"):
        QwenAligner(tmp_path / "nowhere", place("cpu", "fp32"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WrongModel, match="cannot be read as an aligner"):
        QwenAligner(tmp_path / "other", place("cpu", "fp32"))


# The whole way


def test_through_the_engine_words_have_the_aligners_seconds(tmp_path: Path) -> None:
    """A server that gives text alone, and an aligner that was taught where the words of this clip are."""
    spoken = Clip(wav_to_clip(clip_to_wav(numbered_clip(5).samples), filename="clip.wav"), ClipOptions(language="en"))
    seconds = [0.08, 0.24, 0.32, 0.56, 0.64, 0.88]
    folder = build_small_aligner(tmp_path / "aligner")
    teach(folder, spoken.samples, "clip number 5", seconds)
    with scripted_server() as server:
        remote = RecogniserSpec("remote", "scripted", server.url, device="cpu", dtype="fp32", aligner=str(folder))
        with running_engine(tmp_path / "home", EngineSpec(remote, EmbedderSpec("/nowhere"), children=1)) as engine:
            until(lambda: engine.recogniser_is("ready"))
            (heard,) = engine.client.recognize_clip(spoken).segments
            question = replace(spoken, options=replace(spoken.options, word_times=False))
            (plain,) = engine.client.recognize_clip(question).segments
    assert [word.text for word in heard.words] == ["clip", "number", "5"]
    assert [second for word in heard.words for second in (word.start_s, word.end_s)] == pytest.approx(seconds)
    assert heard.time_source is TimeSource.ALIGNER
    assert plain == replace(heard, words=(), time_source=TimeSource.VAD)
