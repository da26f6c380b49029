"""The embedded recogniser over speech made by flite: what it hears, and that nothing leaks between clips."""

import random
import time

import numpy as np
import pytest

from assistant.errors import UnknownLanguage
from assistant.recognising.pocketsphinx import HeardWord, PocketsphinxRecognizer, reason_to_doubt, segments_of
from assistant.recognising.recognizer import Clip, ClipOptions
from knowledge.transcripts.segment import TimeSource
from tests.assistant.recognising.flite import say

SENTENCES = (
    "the fire door must stay closed at night",
    "please wear your gloves in the kitchen",
    "we pay for the train but not for dinner",
)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = tmp_path_factory.mktemp("spoken")
    return [Clip(say(text, folder)) for text in SENTENCES]


@pytest.fixture(scope="module")
def recogniser() -> PocketsphinxRecognizer:
    return PocketsphinxRecognizer()


def test_it_hears_most_words_with_times_that_never_run_backwards(
    recogniser: PocketsphinxRecognizer, spoken: list[Clip]
) -> None:
    for clip, said, result in zip(spoken, SENTENCES, recogniser.recognize(spoken), strict=True):
        words = [word for segment in result.segments for word in segment.words]
        assert len({word.text for word in words} & set(said.split())) >= 0.6 * len(set(said.split()))
        times = [second for word in words for second in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[-1] <= clip.duration_s
        assert all(segment.time_source is TimeSource.RECOGNISER for segment in result.segments)


def test_neither_order_nor_neighbours_change_a_result(recogniser: PocketsphinxRecognizer, spoken: list[Clip]) -> None:
    alone = [recogniser.recognize([clip])[0] for clip in spoken]
    noise = Clip(np.random.default_rng(1).normal(0, 0.2, 16_000).astype(np.float32))
    for seed in range(3):
        order = random.Random(seed).sample(range(len(spoken)), len(spoken))
        mixed = [clip for number in order for clip in (spoken[number], noise)]
        assert recogniser.recognize(mixed)[::2] == [alone[number] for number in order]


def test_a_second_recogniser_gives_the_same(recogniser: PocketsphinxRecognizer, spoken: list[Clip]) -> None:
    assert PocketsphinxRecognizer().recognize(spoken) == recogniser.recognize(spoken)


@pytest.mark.parametrize("language", ["zh", "de-DE", "xx"])
def test_another_language_is_refused_with_what_to_configure(
    recogniser: PocketsphinxRecognizer, language: str, spoken: list[Clip]
) -> None:
    with pytest.raises(UnknownLanguage, match="RECOGNIZER=remote"):
        recogniser.recognize([Clip(spoken[0].samples, ClipOptions(language=language))])


@pytest.mark.parametrize("language", [None, "en", "en-GB", "EN_us", "und"])
def test_english_under_any_of_its_names_is_heard(
    recogniser: PocketsphinxRecognizer, language: str | None, spoken: list[Clip]
) -> None:
    assert recogniser.recognize([Clip(spoken[1].samples, ClipOptions(language=language))])[0].segments


@pytest.mark.parametrize("level", [0.0, 1 / 32768, 5 / 32768])
def test_silence_gives_no_words(recogniser: PocketsphinxRecognizer, level: float) -> None:
    hiss = np.random.default_rng(0).uniform(-level, level, 32_000).astype(np.float32)
    assert recogniser.recognize([Clip(hiss)])[0].segments == ()


def test_the_digest_is_of_the_model_files(recogniser: PocketsphinxRecognizer) -> None:
    assert recogniser.digest == PocketsphinxRecognizer().digest
    assert len(bytes.fromhex(recogniser.digest)) == 32


def word(first: int, last: int, posterior: float = 0.9, score: float = 1e-40) -> HeardWord:
    return HeardWord(first, last, f"w{first}", posterior, score)


def test_a_pause_of_half_a_second_begins_a_segment() -> None:
    close, far = word(0, 29), word(30 + 49, 99)
    assert len(segments_of([close, far], 2.0, None)) == 1
    assert len(segments_of([close, word(30 + 50, 99)], 2.0, None)) == 2


def test_the_last_frame_never_reaches_over_the_end_of_the_clip() -> None:
    assert segments_of([word(90, 120)], 1.0, None)[0].end_s == 1.0


def test_doubt_is_said_and_silence_is_no_doubt() -> None:
    assert reason_to_doubt([]) is None
    assert reason_to_doubt([word(0, 30), word(31, 60)]) is None
    assert "hesitated" in str(reason_to_doubt([word(0, 30, posterior=0.0)]))
    assert "clear English" in str(reason_to_doubt([word(0, 9, score=0.0)]))


def heard(recogniser: PocketsphinxRecognizer, clip: Clip, options: ClipOptions) -> str:
    (result,) = recogniser.recognize([Clip(clip.samples, options)])
    return " ".join(segment.text for segment in result.segments)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A sentence with a word that no dictionary holds and an abbreviation."""
    return Clip(say("wear the zoltex gloves and other P P E in bay fourteen", tmp_path_factory.mktemp("odd")))


def test_a_script_that_is_spoken_is_heard_word_for_word(recogniser: PocketsphinxRecognizer, odd: Clip) -> None:
    script = "Intro.\nWear the Zoltex gloves and other PPE in bay 14.\nClose the door."
    assert heard(recogniser, odd, ClipOptions()) != "wear the zoltex gloves and other ppe in bay fourteen"
    mixed = heard(recogniser, odd, ClipOptions(script=script))
    assert mixed == "wear the zoltex gloves and other ppe in bay fourteen"


def test_terms_bring_words_that_no_dictionary_holds(recogniser: PocketsphinxRecognizer, odd: Clip) -> None:
    assert "zoltex" in heard(recogniser, odd, ClipOptions(hotwords=("Zoltex gloves", "PPE")))


def test_one_clip_s_script_leaves_the_next_clip_alone(
    recogniser: PocketsphinxRecognizer, spoken: list[Clip], odd: Clip
) -> None:
    before = recogniser.recognize(spoken)
    scripted = [Clip(clip.samples, ClipOptions(script="Zoltex gloves.")) for clip in (odd, *spoken)]
    recogniser.recognize(scripted)
    assert recogniser.recognize(spoken) == before


@pytest.mark.parametrize("text", ["", " \n ", "安全第一。请戴好安全帽。", "— … !!", "\0\x01", "ß" * 200])
def test_text_that_nobody_can_say_in_english_changes_nothing(
    recogniser: PocketsphinxRecognizer, spoken: list[Clip], text: str
) -> None:
    plain = heard(recogniser, spoken[0], ClipOptions())
    assert heard(recogniser, spoken[0], ClipOptions(script=text, hotwords=(text,))) == plain


def test_the_mixed_decoders_of_the_last_texts_are_kept(recogniser: PocketsphinxRecognizer, odd: Clip) -> None:
    options = ClipOptions(script="We wear Zoltex gloves.")
    first = heard(recogniser, odd, options)
    began = time.process_time()
    assert heard(recogniser, odd, options) == first
    again_s = time.process_time() - began
    assert again_s < odd.duration_s
