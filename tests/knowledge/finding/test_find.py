"""Finding over the in-memory view: what a person gets for a question."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.finding.evidence import FEWEST_SEARCHED
from knowledge.finding.find import Question, find, look
from knowledge.finding.moment import Found, Verdict
from knowledge.finding.refusing import Model, Sight, Verdicts
from knowledge.passages.cutting import cut_passages
from knowledge.passages.passage import Passage
from knowledge.token_vectors import TokenVectors, pack
from knowledge.transcripts.segment import Segment, Word
from tests.knowledge.finding.in_memory_view import InMemoryView

COURSE = frozenset({"safety"})
RECORDINGS = {
    "fire": [
        "Welcome to fire safety at the plant.",
        "The assembly point is the car park behind the canteen.",
        "Never use the lift when the alarm sounds.",
        "Walk down the stairs and close every door behind you.",
        "The alarm is tested on the first Monday of each month.",
        "Extinguishers hang beside every exit and are checked in 2015 and after.",
    ],
    "ladders": [
        "This part is about ladders and scaffolds.",
        "Keep three points of contact on a ladder at all times.",
        "Inspect the rungs before you climb.",
        "Report a damaged ladder to your supervisor and tag it.",
    ],
}


SAID_ANYWHERE = [sentence for sentences in RECORDINGS.values() for sentence in sentences]


def spoken(sentences: list[str]) -> list[Segment]:
    return [Segment(5.0 * at, 5.0 * at + 4.5, text, "en") for at, text in enumerate(sentences)]


SEGMENTS = {name: spoken(sentences) for name, sentences in RECORDINGS.items()}


def read(recording_id: str, revision: int, first: int, last: int) -> list[Segment]:
    return SEGMENTS.get(recording_id, [])[first : last + 1]


def view(embedded: bool = False) -> InMemoryView:
    passages = [
        Passage(
            f"{name}-{at}", name, "safety", 1, at, cut.first_segment, cut.last_segment,
            cut.start_s, cut.end_s, cut.text, cut.language,
        )
        for name, segments in SEGMENTS.items()
        for at, cut in enumerate(cut_passages(segments))
    ]  # fmt: skip
    rows = np.eye(len(passages), 8, dtype=np.float32) if embedded else None
    return InMemoryView(passages, rows)


def ask(text: str, **question: object) -> Found:
    return find(Question(text, **question), view=view(), segments=read, courses=COURSE)  # type: ignore[arg-type]


def test_a_question_in_the_recordings_own_words_plays_the_sentence_that_answers_it() -> None:
    found = ask("Where is the assembly point?")
    assert found.hits[0].recording_id == "fire"
    assert found.hits[0].start_s <= 5.0 <= found.hits[0].end_s
    assert "assembly point" in found.hits[0].sentence.text


def test_a_number_typed_in_figures_meets_the_number_spoken_in_words() -> None:
    heard = Segment(0.0, 4.0, "the rules were changed in twenty fifteen", "en")
    passage = Passage("p", "r", "safety", 1, 0, 0, 0, 0.0, 4.0, heard.text, "en")
    found = find(Question("2015 rules"), view=InMemoryView([passage]), segments=lambda *_: [heard], courses=COURSE)
    assert found.hits[0].sentence.text == heard.text


def test_a_misheard_word_is_found_by_its_sound() -> None:
    heard = Segment(0.0, 4.0, "the size mick survey is due", "en")
    other = Segment(0.0, 4.0, "lunch is served at noon", "en")
    passages = [
        Passage(str(at), str(at), "safety", 1, 0, 0, 0, 0.0, 4.0, segment.text, "en")
        for at, segment in enumerate([other, heard])
    ]
    found = find(
        Question("seismic"),
        view=InMemoryView(passages),
        segments=lambda recording, *_: [other, heard][int(recording) : int(recording) + 1],
        courses=COURSE,
    )
    assert found.hits[0].recording_id == "1"


def test_chinese_written_in_traditional_signs_finds_simplified_ones() -> None:
    heard = Segment(0.0, 4.0, "请把电脑关上再离开实验室。", "zh")
    passage = Passage("p", "r", "safety", 1, 0, 0, 0, 0.0, 4.0, heard.text, "zh")
    found = find(
        Question("離開實驗室前電腦要怎樣?"),
        view=InMemoryView([passage]),
        segments=lambda *_: [heard],
        courses=COURSE,
    )
    assert len(found.hits) == 1


@pytest.mark.parametrize("text", ["", "   ", "?!", "\x00", "𐍈" * 500, "a" * 100_000])
def test_a_question_that_says_nothing_gets_an_honest_no(text: str) -> None:
    found = ask(text)
    assert found.verdict is not Verdict.ANSWERED
    assert found.answer is None


def test_without_permitted_courses_nothing_is_found() -> None:
    found = find(Question("Where is the assembly point?"), view=view(), segments=read, courses=frozenset())
    assert found.hits == ()
    assert found.verdict is Verdict.ABSENT


def test_nothing_outside_the_permitted_courses_is_found() -> None:
    found = find(Question("Where is the assembly point?"), view=view(), segments=read, courses=frozenset({"other"}))
    assert found.hits == ()


def test_an_empty_index_gives_nothing() -> None:
    found = find(Question("Where?"), view=InMemoryView([]), segments=read, courses=COURSE)
    assert found == Found((), Verdict.ABSENT, 0.0, 0.0, None)


def test_a_recording_that_went_away_meanwhile_is_not_a_hit() -> None:
    found = find(Question("Where is the assembly point?"), view=view(), segments=lambda *_: [], courses=COURSE)
    assert found.hits == ()


def test_meaning_finds_what_shares_no_word() -> None:
    index = view(embedded=True)
    meaning = index.vectors([index.stored[-1].id])
    question = Question("qqq", "en", meaning, frozenset({"en"}))
    found = find(question, view=index, segments=read, courses=COURSE)
    assert found.hits[0].recording_id == "ladders"


def test_an_embedder_that_does_not_know_the_language_has_no_say() -> None:
    index = view(embedded=True)
    meaning = index.vectors([index.stored[-1].id])
    question = Question("梯子在哪里", "zh", meaning, frozenset({"en"}))
    assert find(question, view=index, segments=read, courses=COURSE).hits == ()


def test_overlapping_passages_are_one_moment() -> None:
    found = ask("alarm")
    places = [(hit.recording_id, hit.first_segment, hit.last_segment) for hit in found.hits]
    for at, (recording, first, last) in enumerate(places):
        for other, other_first, other_last in places[at + 1 :]:
            assert recording != other or first > other_last or other_first > last


def test_k_is_how_many_moments_come_back() -> None:
    found = find(Question("the ladder alarm"), view=view(), segments=read, courses=COURSE, k=1)
    assert [hit.rank for hit in found.hits] == [1]


def test_a_question_nobody_taught_gets_an_honest_no() -> None:
    found = ask("What is the boiling temperature of nitrogen?")
    assert found.verdict is not Verdict.ANSWERED
    assert found.answer is None


def test_words_with_times_give_an_exact_sentence_inside_a_long_segment() -> None:
    text = "we begin with the basics. the muster station is door seven. then we have lunch."
    words, at = [], 10.0
    for token in text.split():
        words.append(Word(at, at + 0.4, token))
        at += 0.5
    segment = Segment(10.0, at, text, "en", words=tuple(words))
    passage = Passage("p", "r", "safety", 1, 0, 0, 0, 10.0, at, text, "en")
    found = find(
        Question("muster station"),
        view=InMemoryView([passage]),
        segments=lambda *_: [segment],
        courses=COURSE,
    )
    assert found.hits[0].sentence.exact
    assert found.hits[0].start_s == pytest.approx(12.5)
    assert found.hits[0].sentence.text == "the muster station is door seven."


def test_asking_again_gives_the_same() -> None:
    assert ask("ladder damaged supervisor") == ask("ladder damaged supervisor")


def test_a_home_with_few_passages_is_judged_like_the_smallest_the_verdict_was_fitted_on() -> None:
    looked = look(Question("where do extinguishers hang"), view=view(), segments=read, courses=COURSE, k=3)
    assert looked is not None
    assert looked.features.searched == pytest.approx(math.log10(FEWEST_SEARCHED))


VECTOR = np.eye(1, 8, dtype=np.float32)
TOKENS = TokenVectors(np.array([0]), np.eye(1, 8, dtype=np.float32))


@pytest.mark.parametrize(
    ("question", "close", "sight"),
    [
        (Question("close every door", "en", VECTOR, None, pack([0], np.eye(1, 8))), True, Sight.WHOLE),
        (Question("close every door", "en", VECTOR, None, pack([0], np.eye(1, 8))), False, Sight.WITHOUT_TOKENS),
        (Question("close every door", "en", VECTOR), True, Sight.WITHOUT_TOKENS),
        (Question("close every door", "en"), True, Sight.WHOLE),
        (Question("close every door", "en", VECTOR, frozenset({"zh"})), True, Sight.WHOLE),
    ],
    ids=["both have tokens", "passages have none", "the question has none", "no embedder", "it knows no English"],
)
def test_what_was_seen_of_the_first_moment_is_told(question: Question, close: bool, sight: Sight) -> None:
    seen = view(embedded=True)
    if close:
        seen.close = {each.id: TOKENS for each in seen.stored}
    looked = look(question, view=seen, segments=read, courses=COURSE, k=3)
    assert looked is not None
    assert looked.sight is sight


def test_the_verdict_is_decided_by_what_is_brought() -> None:
    asked_for: list[tuple[str | None, Sight]] = []

    def sure_of_everything(digest: str | None, sight: Sight) -> Verdicts:
        asked_for.append((digest, sight))
        return Verdicts(Model(9.0, {}), Model(9.0, {}), answered_from=0.5, absent_below=0.1)

    question = Question("xylophone door", "en", VECTOR)
    found = find(
        question, view=view(embedded=True), segments=read, courses=COURSE, verdicts_for=sure_of_everything, explain=True
    )
    assert asked_for == [("in-memory", Sight.WITHOUT_TOKENS)]
    assert found.verdict is Verdict.ANSWERED
    assert found.explanation is not None
    assert found.explanation.answered_from == 0.5


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([*SAID_ANYWHERE, "The boiler room smells of sulphur."]), max_size=8),
    st.sampled_from(["Where is the assembly point?", "damaged ladder", "boiler sulphur smell", "alarm"]),
    st.booleans(),
)
def test_what_other_courses_hold_changes_no_number(closed: list[str], text: str, embedded: bool) -> None:
    own = view(embedded).stored
    others = [
        Passage(f"{chr(0x21 + at)}", "other", "board", 1, at, at, at, 5.0 * at, 5.0 * at + 4.5, said, "en")
        for at, said in enumerate(closed)
    ]
    rows = np.eye(len(own) + len(others), 32, dtype=np.float32) if embedded else None
    vector = np.full((1, 32), 32**-0.5, np.float32) if embedded else None
    found = [
        find(
            Question(text, "en", vector),
            view=InMemoryView(stored, None if rows is None else rows[: len(stored)]),
            segments=read,
            courses=COURSE,
            explain=True,
        )
        for stored in (own, [*own, *others])
    ]
    assert found[0] == found[1]
