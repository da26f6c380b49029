"""Whether two questions ask the same: by vectors where both have one of the same embedder, else by their letters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.questions.likeness import NEAR, SAME, Nearness, Wording, Wordings, likenesses
from assistant.questions.vectors import QuestionVector, packed, read_vector


def turned(degrees: float, digest: str = "d") -> QuestionVector:
    """A vector so far from that of 0 degrees."""
    angle = math.radians(degrees)
    return QuestionVector(digest, np.array([math.cos(angle), math.sin(angle)], np.float32))


def alike(one: Wording, other: Wording, nearness: object = SAME) -> float:
    return float(likenesses(one, [other], SAME if nearness is SAME else NEAR)[0])


@pytest.mark.parametrize(("degrees", "same", "near"), [(10, True, True), (30, False, True), (60, False, False)])
def test_vectors_of_one_embedder_decide_by_their_angle(degrees: float, same: bool, near: bool) -> None:
    one, other = Wording("where is the form", turned(0)), Wording("which paper do I fill in", turned(degrees))
    assert bool(alike(one, other, SAME)) is same
    assert bool(alike(one, other, NEAR)) is near
    if near:
        assert alike(one, other, NEAR) == pytest.approx(math.cos(math.radians(degrees)), abs=1e-6)


def test_vectors_of_two_embedders_are_never_compared() -> None:
    one, other = Wording("where is the form", turned(0)), Wording("something else", turned(0, "e"))
    assert alike(one, other, NEAR) == 0


def test_the_same_letters_are_the_same_question_whatever_the_vectors_say() -> None:
    assert alike(Wording("Where is the form?", turned(0)), Wording("where is  THE form", turned(90))) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("忘記密碼怎麼辦？", "忘记密码怎么办"), ("ＷＨＥＲＥ is it", "where is it?")]
)
def test_script_width_and_marks_make_no_other_question(one: str, other: str) -> None:
    assert alike(Wording(one), Wording(other)) == 1


def test_without_vectors_pairs_of_letters_decide() -> None:
    asked = Wording("how do I report a near miss")
    assert alike(asked, Wording("how do I report near misses"), NEAR) > 0.7
    assert alike(asked, Wording("how do I report near misses"), SAME) == 0
    assert alike(asked, Wording("where is the canteen"), NEAR) == 0


def test_another_number_is_another_question_where_one_answer_has_to_serve_both() -> None:
    one, other = Wording("the form for 2019", turned(0)), Wording("the form for 2020", turned(5))
    assert alike(one, other, SAME) == 0
    assert alike(one, other, NEAR) > 0.9


@pytest.mark.parametrize("text", ["", "?!", " \n"])
def test_what_has_no_letters_is_like_nothing(text: str) -> None:
    assert alike(Wording(text), Wording(text), NEAR) == 0
    assert likenesses(Wording("where"), [], SAME).shape == (0,)


def test_a_vector_comes_back_as_it_was_kept() -> None:
    kept = turned(10)
    again = read_vector("d", packed(kept.values))
    assert again is not None
    assert again.digest == "d"
    assert again.values.dtype == np.float32
    assert np.allclose(again.values, kept.values, atol=1e-3)
    assert read_vector(None, None) is None


WORDS = st.sampled_from(
    ["where is the form", "Where is the form?", "the form for 2019", "the form for 2020", "a", "", "表格"]
)
WORDINGS = st.builds(
    Wording, WORDS, st.none() | st.builds(turned, st.sampled_from([0, 5, 20, 30, 90]), st.sampled_from(["d", "e"]))
)


@given(WORDINGS, st.lists(WORDINGS, max_size=8), st.sampled_from([SAME, NEAR]))
def test_among_many_each_is_as_alike_as_alone(one: Wording, others: list[Wording], nearness: Nearness) -> None:
    alone = [float(likenesses(one, [each], nearness)[0]) for each in others]
    assert Wordings(others).likenesses(one, nearness).tolist() == pytest.approx(alone, abs=1e-6)
    assert alone == pytest.approx([float(likenesses(each, [one], nearness)[0]) for each in others], abs=1e-6)
