"""The indexer's small rules, without sound or database."""

import pytest

from assistant.errors import Busy, Cancelled, RecognizerDown
from assistant.hearing.heard import HearingProgress
from assistant.recognising.recognizer import ClipOptions
from indexer.clip_results import ClipKey, ClipResult, options_digest
from indexer.hear import honest_total_s
from indexer.patience import patiently
from indexer.recognise import NothingRecognisedError
from indexer.script_use import is_spoken, listening_for, use_of_terms
from indexer.transcribe import NO_SPEECH, NO_WORDS, cues_inside, what_went_wrong
from knowledge.transcripts.segment import Segment, Word

SCRIPT = "The evacuation wardens assemble beside the loading dock. Nobody re-enters without clearance."
KEY = ClipKey(0, 1000, "digest")


def heard(text: str) -> Segment:
    words = tuple(Word(at / 2, at / 2 + 0.4, word) for at, word in enumerate(text.split()))
    return Segment(0.0, 10.0, text, "en", words=words)


@pytest.mark.parametrize(
    ("decoded_s", "declared_s", "total_s"), [(10, 60, 60), (61, 60, None), (10, None, None), (0, 0, 0)]
)
def test_a_declared_length_is_believed_until_it_proves_wrong(
    decoded_s: float, declared_s: float | None, total_s: float | None
) -> None:
    assert honest_total_s(HearingProgress(decoded_s, declared_s)) == total_s


def test_a_script_heard_with_errors_is_spoken_and_another_text_is_not() -> None:
    said = heard("the evacuation warden assemble inside the loading dog nobody enters with out clearance " * 2)

    assert is_spoken(f"{SCRIPT} {SCRIPT}", [said])
    assert not is_spoken(SCRIPT, [heard("one teaspoon of butter and half a pint of cream for the lobster")])
    assert not is_spoken(SCRIPT, [])


def test_listening_for_a_script_keeps_what_else_is_known() -> None:
    use = listening_for(SCRIPT, ClipOptions(language="en", hotwords=("dock",)))

    assert (use.options.language, use.options.hotwords, use.options.script) == ("en", ("dock",), SCRIPT)
    assert use.aligned


def test_terms_help_only_where_several_of_them_were_heard() -> None:
    slides = "evacuation wardens\nloading dock\nclearance"
    plain = ClipOptions(language="en")

    about = use_of_terms(slides, [heard("so the wardens check clearance before evacuation starts")], plain)
    other = use_of_terms(slides, [heard("butter and cream for the lobster")], plain)

    assert about.options.hotwords
    assert not about.aligned
    assert other.options == plain
    assert "left alone" in other.note


def test_subtitles_end_with_the_recording_at_the_latest() -> None:
    cues = [Segment(0, 2, "a"), Segment(8, 12, "b"), Segment(10, 11, "c"), Segment(30, 31, "d")]

    assert cues_inside(cues, 10.0) == [Segment(0, 2, "a"), Segment(8, 10.0, "b")]


def test_notes_say_what_was_not_recognised() -> None:
    good, bad = ClipResult(KEY, (heard("fire"),)), ClipResult(KEY, (), "too odd")

    assert what_went_wrong([], []) == [NO_SPEECH]
    assert what_went_wrong([ClipResult(KEY, ())], []) == [NO_WORDS]
    assert what_went_wrong([good], [heard("fire")]) == []
    assert what_went_wrong([good, bad], [heard("fire")]) == [
        "1 of 2 stretches of speech could not be recognised: too odd"
    ]
    with pytest.raises(NothingRecognisedError, match="too odd"):
        what_went_wrong([bad, bad], [])


def test_a_result_counts_only_for_the_recogniser_and_what_it_was_told() -> None:
    digests = {
        options_digest("a", ClipOptions()),
        options_digest("b", ClipOptions()),
        options_digest("a", ClipOptions(language="en")),
        options_digest("a", ClipOptions(hotwords=("x",))),
        options_digest("a", ClipOptions(itn=False)),
        options_digest("a", ClipOptions(script="x")),
    }

    assert len(digests) == 6


class Flaky:
    """Raises what it was given, one error a call, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "here"


class Clock:
    """Time passes only in pauses."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_an_engine_that_is_down_is_asked_again_ever_less_often_until_patience_ends() -> None:
    clock = Clock()

    with pytest.raises(RecognizerDown):
        patiently(Flaky(*[RecognizerDown("no")] * 99), patience_s=60, pause=clock.pause, clock=clock)

    assert clock.pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(clock.pauses) <= 15
    assert 60 <= clock.now < 80


def test_a_busy_engine_is_alive_and_waited_for_as_it_says() -> None:
    clock = Clock()

    answer = patiently(Flaky(*[Busy("full", retry_after_s=30)] * 20), patience_s=60, pause=clock.pause, clock=clock)

    assert answer == "here"
    assert clock.pauses == [30.0] * 20


def test_a_pause_may_end_the_waiting() -> None:
    def pause(seconds: float) -> None:
        raise Cancelled("no longer wanted")

    with pytest.raises(Cancelled):
        patiently(Flaky(RecognizerDown("no")), patience_s=60, pause=pause)
