"""Where a term is explained."""

import pytest

from knowledge.terms.explaining import Mention, explained
from knowledge.terms.term_map import Explained
from tests.knowledge.terms.talk import said


def where(lines: list[str], term: str, *, language: str = "en", every_s: float = 5.0) -> Explained:
    segments = said(lines, language=language, every_s=every_s)
    mentions = [
        Mention(each.ordinal, each.text.casefold().index(term), each.text.casefold().index(term) + len(term))
        for each in segments
        if term in each.text.casefold()
    ]
    return explained(segments, mentions)


ENGLISH = (
    "A near miss is any event where nobody was hurt",
    "this is called a near miss",
    "such an event is what we call a near miss",
    "so what is a near miss",
    "near miss means that it went well",
    "and the near miss is defined in chapter two",
    "Near miss stands for luck",
)
CHINESE = (
    "什么是灭火器",
    "灭火器是指手提的设备",
    "这种设备叫做灭火器",
    "所谓的灭火器",
    "灭火器，指的是手提的设备",
    "灭火器就是用来灭火的",
)


@pytest.mark.parametrize("sentence", ENGLISH)
def test_the_words_that_explain_a_term_are_found_behind_others(sentence: str) -> None:
    lines = [
        "there was a near miss here",
        "another near miss there",
        sentence,
        "one more near miss",
        "the near miss again",
    ]
    found = where(lines, "near miss")
    assert (found.ordinal, found.defined) == (2, True)
    assert (found.start_s, found.end_s, found.text) == (10.0, 14.0, sentence)


@pytest.mark.parametrize("sentence", CHINESE)
def test_chinese_words_that_explain_a_term_are_found_too(sentence: str) -> None:
    lines = ["我们要买灭火器", "拿灭火器来", sentence, "灭火器在门后", "又一个灭火器"]
    found = where(lines, "灭火器", language="zh")
    assert (found.ordinal, found.defined) == (2, True)


@pytest.mark.parametrize(
    ("sentence", "term"),
    [
        ("every row in the file is a json object", "file"),
        ("this field is called token type ids", "token"),
        ("the number of the valve is defined on its plate", "valve"),
        ("so that it returns to where you called the function", "function"),
        ("so whenever you call a function it returns", "function"),
        ("what's the address of the next one", "address"),
        ("debugger is a little easier to love", "debugger"),
    ],
)
def test_what_is_said_of_something_else_explains_nothing(sentence: str, term: str) -> None:
    assert not where([f"a {term} first", sentence, f"the {term} again"], term).defined


def test_a_sentence_may_go_on_in_the_next_segment() -> None:
    found = where(["our near miss", "and this is what we call a", "near miss", "near miss here"], "near miss")
    assert (found.ordinal, found.defined) == (2, True)


def test_of_two_explanations_the_earlier_one_counts() -> None:
    lines = ["a valve is a tap", *["the valve"] * 10, "a valve is a tap"]
    assert where(lines, "valve").ordinal == 0


def test_without_any_it_is_where_the_term_is_first_spoken_of_at_length() -> None:
    lines = [
        "the valve once",
        *["nothing of it"] * 30,
        *["the valve again", "our valve too"] * 4,
        *["no"] * 30,
        "a valve",
    ]
    found = where(lines, "valve")
    assert (found.ordinal, found.defined) == (31, False)


def test_another_recording_is_no_neighbour() -> None:
    segments = [*said(["what is a"], recording="a"), *said(["valve here", "the valve"], recording="b")]
    found = explained(segments, [Mention(1, 0, 5), Mention(2, 4, 9)])
    assert not found.defined


def test_a_term_that_nobody_says_is_explained_nowhere() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        explained(said(["one"]), [])
