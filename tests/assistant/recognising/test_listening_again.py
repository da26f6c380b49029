"""Where a script is worth listening for once more, and what comes of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assistant.recognising.listening_again import Gap, filled, gaps
from assistant.recognising.script_alignment import align
from tests.assistant.recognising.test_script_alignment import heard_as, texts

FIRST = "Every fire door must stay closed at night."
SECOND = "Report a broken one to the desk at once."
THIRD = "Wear your gloves when you lift a crate."
SCRIPT = "\n".join((FIRST, SECOND, THIRD))
BEGINNING = heard_as("every fire door must stay closed at night")
MUMBLED = heard_as("reptile broke hand wonder the task and dance", start_s=5.0)
END = heard_as("wear your gloves when you lift a crate", start_s=10.0)


def test_a_sentence_not_heard_between_two_that_were_has_one_place_to_be() -> None:
    assert list(gaps([BEGINNING, MUMBLED, END], SCRIPT)) == [Gap(BEGINNING.end_s, END.start_s, SECOND)]


def test_before_the_first_and_after_the_last_there_may_be_more() -> None:
    said = heard_as("report a broken one to the desk at once", start_s=5.0)
    before, after = heard_as("of a retire daughter"), heard_as("where are the loves in a crate", start_s=10.0)
    assert list(gaps([before, said, after], SCRIPT)) == [
        Gap(0.0, said.start_s, FIRST),
        Gap(said.end_s, float("inf"), THIRD),
    ]


def test_where_nothing_was_said_nothing_is_listened_for() -> None:
    assert list(gaps([BEGINNING, END], SCRIPT)) == []


def test_a_digression_is_no_gap() -> None:
    aside = heard_as("and now for something completely different " * 6, start_s=5.0)
    end = heard_as("wear your gloves when you lift a crate", start_s=30.0)
    assert list(gaps([BEGINNING, aside, end], SCRIPT)) == []


def test_what_was_heard_again_takes_the_place_of_what_was_misheard() -> None:
    heard = [BEGINNING, MUMBLED, END]
    (gap,) = gaps(heard, SCRIPT)
    again = heard_as("report a broken wonder the desk at once", start_s=5.0)
    segments = filled(align(heard, SCRIPT), gap, [again])
    assert texts(segments) == [FIRST, SECOND, THIRD]
    assert (segments[1].start_s, segments[1].end_s) == (again.start_s, again.end_s)


def test_where_it_is_not_heard_again_all_stays() -> None:
    heard = [BEGINNING, MUMBLED, END]
    (gap,) = gaps(heard, SCRIPT)
    aligned = align(heard, SCRIPT)
    assert filled(aligned, gap, [heard_as("the desk", start_s=6.0)]) == aligned
    assert filled(aligned, gap, []) == aligned


VOCABULARY = ["fire", "door", "night", "report", "desk", "gloves", "crate", "reptile", "dance"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=1)


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, max_size=6))
def test_gaps_are_in_order_and_apart(said: list[list[str]], written: list[list[str]]) -> None:
    heard = [heard_as(" ".join(words), start_s=20.0 * at) for at, words in enumerate(said)]
    found = list(gaps(heard, "\n".join(" ".join(words) + "." for words in written)))
    assert all(gap.start_s < gap.end_s and gap.script for gap in found)
    assert all(earlier.end_s <= later.start_s for earlier, later in pairwise(found))
