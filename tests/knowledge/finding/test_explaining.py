"""Explanations add up to what ranked and judged, and tell the question's words apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.finding.asked import Question, ask
from knowledge.finding.channels import CHANNELS, Channel
from knowledge.finding.explaining import asked_words, explain_model
from knowledge.finding.explanation import AskedWords, Explanation, Match
from knowledge.finding.find import find
from knowledge.finding.moment import Found
from knowledge.finding.refusing import Features, Model, feature_names, fitted
from knowledge.passages.passage import Passage
from knowledge.token_vectors import TokenVectors, pack
from knowledge.transcripts.segment import Segment
from tests.knowledge.finding.in_memory_view import InMemoryView

COURSE = frozenset({"c"})
ENGLISH = frozenset({"en"})
SAID = ("the pump seal is tight", "the lunch is at noon", "a pump and a valve", "seal the door of the hall", "nothing")


def house(count: int = len(SAID), *, embedded: bool = True) -> InMemoryView:
    """`count` recordings of one passage each."""
    texts = [f"{SAID[at % len(SAID)]} {at}" for at in range(count)]
    passages = [
        Passage(f"p{at:04}", f"r{at:04}", "c", 1, 0, 0, 0, 0.0, 4.0, text, "en") for at, text in enumerate(texts)
    ]
    if not embedded:
        return InMemoryView(passages)
    vectors = np.random.default_rng(5).normal(size=(count, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = {f"p{at:04}": TokenVectors(np.arange(2), vectors[at : at + 2]) for at in range(count - 1)}
    return InMemoryView(passages, vectors, tokens)


def ask_house(view: InMemoryView, text: str, *, k: int = 5, explain: bool = True) -> Found:
    embedded = view.embedded
    vector = None if embedded is None else embedded[:1]
    tokens = b"" if embedded is None else pack([0, 4], embedded[:2])
    texts = {each.recording_id: each.text for each in view.stored}
    return find(
        Question(text, "en", vector, ENGLISH, tokens),
        view=view,
        segments=lambda recording, *_: [Segment(0.0, 4.0, texts[recording], "en")],
        courses=COURSE,
        k=k,
        explain=explain,
    )


def explanations(found: Found) -> list[tuple[float, Explanation]]:
    return [(hit.score, hit.explanation) for hit in found.hits if hit.explanation is not None]


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("text", ["is the pump seal tight", "seel", "the", "pump 3", "where is lunch?"])
def test_the_parts_of_a_hit_add_up_to_its_score(text: str, embedded: bool) -> None:
    explained = explanations(found := ask_house(house(40, embedded=embedded), text))
    assert len(explained) == len(found.hits)
    for score, explanation in explained:
        assert sum(part.points for part in explanation.channels) + explanation.lowered == pytest.approx(score)
        assert explanation.lowered == 0.0
        assert sum(part.weight for part in explanation.channels) == pytest.approx(1.0 if explanation.channels else 0.0)
        assert all(part.points == pytest.approx(part.z * part.weight) for part in explanation.channels)


def test_what_only_the_first_look_saw_is_explained_by_it_and_by_what_was_taken_off() -> None:
    explained = explanations(ask_house(house(120), "is the pump seal tight", k=120))
    for score, explanation in explained:
        assert sum(part.points for part in explanation.channels) + explanation.lowered == pytest.approx(score)
    last = explained[-1][1]
    assert last.lowered != 0.0
    assert Channel.TOKENS not in [part.channel for part in last.channels]


def test_the_verdicts_parts_give_its_probabilities() -> None:
    found = ask_house(house(), "is the pump seal tight")
    why = found.explanation
    assert why is not None
    for each in (why.covered, why.right):
        logit = each.intercept + sum(part.points for part in each.parts)
        assert each.probability == pytest.approx(1 / (1 + math.exp(-logit)))
    assert found.covered == why.covered.probability
    assert found.probability == min(why.covered.probability, why.right.probability)
    assert (why.answered_from, why.absent_below) == (fitted(None).answered_from, fitted(None).absent_below)


@given(st.lists(st.floats(-9, 9), min_size=len(feature_names()), max_size=len(feature_names())), st.floats(-3, 3))
def test_each_part_is_the_value_times_the_weight(values: list[float], intercept: float) -> None:
    model = Model(intercept, dict(zip(feature_names(), reversed(values), strict=True)))
    parts = explain_model(model, Features(*values)).parts
    assert [part.feature for part in parts] == list(feature_names())
    assert all(part.points == pytest.approx(part.value * part.weight) for part in parts)


def test_who_does_not_ask_why_gets_the_same_answer_without() -> None:
    without, explained = (ask_house(house(40), "is the pump seal tight", explain=each) for each in (False, True))
    assert without.explanation is None
    assert explanations(without) == []
    assert [hit.score for hit in without.hits] == [hit.score for hit in explained.hits]
    assert (without.covered, without.probability) == (explained.covered, explained.probability)


def test_own_scores_of_words_are_shares_and_tell_no_frequencies() -> None:
    """One word asked: its idf must cancel out."""
    few, many = (ask_house(house(count, embedded=False), "lunch", k=1) for count in (20, 40))
    scores = [
        {part.channel: part.score for part in explanations(each)[0][1].channels}[Channel.WORDS] for each in (few, many)
    ]
    assert scores[0] == pytest.approx(scores[1], rel=0.05)
    assert 0.5 < scores[0] < 1.5


def words(question: str, passage: str, language: str = "en", *, sounds_speak: bool = True) -> AskedWords:
    asked = ask(Question(question), InMemoryView([]), courses=COURSE)
    return asked_words(asked, passage, language, sounds_speak=sounds_speak)


def test_words_are_told_apart_as_said_sounding_alike_and_missing() -> None:
    found = words("What torque does the seismic pump's seals have?", "Size mick survey: each Seal of the pump, a seal.")
    assert found.said == (Match("pump's", ("pump",)), Match("seals", ("Seal",)))
    assert found.alike == (Match("seismic", ("Size mick",)),)
    assert found.missing == ("torque",)


def test_a_number_is_said_in_words() -> None:
    assert words("2015", "back in twenty fifteen").said == (Match("2015", ("twenty", "fifteen")),)


def test_signs_are_told_apart_too_and_shown_as_the_passage_writes_them() -> None:
    found = words("實驗室的甲醛有哪些扭矩?", "我们在实验室里说假全。", "zh")
    assert found.said == (Match("實驗室", ("实验室",)),)
    assert found.alike == (Match("甲醛", ("假全",)),)
    assert found.missing == ("扭矩",)


def test_nothing_sounds_alike_where_sounds_have_no_say() -> None:
    assert words("seismic", "the size mick survey", sounds_speak=False).missing == ("seismic",)
    assert words("甲醛", "假全", "zh", sounds_speak=False).missing == ("甲醛",)


@given(st.text(max_size=60), st.text(max_size=120))
def test_any_text_is_explained_and_nothing_is_said_twice(question: str, passage: str) -> None:
    found = words(question, passage)
    asked = [*(each.asked for each in (*found.said, *found.alike)), *found.missing]
    assert len({each.casefold() for each in asked}) == len(asked)
    assert all(each.written for each in (*found.said, *found.alike))


def test_every_channel_can_be_part_of_an_explanation() -> None:
    found = ask_house(house(40), "is the pump seal tight")
    assert {part.channel for _, each in explanations(found) for part in each.channels} == set(CHANNELS) - {
        Channel.LETTERS,
        Channel.RERANKED,
    }
