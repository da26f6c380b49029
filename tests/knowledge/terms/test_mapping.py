"""Segments in, a map of terms out."""

import itertools
import random

import pytest

from assistant.recognising.english_frequencies import log_frequency
from knowledge.terms.mapping import MOST_TERMS, map_terms
from tests.knowledge.terms.talk import how_common, said, texts

LESSON = (
    "This lesson is about accidents that almost happened.",
    "We call them near misses, and they are the best warning that we ever get.",
    "A near miss is any event where nobody was hurt.",
    "Report each near miss on the blue card.",
    "The blue card hangs beside the extinguisher.",
    "An extinguisher puts out a small fire.",
    "Close the fire door, and never wedge a fire door open.",
    "The extinguisher stands behind the fire door.",
)
CHINESE_LESSON = (
    "什么是灭火器？我们先看这个。",
    "灭火器是一种手提的设备。",
    "每层楼都有灭火器，安全出口旁边也有。",
    "安全出口不能上锁，",
    "看到火灾就走安全出口。",
    "那么灭火器放在哪里？",
    "请记住安全出口在左边，灭火器在右边。",
    "检查灭火器的压力，再看安全出口的灯。",
)


def test_terms_are_what_is_said_again_and_again_and_names_something() -> None:
    found = texts(map_terms(said(LESSON), how_common))
    assert {"near miss", "blue card", "extinguisher", "fire door"} <= set(found)
    assert not {"we", "them", "is any", "hurt", "the blue", "lesson"} & set(found)


def test_capitals_and_plurals_are_one_term_shown_as_it_is_mostly_written() -> None:
    lines = ("the Tokens", "two tokens more", "a token of tokens", "our tokens and no other")
    (term,) = map_terms(said(lines), how_common).terms
    assert (term.key, term.text, term.times) == ("token", "tokens", 5)


def test_a_small_word_is_no_plural_of_a_misheard_one() -> None:
    lines = ("thi is misheard", "this pump and this valve", "this seal", "we know thi too")
    assert "this" not in texts(map_terms(said(lines), how_common))


def test_what_is_said_in_one_segment_alone_may_be_misheard_and_is_no_term() -> None:
    assert texts(map_terms(said(["quagswag quagswag quagswag", "nothing of the kind"]), how_common)) == []


def test_a_part_of_a_longer_term_counts_only_where_it_is_said_by_itself() -> None:
    lines = ["the stack canary"] * 5 + ["a stack of plates", "the stack grows", "our stack overflows"]
    found = {term.text: term.times for term in map_terms(said(lines), how_common).terms}
    assert found["stack canary"] == 5
    assert found.get("stack") == 3
    assert "canary" not in found


def test_a_verb_is_no_term_where_words_before_it_say_so() -> None:
    lines = ["you zorble the lid", "we zorble it", "to zorble the pump", "the pump hums", "a pump"]
    assert texts(map_terms(said(lines), how_common)) == ["pump"]


def test_chinese_terms_are_found_without_a_dictionary() -> None:
    drawn = map_terms(said(CHINESE_LESSON, language="zh"), how_common)
    assert {"灭火器", "安全出口"} <= set(texts(drawn))
    for part in ("火器", "灭火", "全出口", "安全出", "口"):
        assert part not in texts(drawn)
    assert next(term for term in drawn.terms if term.key == "灭火器").language == "zh"


def test_traditional_and_simplified_are_one_term() -> None:
    lines = ("看內核怎么走", "读内核代码吧", "跳进內核里面", "离开內核以后", "写内核模块了")
    drawn = map_terms(said(lines, language="zh"), how_common)
    term = drawn.term("内核")
    assert term is not None
    assert (term.text, term.times) == ("內核", 5)


def test_a_mixed_term_is_found_whole() -> None:
    lines = ("训练BERT模型吧", "用BERT模型的人", "这个BERT模型很大", "打开BERT模型看", "比较BERT模型了")
    assert "BERT模型" in texts(map_terms(said(lines, language="zh"), how_common))


