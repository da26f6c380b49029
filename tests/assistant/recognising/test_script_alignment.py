"""A script beside a recording: its spelling, the recogniser's times, and nothing invented."""

import random
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.recognising.alignment import EXACT_CELLS, align_words
from assistant.recognising.script_alignment import SCRIPT_IS_SPOKEN, align, match_share
from assistant.recognising.script_text import script_sentences, script_terms
from assistant.recognising.spoken_forms import spoken_words
from knowledge.transcripts.segment import Segment, TimeSource, Word

SCRIPT = """# Fire doors

Every fire door must stay closed at night. Report a broken one to Ms. Miller at once!
- Wear your PPE under ISO 9001.
"""


def heard_as(text: str, *, start_s: float = 0.0, word_s: float = 0.4) -> Segment:
    """A stretch of speech, its words one behind the other."""
    words = tuple(
        Word(round(start_s + n * word_s, 3), round(start_s + n * word_s + 0.3, 3), word, 0.8)
        for n, word in enumerate(text.split())
    )
    return Segment(words[0].start_s, words[-1].end_s, text, "en", TimeSource.RECOGNISER, words)


def timed(text: str) -> list[Word]:
    return list(heard_as(text).words)


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def test_sentences_keep_their_spelling_without_the_markdown() -> None:
    assert [sentence.text for sentence in script_sentences(SCRIPT)] == [
        "Fire doors",
        "Every fire door must stay closed at night.",
        "Report a broken one to Ms. Miller at once!",
        "Wear your PPE under ISO 9001.",
    ]


def test_a_text_wrapped_to_a_width_keeps_its_sentences_whole() -> None:
    wrapped = (
        "Every fire door in the building must stay closed at night, and\n"
        "whoever finds one that is open reports it to the desk at once,\n"
        "so that it is closed before the last person leaves the floor.\n"
        "Nobody wedges a door.\n\nThe next paragraph stands alone.\n"
    )
    assert [sentence.text for sentence in script_sentences(wrapped)][1:] == [
        "Nobody wedges a door.",
        "The next paragraph stands alone.",
    ]


def test_lines_without_any_marks_are_sentences() -> None:
    assert len(script_sentences("there's iron they say\nin all our blood\nand a grain or two")) == 3


def test_chinese_is_cut_at_its_own_marks() -> None:
    assert [s.text for s in script_sentences("请戴好安全帽。然后进入车间！好的")] == [
        "请戴好安全帽。",
        "然后进入车间！",
        "好的",
    ]


def test_an_endless_sentence_is_cut() -> None:
    endless = script_sentences("word " * 1000)
    assert max(len(sentence.words) for sentence in endless) == 40
    assert sum(len(sentence.words) for sentence in endless) == 1000


def test_a_misheard_sentence_takes_the_script_s_spelling_and_keeps_its_own_times() -> None:
    heard = [heard_as("ever a fire door must day closed at night", start_s=5.0)]
    (placed,) = align(heard, SCRIPT)
    assert placed.text == "Every fire door must stay closed at night."
    assert (placed.start_s, placed.end_s) == (heard[0].start_s, heard[0].end_s)
    assert placed.time_source is TimeSource.RECOGNISER
    assert [word.text for word in placed.words] == ["fire", "door", "must", "closed", "at", "night."]
    assert {word.start_s for word in placed.words} <= {word.start_s for word in heard[0].words}


def test_one_stretch_of_speech_becomes_its_sentences() -> None:
    said = "every fire door must stay closed at night report a broken one to ms miller at once"
    assert texts(align([heard_as(said)], SCRIPT)) == [
        "Every fire door must stay closed at night.",
        "Report a broken one to Ms. Miller at once!",
    ]


def test_figures_take_the_time_of_all_their_words() -> None:
    (placed,) = align([heard_as("wear your ppe under iso nine thousand one")], SCRIPT)
    assert placed.text == "Wear your PPE under ISO 9001."
    assert placed.words[-1] == Word(2.0, 3.1, "9001.", 0.8)


def test_figures_that_the_recogniser_wrote_match_too() -> None:
    assert texts(align([heard_as("wear your PPE under ISO 9001")], SCRIPT)) == ["Wear your PPE under ISO 9001."]


def test_what_the_script_lacks_stays_as_heard() -> None:
    aside = heard_as("good morning everybody nice to see you", start_s=0.0)
    said = heard_as("every fire door must stay closed at night", start_s=6.0)
    assert align([aside, said], SCRIPT) == [
        aside,
        replace(said, text="Every fire door must stay closed at night.", words=align([said], SCRIPT)[0].words),
    ]


def test_a_sentence_that_was_not_said_is_not_placed() -> None:
    said = heard_as("wear your ppe under iso nine thousand one")
    assert "Report a broken one to Ms. Miller at once!" not in texts(align([said], SCRIPT))


def test_a_long_sentence_misheard_in_its_middle_is_still_one() -> None:
    script = "It was here that the lobster and the other famous dishes reached their perfection and this is the recipe."
    said = heard_as("it was here that the mumbai game you if you did not set out a infection and this is the recipe")
    (placed,) = align([said], script)
    assert (placed.text, placed.start_s, placed.end_s) == (script, said.start_s, said.end_s)


