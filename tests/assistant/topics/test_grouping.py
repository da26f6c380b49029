"""Questions that mean the same come together, and stay together."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.topics.asked_text import AskedText, FloatArray
from assistant.topics.grouping import FEWEST_QUESTIONS, Groups, grow_topics, most_typical
from assistant.topics.likeness import Said, rows_of

INTENTS = Path(__file__).parent / "chinese_questions.jsonl"


def numbered() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new-{next(numbers):03d}"


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


ROWS = read(INTENTS)
GOLD = {row["id"]: row["topic"] for row in ROWS}
CHINESE = [AskedText(row["id"], row["text"], "zh", None) for row in ROWS]


def of(topic: str) -> list[AskedText]:
    return [each for each in CHINESE if GOLD[each.id] == topic]


def together(found: dict[str, str | None]) -> set[frozenset[str]]:
    """The groups, whatever they are called."""
    topics = {topic for topic in found.values() if topic}
    return {frozenset(name for name, each in found.items() if each == topic) for topic in topics}


def others(*topics: str) -> list[AskedText]:
    """What else was asked: each of these questions has its topic."""
    return [replace(each, topic=GOLD[each.id]) for each in CHINESE if GOLD[each.id] not in topics]


def put(asked: Sequence[AskedText], topic: str | None, *, settled: bool = False) -> list[AskedText]:
    return [replace(each, topic=topic, settled=settled) for each in asked]


def pointing(direction: int, *, towards: int | None = None, dims: int = 16) -> np.ndarray:
    vector = np.zeros(dims, np.float32)
    vector[direction] = 1.0
    if towards is not None:
        vector[towards] = 0.3
    return vector / np.linalg.norm(vector)


def test_nothing_asked_is_no_topic() -> None:
    assert grow_topics([], new_id=numbered()) == {}


def test_fewer_than_a_few_wait_until_more_come() -> None:
    same = of("payslip")[:1] * FEWEST_QUESTIONS
    asked = [replace(each, id=f"q{number}") for number, each in enumerate(same)]
    assert set(grow_topics(asked[:-1], new_id=numbered()).values()) == {None}
    assert set(grow_topics(asked, new_id=numbered()).values()) == {"new-001"}


def test_one_question_asked_ten_thousand_times_is_one_topic_and_takes_no_time() -> None:
    often = [AskedText(f"q{number}", " VPN连不上怎么办？"[number % 2 :], "zh", None) for number in range(10_000)]
    started = time.process_time()
    found = grow_topics([*often, *of("payslip")], new_id=numbered())
    assert time.process_time() - started < 5
    assert len({found[each.id] for each in often}) == 1
    assert found["q0"] is not None
    assert found["q0"] not in {found[each.id] for each in of("payslip")}


def test_texts_with_nothing_to_compare_stand_alone() -> None:
    asked = [AskedText(f"q{number}", "?" * number, "und", None) for number in range(8)]
    assert set(grow_topics(asked, new_id=numbered()).values()) == {None}


def test_a_new_question_joins_the_topic_it_means() -> None:
    jam, pay = of("printer_jam"), of("payslip")
    known = [*others("printer_jam", "payslip"), *put(jam[:7], "jam"), *put(pay[:7], "pay")]
    found = grow_topics([*known, *jam[7:], *pay[7:]], new_id=numbered())
    assert [found[each.id] for each in jam[7:]].count("jam") >= 2
    assert [found[each.id] for each in pay[7:]].count("pay") >= 2


def test_a_merged_topic_draws_the_new_questions_of_both_kinds() -> None:
    jam, pay = of("printer_jam"), of("payslip")
    merged = put([*jam[:8], *pay[:8]], "merged", settled=True)
    found = grow_topics([*others("printer_jam", "payslip"), *merged, *jam[8:], *pay[8:]], new_id=numbered())
    assert "merged" in {found[each.id] for each in jam[8:]}
    assert "merged" in {found[each.id] for each in pay[8:]}


def test_each_half_of_a_split_draws_its_own() -> None:
    left = [AskedText(f"l{n}", f"left {n}", "en", pointing(0, towards=1)) for n in range(6)]
    right = [AskedText(f"r{n}", f"right {n}", "en", pointing(1, towards=0)) for n in range(6)]
    split = [*put(left[:5], "left", settled=True), *put(right[:5], "right", settled=True)]
    found = grow_topics([*split, left[5], right[5]], new_id=numbered())
    assert (found["l5"], found["r5"]) == ("left", "right")


def test_meaning_joins_what_shares_no_word() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
    asked = [AskedText(word, word, "en", pointing(0)) for word in words]
    others = [AskedText(f"not {word}", f"{word} other", "en", pointing(place)) for place, word in enumerate(words, 1)]
    found = grow_topics([*asked, *others], new_id=numbered())
    assert together(found) == {frozenset(words)}


def test_a_question_that_the_embedder_did_not_answer_joins_by_its_words() -> None:
    answered, missed = of("printer_jam")[:7], of("printer_jam")[7:]
    known = [replace(each, vector=pointing(0), topic="jam") for each in answered]
    found = grow_topics([*others("printer_jam"), *known, *missed], new_id=numbered())
    assert [found[each.id] for each in missed].count("jam") >= 2


def test_two_alphabets_are_grouped_apart_where_no_embedder_knows_both() -> None:
    english = [
        AskedText(f"e{n}", f"vpn {word}", "en", None) for n, word in enumerate(["down", "off", "out", "slow", "dead"])
    ]
    chinese = of("vpn_fails")
    found = grow_topics([*english, *chinese], new_id=numbered())
    assert not {found[each.id] for each in english} & {found[each.id] for each in chinese} - {None}


def test_the_typical_question_is_one_that_is_like_the_others() -> None:
    jam = of("printer_jam")
    stray = of("payslip")[0]
    askers = {each.id: f"asker of {each.id}" for each in [*jam, stray]}
    assert most_typical([*jam, stray], askers) in jam
    assert most_typical([stray], askers) == stray
    assert most_typical([*reversed(jam), stray], askers) == most_typical([stray, *jam], askers)
    assert most_typical([*jam, stray], {stray.id: "p"}) == stray, "what nobody asked names nothing"
    for asked in ([], jam):
        with pytest.raises(ValueError, match="no questions"):
            most_typical(asked, {})


def test_one_person_has_one_vote_in_however_many_wordings() -> None:
    loud = [AskedText(f"l{n}", f"BUY MY CAR number {n}!", "en", pointing(0, towards=1)) for n in range(40)]
    quiet = [AskedText(f"q{n}", f"how do I take leave, {n}", "en", pointing(0, towards=2)) for n in range(9)]
    askers = {**{each.id: "loud" for each in loud}, **{each.id: each.id for each in quiet}}
    assert most_typical([*loud, *quiet], askers) in quiet


def test_one_person_does_not_decide_in_which_letters_a_topic_is_named() -> None:
    loud = [AskedText(f"l{n}", f"buy my car {n}", "en", None) for n in range(40)]
    quiet = of("payslip")[:2]
    askers = {**{each.id: "loud" for each in loud}, **{each.id: each.id for each in quiet}}
    assert most_typical([*loud, *quiet], askers) in quiet


@st.composite
def logs(draw: st.DrawFn) -> list[AskedText]:
    """Some questions, some of them more than once, some with a topic, some put there by a person."""
    picked = draw(st.lists(st.sampled_from(CHINESE[:80]), max_size=60))
    topics = st.sampled_from([None, None, "a", "b"])
    return [
        replace(each, id=f"q{number:02d}", topic=topic, settled=topic is not None and draw(st.booleans()))
        for number, each in enumerate(picked)
        for topic in [draw(topics)]
    ]


@settings(max_examples=40, deadline=None)
@given(logs(), st.randoms(use_true_random=False))
def test_laws_of_growing(asked: list[AskedText], chance: Random) -> None:
    found = grow_topics(asked, new_id=numbered())
    assert found.keys() == {each.id for each in asked}
    assert all(found[each.id] == each.topic for each in asked if each.topic)
    new = [each for each in asked if each.topic is None]
    for each in new:
        assert len({found[other.id] for other in new if other.text == each.text}) == 1
    shuffled = chance.sample(asked, len(asked))
    assert grow_topics(shuffled, new_id=numbered()) == found
    founded = Counter(found[each.id] for each in new) - Counter({None: len(new)})
    assert all(often >= FEWEST_QUESTIONS for topic, often in founded.items() if topic not in {"a", "b"})


@settings(max_examples=40, deadline=None)
@given(logs(), st.floats(0, 1))
def test_laws_of_moving(asked: list[AskedText], moving: float) -> None:
    once = {each.text: each for each in asked}.values()
    found = grow_topics(list(once), new_id=numbered(), moving=moving)
    known = [each for each in once if each.topic]
    assert all(found[each.id] == each.topic for each in known if each.settled)
    assert sum(found[each.id] != each.topic for each in known) <= moving * len(known)


@settings(max_examples=40, deadline=None)
@given(logs(), logs(), st.floats(0, 1))
def test_what_is_remembered_changes_nothing(one: list[AskedText], other: list[AskedText], moving: float) -> None:
    groups = Groups()
    for asked in (one, other):
        found = grow_topics(asked, new_id=numbered(), groups=groups)
        again = [replace(each, topic=found[each.id]) for each in asked]
        remembered = grow_topics(again, new_id=numbered(), moving=moving, groups=groups)
        assert remembered == grow_topics(again, new_id=numbered(), moving=moving)


def test_the_same_questions_are_grouped_once_whatever_topics_they_got(monkeypatch: pytest.MonkeyPatch) -> None:
    grouped: list[int] = []

    def counted(said: Sequence[Said]) -> FloatArray:
        grouped.append(len(said))
        return rows_of(said)

    monkeypatch.setattr("assistant.topics.grouping.rows_of", counted)
    asked, groups = of("payslip"), Groups()
    found = grow_topics(asked, new_id=numbered(), groups=groups)
    known = [replace(each, topic=found[each.id]) for each in asked]
    grow_topics(known, new_id=numbered(), moving=0.1, groups=groups)
    assert grouped == [len(asked)]
    grow_topics([*known, *of("printer_jam")], new_id=numbered(), groups=groups)
    grow_topics([replace(known[0], settled=True), *known[1:]], new_id=numbered(), groups=groups)
    assert len(grouped) == 3


def test_what_was_thrown_together_early_comes_apart_where_questions_may_move() -> None:
    first, second = of("printer_jam"), of("exam_retake")
    mixed = put([*first, *second], "mixed")
    known = [*others("printer_jam", "exam_retake"), *mixed]
    found = grow_topics(known, new_id=numbered(), moving=0.1)
    assert len({found[each.id] for each in first} & {found[each.id] for each in second}) == 0
    assert "mixed" in found.values()


def test_what_a_person_merged_stays_merged_where_questions_may_move() -> None:
    first, second = of("printer_jam"), of("exam_retake")
    merged = [*put(first, "merged"), *put(second[:8], "merged", settled=True)]
    asked = [*others("printer_jam", "exam_retake"), *merged, *second[8:]]
    found = grow_topics(asked, new_id=numbered(), moving=0.5)
    assert {found[each.id] for each in second} == {"merged"}
    assert [found[each.id] for each in first].count("merged") >= 8
