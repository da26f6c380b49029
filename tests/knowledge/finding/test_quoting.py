"""The best sentence: always on bounds that something measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import Question, ask
from knowledge.finding.bm25 import taken_apart
from knowledge.finding.quoting import SENTENCE_S, best_sentence, cover, pieces_of
from knowledge.index.view import TokenField
from knowledge.passages.passage import Passage
from knowledge.transcripts.segment import Segment, Word
from tests.knowledge.finding.in_memory_view import InMemoryView

SAID = ["we start with names", "the valve is closed by turning it right", "then call the control room", "thank you"]


def view() -> InMemoryView:
    texts = [*SAID, "another passage about nothing of the kind"]
    return InMemoryView(
        [Passage(str(at), "r", "c", 1, at, at, at, 0.0, 1.0, text, "en") for at, text in enumerate(texts)]
    )


COURSE = frozenset({"c"})
ASKED = ask(Question("how is the valve closed"), view(), courses=COURSE)


def test_in_a_small_home_small_words_decide_nothing() -> None:
    """Few passages hold "we" here, and so it weighed as much as what the question is about."""
    said = ["you have twenty eight days of vacation a year", "ask for your vacation weeks ahead", "if you get sick"]
    said.append("from the third day on we need a letter from your doctor")
    texts = [" ".join(said), *(f"a talk of number {number}" for number in ["one", "two", "three", "four", "five"])]
    passages = [Passage(str(at), "r", "c", 1, at, at, at, 0.0, 1.0, text, "en") for at, text in enumerate(texts)]
    asked = ask(Question("how many days of vacation do we get"), InMemoryView(passages), courses=COURSE)
    sentence = best_sentence([Segment(4.0 * at, 4.0 * at + 4, text, "en") for at, text in enumerate(said)], asked)
    assert sentence is not None
    assert sentence.text == said[0]


def test_small_words_alone_are_covered_by_nothing() -> None:
    """Every passage holds them, and none answers them."""
    passages = [Passage(str(at), "r", "c", 1, at, at, at, 0.0, 1.0, f"the end of it {at}", "en") for at in range(60)]
    held = [taken_apart("the of and", "en").words]
    for text, most in (("the of and", 0.7), ("the", 0.3)):
        assert cover(held, ask(Question(text), InMemoryView(passages), courses=COURSE), TokenField.WORDS)[0] < most
    assert cover(held, ask(Question("valve"), view(), courses=COURSE), TokenField.WORDS)[0] == 0


def segments(length_s: float = 4.0) -> list[Segment]:
    return [Segment(length_s * at, length_s * (at + 1), text, "en") for at, text in enumerate(SAID)]


def test_the_sentence_that_covers_the_question_is_quoted() -> None:
    sentence = best_sentence(segments(), ASKED)
    assert sentence is not None
    assert (sentence.start_s, sentence.text, sentence.exact) == (4.0, SAID[1], False)


def test_words_with_times_split_a_segment_where_the_speaker_paused() -> None:
    first = [Word(0.0, 0.4, "names"), Word(0.4, 0.8, "first")]
    second = [Word(2.0, 2.4, "valve"), Word(2.4, 2.8, "closed")]
    segment = Segment(0.0, 3.0, "names first valve closed", "en", words=(*first, *second))
    assert [(piece.start_s, piece.text) for piece in pieces_of(segment)] == [
        (0.0, "names first"),
        (2.0, "valve closed"),
    ]
    sentence = best_sentence([segment], ASKED)
    assert sentence is not None
    assert (sentence.start_s, sentence.end_s, sentence.exact) == (2.0, 2.8, True)


def test_a_segment_whose_words_are_not_all_timed_is_quoted_whole() -> None:
    words = (Word(0.0, 0.4, "close"), Word(2.0, 2.4, "right."))
    segment = Segment(0.0, 3.0, "Close the valve by turning right.", "en", words=words)
    assert [(piece.text, piece.exact) for piece in pieces_of(segment)] == [(segment.text, False)]


def test_chinese_words_are_written_without_spaces() -> None:
    words = (Word(0.0, 0.3, "关闭"), Word(0.3, 0.6, "阀门"))
    assert pieces_of(Segment(0.0, 1.0, "关闭阀门", "zh", words=words))[0].text == "关闭阀门"


def test_what_nobody_said_is_never_quoted() -> None:
    doubtful = Segment(0.0, 4.0, "the valve is closed", "en", invented=True)
    assert best_sentence([doubtful], ASKED) is None
    assert best_sentence([], ASKED) is None


def test_a_long_segment_without_word_times_is_quoted_whole() -> None:
    long = Segment(0.0, 29.0, "the valve is closed " * 10, "en")
    sentence = best_sentence([long], ASKED)
    assert sentence is not None
    assert (sentence.start_s, sentence.end_s) == (0.0, 29.0)


@pytest.mark.parametrize("question", ["", "zzz qqq", "阀门在哪里"])
def test_a_question_that_shares_nothing_still_gets_a_place(question: str) -> None:
    sentence = best_sentence(segments(), ask(Question(question), view(), courses=COURSE))
    assert sentence is not None


@given(st.lists(st.tuples(st.floats(0.1, 20.0), st.sampled_from(SAID)), min_size=1, max_size=12))
def test_bounds_are_segments_bounds_and_short_enough(said: list[tuple[float, str]]) -> None:
    clock, spoken = 0.0, []
    for length_s, text in said:
        spoken.append(Segment(clock, clock + length_s, text, "en"))
        clock += length_s
    sentence = best_sentence(spoken, ASKED)
    assert sentence is not None
    assert sentence.start_s in {each.start_s for each in spoken}
    assert sentence.end_s in {each.end_s for each in spoken}
    longest = max(each.end_s - each.start_s for each in spoken)
    assert sentence.end_s - sentence.start_s <= max(SENTENCE_S, longest) + 1e-6