def test_terms_that_come_together_are_tied_and_others_not() -> None:
    first = ["the boiler has a valve", "open the valve of the boiler"]
    other = ["a ladder on a scaffold", "the scaffold and its ladder"]
    rest = ["and so on we go then"] * 10
    lines = [*first, *rest, *other, *rest] * 6
    drawn = map_terms(said(lines), how_common)
    pairs = {(tie.first, tie.second) for tie in drawn.ties}
    assert ("boiler", "valve") in pairs
    assert ("ladder", "scaffold") in pairs
    assert ("boiler", "ladder") not in pairs
    assert ("boiler", "scaffold") not in pairs


def test_terms_in_two_recordings_do_not_come_together() -> None:
    first = said(["the boiler", "a boiler", "and so on"] * 10, recording="a")
    second = said(["the ladder", "a ladder", "and so on"] * 10, recording="b")
    assert map_terms([*first, *second], how_common).ties == ()


def test_the_same_segments_give_the_same_map() -> None:
    assert map_terms(said(LESSON), how_common) == map_terms(said(LESSON), how_common)


def test_every_second_and_sentence_is_a_segments_own() -> None:
    chance = random.Random(4)
    words = [
        *[
            "fire",
            "door",
            "extinguisher",
            "blue",
            "card",
            "near",
            "miss",
            "the",
            "a",
            "is",
            "called",
            "we",
            "of",
            "灭火器",
            "安全出口",
            "的",
        ],
        "x" * 500,
    ]
    segments = [
        *said([" ".join(chance.choices(words, k=chance.randrange(12))) for _ in range(300)], recording="a"),
        *said([" ".join(chance.choices(words, k=chance.randrange(12))) for _ in range(300)], recording="b"),
    ]
    there = {(each.recording_id, each.ordinal): (each.start_s, each.end_s, each.text.strip()) for each in segments}
    drawn = map_terms(segments, how_common)
    assert drawn.terms
    for term in drawn.terms:
        where = term.explained
        assert there[where.recording_id, where.ordinal] == (where.start_s, where.end_s, where.text)
        assert term.times >= 2
    keys = {term.key for term in drawn.terms}
    assert len(keys) == len(drawn.terms)
    assert all({tie.first, tie.second} <= keys for tie in drawn.ties)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["the fire door"],
        ["\x00\ufffd \u202e", "\u202egpj.exe near miss", "<script>alert(1)</script>"] * 3,
        ["مخرج الطوارئ هنا", "أين مخرج الطوارئ", "مخرج الطوارئ مغلق"],
        ["y" * 100_000] * 3,
        ["。，！" * 100] * 3,
        ["5 5 5", "5 5 5", "3.14 2.71"],
    ],
)
def test_odd_segments_break_nothing(lines: list[str]) -> None:
    drawn = map_terms(said(lines, language="und"), how_common)
    assert all(len(term.text) <= 60 for term in drawn.terms)


def test_a_long_course_keeps_so_many_terms_as_can_be_read() -> None:
    names = ["".join(letters) for letters in itertools.product("bdfgklmnprstvz", "aeiou", "bdgklmnt", "aeiou")][:900]
    drawn = map_terms(said([f"the {name}" for name in names] * 3), how_common)
    assert len(drawn.terms) == MOST_TERMS


def test_the_map_of_a_lesson_as_the_trial_recogniser_heard_it() -> None:
    """With the frequencies of the product: general English words do not crowd out what the lesson is about."""
    lines = (
        "this lesson is about accidents that almost happened we call them near misses and they are the best warning",
        "a near miss is any event where nobody was hurt but somebody could have been",
        "please report every near miss on the blue card",
        "you find the blue card beside every first aid kit",
        "the safety team reads each card within two working days",
    )
    drawn = map_terms(said(lines, every_s=20.0), log_frequency)
    assert texts(drawn)[:2] == ["near miss", "blue card"]
    near_miss = drawn.term("near miss")
    assert near_miss is not None
    assert near_miss.explained.defined
