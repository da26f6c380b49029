"""Cutting keeps its laws on any transcript, and cuts where a person would expect it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from knowledge.passages.cutting import SILENCE_S, count_words, cut_passages, embedding_text
from knowledge.transcripts.segment import Segment

WORDS = st.sampled_from(["safety", "first", "ladder", "the", "and", "请关上电脑", "安全第一", "2015", "don't", ""])


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    clock, segments = 0.0, []
    for _ in range(draw(st.integers(0, 30))):
        clock += draw(st.sampled_from([0.0, 0.3, 2.0, 30.0]))
        length = draw(st.floats(0.0, 30.0))
        text = " ".join(draw(st.lists(WORDS, max_size=draw(st.sampled_from([3, 60])))))
        language = draw(st.sampled_from(["en", "zh", "und"]))
        invented = draw(st.sampled_from([False, False, False, True]))
        segments.append(Segment(clock, clock + length, text, language, invented=invented))
        clock += length
    return segments


def good(segment: Segment) -> bool:
    return segment.searchable


@given(transcripts())
def test_every_good_segment_is_in_a_passage(segments: list[Segment]) -> None:
    held = {at for each in cut_passages(segments) for at in range(each.first_segment, each.last_segment + 1)}
    assert {at for at, segment in enumerate(segments) if good(segment)} <= held


@given(transcripts())
def test_bounds_are_segments_bounds(segments: list[Segment]) -> None:
    for passage in cut_passages(segments):
        inside = [each for each in segments[passage.first_segment : passage.last_segment + 1] if good(each)]
        assert passage.start_s == inside[0].start_s
        assert passage.end_s == max(each.end_s for each in inside)
        assert good(segments[passage.first_segment])
        assert good(segments[passage.last_segment])


@given(transcripts())
def test_passages_come_in_order_and_none_twice(segments: list[Segment]) -> None:
    places = [(each.first_segment, each.last_segment) for each in cut_passages(segments)]
    assert places == sorted(set(places))
    assert all(one[1] < other[1] for one, other in itertools.pairwise(places))


@given(transcripts())
def test_a_passage_says_what_its_good_segments_say(segments: list[Segment]) -> None:
    for passage in cut_passages(segments):
        inside = [each.text for each in segments[passage.first_segment : passage.last_segment + 1] if good(each)]
        assert passage.text.replace(" ", "") == "".join(inside).replace(" ", "")


@given(transcripts())
def test_no_passage_crosses_a_long_silence_or_a_change_of_language(segments: list[Segment]) -> None:
    for passage in cut_passages(segments):
        inside = [each for each in segments[passage.first_segment : passage.last_segment + 1] if good(each)]
        for before, after in itertools.pairwise(inside):
            assert after.start_s - before.end_s <= SILENCE_S
            assert "und" in (before.language, after.language) or before.language == after.language


def captions(count: int, text: str, language: str = "en") -> list[Segment]:
    return [Segment(2.0 * at, 2.0 * at + 1.9, text, language) for at in range(count)]


def test_a_long_segment_is_not_a_passage_of_its_own_within_another() -> None:
    texts = ["safety " * 30, "safety " * 2, "safety " * 60, "safety " * 3]
    segments = [Segment(2.0 * at, 2.0 * at + 1.9, text.strip(), "en") for at, text in enumerate(texts)]
    places = [(each.first_segment, each.last_segment) for each in cut_passages(segments)]
    assert places == [(0, 1), (1, 2), (2, 3)]


def test_windows_are_about_forty_words_every_twenty() -> None:
    passages = cut_passages(captions(60, "five words in each one"))
    sizes = [count_words(each.text) for each in passages]
    steps = [b.first_segment - a.first_segment for a, b in itertools.pairwise(passages)]
    assert set(sizes) == {40.0}
    assert set(steps[:-1]) == {4}


def test_chinese_windows_are_about_eighty_signs_every_forty() -> None:
    passages = cut_passages(captions(30, "请在离开时关上电脑吧", "zh"))
    assert {len(each.text) for each in passages} == {80}
    assert passages[1].first_segment == 4


def test_a_very_long_segment_is_a_passage_of_its_own() -> None:
    segments = [
        Segment(0.0, 2.0, "a short one"),
        Segment(2.0, 30.0, "word " * 200),
        Segment(30.0, 32.0, "another short one"),
    ]
    assert any((each.first_segment, each.last_segment) == (1, 1) for each in cut_passages(segments))


def test_a_passage_knows_its_language_where_nobody_told() -> None:
    assert cut_passages([Segment(0.0, 2.0, "请关上电脑")])[0].language == "zh"
    assert cut_passages([Segment(0.0, 2.0, "close the door behind you")])[0].language == "en"


def test_nothing_said_gives_no_passage() -> None:
    assert cut_passages([]) == []
    assert cut_passages([Segment(0.0, 1.0, " "), Segment(1.0, 2.0, "noise", invented=True)]) == []


def test_a_passage_is_embedded_by_its_words() -> None:
    assert embedding_text("walk down the stairs", "VID_0001.mp4") == "walk down the stairs"
