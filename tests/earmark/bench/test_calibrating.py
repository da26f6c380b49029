"""A home's own verdict: which questions are taken, what is refused, and that a fit is measured on what it never saw."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadInput
from earmark.bench.calibrating import (
    FEWEST,
    FEWEST_RIGHT,
    OwnQuestion,
    Seen,
    Stretch,
    calibrate,
    look_at_all,
    read_questions,
    refit,
)
from earmark.bench.fitting import Example, logits
from knowledge.finding.find import Looked
from knowledge.finding.moment import Hit, Sentence
from knowledge.finding.refusing import Features, Model, Sight, Verdicts, feature_names
from knowledge.recordings.recording import Recording
from knowledge.recordings.tables import RecordingState
from tests.earmark.bench.made_examples import START, made_examples

TODAY = dt.date(2026, 1, 2)
DIGEST = "e" * 64
SHIPPED = Verdicts(START, START, answered_from=0.5, absent_below=0.2)
SHIFTED = replace(START, intercept=START.intercept - 4.0)
QUIET = Features(**dict.fromkeys(feature_names(), 0.0))


def recording(key: str, name: str, title: str = "") -> Recording:
    nothing = dict.fromkeys(field.name for field in fields(Recording))
    known = {"id": key, "course_id": "c", "name": name, "title": title or name, "state": RecordingState.READY}
    return Recording(**{**nothing, **known})  # type: ignore[arg-type]


HOME = [recording("1", "safety/Fire.mp3", "Fire drill"), recording("2", "ladders.mp3"), recording("3", "b/ladders.mp3")]


def questions_file(folder: Path, rows: Sequence[object]) -> Path:
    path = folder / "own.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def seen(examples: Sequence[Example]) -> list[Seen]:
    return [Seen(f"q{at}", (each,)) for at, each in enumerate(examples)]


def ships(verdicts: Verdicts):  # type: ignore[no-untyped-def]
    return lambda _digest, _sight: verdicts


@pytest.mark.parametrize("name", ["safety/Fire.mp3", "fire.MP3", "Fire drill", "recordings/fire.mp3", "1"])
def test_a_recording_may_be_named_as_people_see_it(tmp_path: Path, name: str) -> None:
    answer = {"recording": name, "start_s": 12.0, "end_s": 30}
    rows = [{"id": "a", "question": "Where?", "answers": [answer]}, {"id": "b", "question": "Where?", **answer}]
    stretch = Stretch(frozenset({"1"}), 12.0, 30.0)
    assert read_questions(questions_file(tmp_path, rows), HOME) == [
        OwnQuestion("a", "Where?", (stretch,)),
        OwnQuestion("b", "Where?", (stretch,)),
    ]


def test_a_question_is_read_as_the_page_reads_it(tmp_path: Path) -> None:
    path = questions_file(tmp_path, [{"id": "a", "question": " Where\x00 is \ud800it? \n"}])
    assert [each.text for each in read_questions(path, HOME)] == ["Where is ?it?"]


def test_a_name_that_repeats_stands_for_all_of_its_recordings(tmp_path: Path) -> None:
    rows = [{"id": "a", "question": "Where?", "recording": "ladders.mp3", "start_s": 1, "end_s": 2}]
    [question] = read_questions(questions_file(tmp_path, rows), HOME)
    assert question.answers[0].recordings == {"2", "3"}


@pytest.mark.parametrize(
    "nothing", [{}, {"answers": []}, {"answers": None}, {"recording": None, "start_s": None, "end_s": None}]
)
def test_a_question_without_an_answer_is_an_unanswerable_one(tmp_path: Path, nothing: dict[str, object]) -> None:
    path = questions_file(tmp_path, [{"id": "a", "question": "Who won the cup?", **nothing}])
    assert read_questions(path, HOME) == [OwnQuestion("a", "Who won the cup?", ())]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no question"),
        (["not JSON"], "own.jsonl:1: not JSON"),
        ([{"question": "Where?"}], '"id"'),
        ([{"id": "a", "question": 7}], '"question"'),
        ([{"id": "a", "question": " \x00 "}], "(a): the question is empty"),
        ([{"id": "a", "question": "where? " * 300}], "(a): the question is longer than the 2,000 characters"),
        ([{"id": "a", "question": "Where?"}] * 2, "stands there twice"),
        ([{"id": "a", "question": "Where?", "answers": "Fire"}], "no list"),
        ([{"id": "a", "question": "Where?", "recording": "Fire drill"}], "lacks recording, start_s or end_s"),
        ([{"id": "a", "question": "Where?", "answers": [3]}], "lacks recording, start_s or end_s"),
        ([{"id": "a", "question": "?", "recording": "1", "start_s": 1}], "lacks recording, start_s or end_s"),
        ([{"id": "a", "question": "?", "recording": "1", "start_s": 10**400, "end_s": 2}], "start_s is no number"),
        ([{"id": "a", "question": "?", "recording": "1", "start_s": "abc", "end_s": 2}], "start_s is no number"),
        ([{"id": "a", "question": "?", "recording": "1", "start_s": 1, "end_s": [2]}], "end_s is no number"),
        ([{"id": "a", "question": "?", "anwsers": []}], "(a): names no answer, and nobody knows its 'anwsers'"),
        ([{"id": "a", "question": "?", "recording": "juggling", "start_s": 1, "end_s": 2}], "called juggling"),
        ([{"id": "a", "question": "?", "recording": "1", "start_s": 3, "end_s": 2}], "from 3 s to 2 s"),
    ],
)
def test_what_cannot_be_fitted_on_is_refused_by_name(tmp_path: Path, rows: list[object], told: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_questions(questions_file(tmp_path, rows), HOME)
    assert told in str(refused.value)
    assert "own.jsonl" in str(refused.value)


@pytest.mark.parametrize(("end_s", "fits"), [(60.9, True), (75.0, False), (float("inf"), False)])
def test_an_answer_after_the_recording_s_end_is_refused_with_its_length(
    tmp_path: Path, end_s: float, fits: bool
) -> None:
    home = [replace(HOME[0], duration_s=60.0)]
    row = {"id": "a", "question": "?", "recording": "1", "start_s": 1, "end_s": end_s}
    path = questions_file(tmp_path, [row])
    if fits:
        assert read_questions(path, home)[0].answers[0].end_s == end_s
        return
    with pytest.raises(BadInput, match=r"question 1 \(a\).* 1 is 60\.0 s long"):
        read_questions(path, home)


def test_a_file_may_begin_with_a_mark_and_its_lines_may_say_more(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    row = {"id": "a", "question": "Who?", "answers": [], "asked_by": "a trainee"}
    path.write_text(json.dumps(row), encoding="utf-8-sig")
    assert [each.id for each in read_questions(path, HOME)] == ["a"]


def test_a_file_that_is_not_there_is_refused_with_where_its_layout_stands(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"docs/quality\.md"):
        read_questions(tmp_path / "own.jsonl", HOME)


def hit(recording_id: str, start_s: float) -> Hit:
    sentence = Sentence(start_s, start_s + 1, "said", exact=True)
    return Hit(1, 1.0, recording_id, "c", 1, 0, 0, start_s, start_s + 1, start_s, start_s + 1, "said", sentence)


@pytest.mark.parametrize(
    ("first", "right"),
    [(hit("1", 5.0), True), (hit("1", -5.5), False), (hit("1", 46.0), False), (hit("2", 15.0), False)],
)
def test_a_first_moment_is_right_in_the_stretch_or_near_it(first: Hit, right: bool) -> None:
    question = OwnQuestion("a", "Where?", (Stretch(frozenset({"1"}), 10.0, 30.0),))
    whole, without = (Looked((first,), QUIET, sight) for sight in Sight)
    digest, [found] = look_at_all([question], lambda _text: (DIGEST, [whole, without]))
    assert digest == DIGEST
    assert [(each.sight, each.covered, each.right) for each in found.examples] == [
        (Sight.WHOLE, True, right),
        (Sight.WITHOUT_TOKENS, True, right),
    ]


def test_a_question_that_finds_nothing_is_left_out() -> None:
    assert look_at_all([OwnQuestion("a", "Where?", ())], lambda _text: (DIGEST, [])) == (DIGEST, [])


def test_an_embedder_that_changes_on_the_way_is_refused() -> None:
    digests = iter(["a" * 64, "b" * 64])
    with pytest.raises(BadInput, match="changed"):
        look_at_all([OwnQuestion(key, "Where?", ()) for key in "ab"], lambda _text: (next(digests), []))


@pytest.mark.parametrize("lacking", [True, False], ids=["answerable", "unanswerable"])
def test_too_few_questions_of_a_kind_are_refused_with_how_many_are_needed(lacking: bool) -> None:
    drawn = made_examples(200)
    few = [each for each in drawn if each.covered is lacking][: FEWEST - 1]
    others = [each for each in drawn if each.covered is not lacking]
    with pytest.raises(BadInput, match=f"at least {FEWEST} of each"):
        calibrate(seen(few + others), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))


def test_a_home_that_finds_hardly_anything_is_not_fitted() -> None:
    none_right = [replace(each, right=False) for each in made_examples(100)]
    with pytest.raises(BadInput, match=f"0 find their moment first, fewer than {FEWEST_RIGHT}"):
        calibrate(seen(none_right), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))


def test_a_home_whose_parts_show_too_few_each_is_not_fitted() -> None:
    parts = made_examples(26) + made_examples(26, sight=Sight.WITHOUT_TOKENS)
    with pytest.raises(BadInput, match="still without vectors of its tokens"):
        calibrate(seen(parts), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))


def test_a_verdict_that_is_far_too_shy_here_is_mended() -> None:
    """What ships never answers in this home; what is fitted answers most of what it may."""
    shy = Verdicts(SHIFTED, SHIFTED, answered_from=0.5, absent_below=0.2)
    report = calibrate(seen(made_examples(160)), embedder_digest=DIGEST, today=TODAY, shipped=ships(shy))
    told = {each.name: each for each in report.differences}
    assert told["confident recall"].one < 0.1 < 0.3 < told["confident recall"].other
    assert told["covered ECE"].other < told["covered ECE"].one
    assert told["confident where unanswerable"].other < 0.2
    assert report.notes == ()
    assert (report.own.answerable, report.own.unanswerable) == (80, 80)
    assert (report.own.fitted_on, report.own.embedder_digest) == ("2026-01-02", DIGEST)


def test_a_verdict_that_fits_is_left_nearly_as_it_is() -> None:
    examples = made_examples(400, seed=3)
    well = refit(examples, SHIPPED).verdicts
    again = refit(examples, well).verdicts
    assert logits(again.covered, examples) == pytest.approx(logits(well.covered, examples), abs=0.5)


def test_figures_are_told_of_questions_that_had_no_part_in_the_fit() -> None:
    """Labels by chance cannot be told; a fit measured on its own examples would seem to."""
    chance = np.random.default_rng(9)
    examples = made_examples(120)
    shuffled = [
        replace(each, features=examples[at].features)
        for each, at in zip(examples, chance.permutation(120), strict=True)
    ]
    report = calibrate(seen(shuffled), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))
    told = {each.name: each for each in report.differences}
    assert told["covered AUROC"].other < 0.65


def test_the_same_questions_give_the_same_fit() -> None:
    one, other = (
        calibrate(seen(made_examples(80)), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED)) for _ in "ab"
    )
    assert one == other
    assert list(one.lines()) == list(other.lines())


def test_what_is_seen_without_tokens_is_fitted_on_its_own() -> None:
    lacking = made_examples(100, seed=2, sight=Sight.WITHOUT_TOKENS)
    both = [
        Seen(f"q{at}", (whole, less)) for at, (whole, less) in enumerate(zip(made_examples(100), lacking, strict=True))
    ]
    report = calibrate(both, embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))
    assert set(report.own.by_sight) == set(Sight)
    alone = calibrate(seen(lacking), embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))
    assert set(alone.own.by_sight) == {Sight.WITHOUT_TOKENS}
    assert alone.own.by_sight[Sight.WITHOUT_TOKENS] == report.own.by_sight[Sight.WITHOUT_TOKENS]


def test_a_sight_that_few_questions_show_keeps_what_ships() -> None:
    few = [Seen(f"r{at}", (each,)) for at, each in enumerate(made_examples(10, sight=Sight.WITHOUT_TOKENS))]
    report = calibrate(seen(made_examples(80)) + few, embedder_digest=DIGEST, today=TODAY, shipped=ships(SHIPPED))
    assert set(report.own.by_sight) == {Sight.WHOLE}
    assert report.notes[0] == "seen without tokens: 10 questions, too few: what ships is kept there"


def test_a_model_of_nothing_cannot_be_stretched_into_something() -> None:
    nothing = Verdicts(Model(0.0, {}), Model(0.0, {}), answered_from=0.5, absent_below=0.2)
    report = calibrate(seen(made_examples(80)), embedder_digest=DIGEST, today=TODAY, shipped=ships(nothing))
    assert report.own.by_sight[Sight.WHOLE].covered.weights == {}
