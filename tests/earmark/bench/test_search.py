"""Search at scale, at a small scale: what is made up, filled, asked and measured."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadInput
from earmark.bench import search_home
from earmark.bench.bench_home import silent_progress
from earmark.bench.search import Asking, Building, Swapping, bench_search
from earmark.bench.search_corpus import NOISE, PASSAGES_A_RECORDING, Copies, Source, lectures_source, made_up_source
from earmark.bench.search_home import (
    Filled,
    exact_nearest,
    fill_home,
    filled_home,
    keep_questions,
    kept_questions,
    opened_search_home,
)
from earmark.bench.search_measures import recall
from knowledge.token_vectors import unpack
from tests.earmark.bench.bench_embedding import EMBEDDER

QUESTIONS = 50


def filled(folder: Path, passages: int = 400) -> Filled:
    source = made_up_source(questions=QUESTIONS)
    return fill_home(folder, source, passages, digest="0" * 64, languages=None, progress=silent_progress)


def lectures(folder: Path) -> Path:
    """Twelve lectures of three hundred words, each of its own."""
    lines = [
        {
            "recording": f"lecture {at}",
            "start_s": 0,
            "end_s": 1,
            "text": " ".join(f"l{at}w{word}" for word in range(300)),
        }
        for at in range(12)
    ]
    folder.mkdir()
    (folder / "segments.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return lectures_source(lectures(tmp_path / "set"), EMBEDDER.embed, questions=20)


def test_what_is_asked_was_held_out(source: Source) -> None:
    asked = {word for question in source.questions for word in question.text.split()}
    indexed = {source.vocabulary[number] for number in source.halves.ravel()}
    assert len(source.questions) == 20
    assert not asked & indexed


def test_copies_are_running_text_with_words_changed_and_made_up(source: Source) -> None:
    copies = Copies(source)
    words = [word for made in islice(copies, 20) for text in made.segments for word in text.split()]
    real = set(source.vocabulary[: source.real_words])
    assert 0.03 < np.mean([word not in real for word in words]) < 0.07
    assert copies.distinct_words == len(set(words))


def test_a_copys_vector_is_near_its_source(source: Source) -> None:
    made = next(iter(Copies(source)))
    nearest = (made.vectors @ source.vectors.whole.T).max(axis=1)
    assert np.linalg.norm(made.vectors, axis=1) == pytest.approx(np.ones(PASSAGES_A_RECORDING), abs=1e-5)
    assert nearest.mean() == pytest.approx(1 / np.sqrt(1 + NOISE**2), abs=0.05)


def test_a_copy_and_a_question_have_the_vectors_of_their_tokens(source: Source, tmp_path: Path) -> None:
    made = next(iter(Copies(source)))
    assert set(made.tokens) <= set(source.vectors.tokens)
    assert all(unpack(each) for each in (*made.tokens, *(asked.tokens for asked in source.questions)))
    keep_questions(tmp_path, source.questions)
    assert [each.tokens for each in kept_questions(tmp_path)] == [each.tokens for each in source.questions]


def test_every_run_makes_the_same(source: Source) -> None:
    one, other = (next(iter(Copies(source))) for _ in range(2))
    assert one.segments == other.segments
    assert (one.vectors == other.vectors).all()


def test_too_little_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="too little"):
        lectures_source(lectures(tmp_path / "set"), EMBEDDER.embed, questions=1000)


def test_a_filled_home_is_found_again_and_no_other_folder_taken_for_one(tmp_path: Path) -> None:
    assert filled_home(tmp_path / "new", 400) is None
    made = filled(tmp_path / "home")
    assert filled_home(tmp_path / "home", 400) == made
    assert len(kept_questions(tmp_path / "home")) == QUESTIONS
    with pytest.raises(BadInput, match="holds 400"):
        filled_home(tmp_path / "home", 500)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").touch()
    with pytest.raises(BadInput, match="not filled"):
        filled_home(tmp_path / "other", 400)


def test_the_index_finds_what_plain_arithmetic_finds(tmp_path: Path) -> None:
    made = filled(tmp_path)
    with opened_search_home(tmp_path, made) as home:
        view = home.index.view()
        questions = kept_questions(tmp_path)
        truth = exact_nearest(home, made, questions, n=10)
        for share in search_home.SHARES:
            found = [
                {each.passage_id for each in view.nearest(asked.vector, courses=made.permitted(share), n=10)}
                for asked in questions
            ]
            assert recall(found, truth[share]) > 0.99


@pytest.mark.slow
def test_everything_is_measured_without_a_question_failing(tmp_path: Path) -> None:
    made = filled(tmp_path)
    building, asking, *others, swapping = bench_search(tmp_path, made, beside=True, progress=silent_progress)
    assert isinstance(building, Building)
    assert isinstance(asking, Asking)
    assert isinstance(swapping, Swapping)
    assert [each.share for each in asking.answering] == [100, 50, 10, 1]
    assert all(each.recall > 0.99 for each in asking.answering)
    assert swapping.asked > 0
    assert swapping.failed == 0
    said = dict(row for other in others for row in other.rows())
    assert "recall@10 1.0000" in said["FAISS flat, 100 % of courses"]
    assert {"bm25s"} & said.keys() or "bm25s: building; memory" in said