def test_a_stray_word_far_away_does_not_stretch_a_sentence() -> None:
    stray = heard_as("every", start_s=0.0)
    said = heard_as("fire door must stay closed at night", start_s=60.0)
    assert [segment.start_s for segment in align([stray, said], SCRIPT)] == [0.0, 60.0]


def test_a_confirmed_sentence_is_no_longer_hard_to_hear() -> None:
    said = replace(heard_as("every fire door must stay closed at night"), hard_to_hear="hesitated")
    other = replace(heard_as("mumble mumble mumble", start_s=30.0), hard_to_hear="hesitated")
    assert [segment.hard_to_hear for segment in align([said, other], SCRIPT)] == [None, "hesitated"]


def test_without_timed_words_everything_stays() -> None:
    untimed = [Segment(0.0, 9.0, "every fire door must stay closed at night", "en", TimeSource.VAD)]
    assert align(untimed, SCRIPT) == untimed


def test_the_right_script_is_told_from_a_wrong_one() -> None:
    said = timed("ever a fire door must day closed at night report a broke won to miss miller at ones")
    wrong = "The history of printing begins in Mainz. At night a man came to the door. " * 200
    assert match_share(said, "Unsaid introduction, quite long. " * 50 + SCRIPT) > SCRIPT_IS_SPOKEN
    assert match_share(said, wrong) < SCRIPT_IS_SPOKEN
    assert match_share([], SCRIPT) == 0.0
    assert match_share(said, "") == 0.0


def test_terms_are_the_rarest_words_as_phrases() -> None:
    text = "Please wear the Zoltex gloves in the hall. The Zoltex gloves are in the box by the door of the hall."
    terms = script_terms(text)
    assert "Zoltex gloves" in terms
    assert not {"the", "in", "of"} & set(terms)


def test_terms_are_counted() -> None:
    assert (
        len(script_terms(" ".join(f"Zol{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}tex{n}. the" for n in range(9000))))
        == 500
    )
    assert script_terms("") == ()


words = st.sampled_from(["fire", "door", "must", "stay", "closed", "at", "night", "wear", "gloves", "report", "nine"])
sentences = st.lists(words, min_size=1, max_size=8).map(" ".join)


@st.composite
def speech(draw: st.DrawFn) -> list[Segment]:
    at, segments = 0.0, []
    for text in draw(st.lists(sentences, max_size=6)):
        at += draw(st.sampled_from([0.1, 0.6, 2.0, 30.0]))
        segments.append(heard_as(text, start_s=round(at, 3)))
        at = segments[-1].end_s
    return segments


@given(speech(), st.lists(sentences, max_size=8).map(". \n".join))
def test_times_never_run_backwards_and_nothing_is_invented(heard: list[Segment], script: str) -> None:
    aligned = align(heard, script)
    for earlier, later in pairwise(aligned):
        assert earlier.end_s <= later.start_s
    said = {token for segment in heard for token in spoken_words(segment.text)}
    written = {sentence.text for sentence in script_sentences(script)}
    starts = {word.start_s for segment in heard for word in segment.words}
    ends = {word.end_s for segment in heard for word in segment.words}
    for segment in aligned:
        assert segment.text in written or set(spoken_words(segment.text)) <= said
        assert segment.start_s in starts
        assert segment.end_s in ends
        for word in segment.words:
            assert word.start_s in starts
            assert word.end_s in ends
            assert segment.start_s <= word.start_s <= word.end_s <= segment.end_s


@given(speech())
def test_a_script_that_is_what_was_heard_changes_nothing(heard: list[Segment]) -> None:
    assert align(heard, "\n\n".join(segment.text for segment in heard)) == heard


@given(speech(), st.text())
def test_any_text_may_be_called_a_script(heard: list[Segment], script: str) -> None:
    align(heard, script)
    match_share([word for segment in heard for word in segment.words], script)
    script_terms(script)


@given(st.lists(words, max_size=12), st.lists(words, max_size=12))
def test_pairs_stand_in_order_at_the_least_cost(a: list[str], b: list[str]) -> None:
    pairs = align_words(a, b)
    for earlier, later in pairwise(pairs):
        assert earlier.a < later.a
        assert earlier.b < later.b
    cost = sum(0 if pair.same else 3 for pair in pairs) + 2 * (len(a) + len(b) - 2 * len(pairs))
    assert cost == least_cost(a, b)


def least_cost(a: list[str], b: list[str]) -> int:
    """The plain definition."""
    row = [2 * n for n in range(len(b) + 1)]
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], 2 * i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 2, row[j - 1] + 2, above + (0 if left == right else 3))
    return row[-1]


@pytest.mark.slow
def test_an_hour_is_aligned_in_seconds() -> None:
    chance = random.Random(3)
    vocabulary = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdgklmnprst"]
    written = [[chance.choice(vocabulary) for _ in range(12)] for _ in range(750)]
    heard = [
        heard_as(
            " ".join(word if chance.random() < 0.6 else chance.choice(vocabulary) for word in line),
            start_s=number * 5.0,
            word_s=0.35,
        )
        for number, line in enumerate(written)
    ]
    script = ".\n".join(" ".join(line).capitalize() for line in written)
    assert EXACT_CELLS < 9000 * 9000
    began = time.process_time()
    aligned = align(heard, script)
    assert time.process_time() - began < 5
    placed = {sentence.text for sentence in script_sentences(script)} & set(texts(aligned))
    assert len(placed) > 0.85 * len(written)
