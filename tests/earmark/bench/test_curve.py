"""The corpus filled up: what competes, what is made of it, and what is said of it."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadInput
from earmark.bench.curve import bench_curve, drawn
from earmark.bench.distractors import Distractor, fillers, fitting, give_made_vectors, read_distractors, recombined
from earmark.bench.kept_vectors import prepared
from earmark.bench.retrieval import read_set
from knowledge.embedding import TextKind
from knowledge.passages.cutting import cut_passages
from tests.earmark.bench.bench_embedding import EMBEDDER, embed
from tests.earmark.bench.test_kept_vectors import CountingEmbedder
from tests.earmark.bench.test_retrieval import DOCUMENTS, lines, write_set

OTHERS = [
    "The oven is heated before the dough goes in. Bread needs salt.",
    "A lathe turns the piece of work. The chisel is held low.",
]


@pytest.fixture
def others(tmp_path: Path) -> Path:
    lines(tmp_path / "others.jsonl", [{"text": text} for text in OTHERS])
    return tmp_path / "others.jsonl"


def test_the_corpus_grows_to_each_size_in_turn(tmp_path: Path, others: Path) -> None:
    report = bench_curve(
        write_set(tmp_path / "set"), tmp_path / "home", EMBEDDER, distractors=[others], sizes=[60, 6, 2]
    )
    own, few, many = report.points
    assert own.passages == len(DOCUMENTS)
    assert (own.distractors, own.recombined) == (0, 0)
    assert (few.passages, few.distractors, few.recombined) == (6, 2, 0)
    assert many.passages >= 60
    assert many.passages == len(DOCUMENTS) + many.distractors + many.recombined
    assert all(point.figures["R@1"].value == 1.0 for point in report.points)
    assert report.notes[0] == "2 passages: the set itself has 4"
    assert "by chance" in report.notes[1]
    assert json.dumps(report.as_document())


def test_made_vectors_are_said(tmp_path: Path, others: Path) -> None:
    report = bench_curve(
        write_set(tmp_path / "set"),
        tmp_path / "home",
        EMBEDDER,
        distractors=[others],
        sizes=[20],
        made_vectors=True,
        most=1,
    )
    assert "not embedded" in report.notes[-1]
    assert len(report.points[0].outcomes) == 1


def test_a_made_vector_is_the_mean_of_the_sentences(others: Path) -> None:
    counting = CountingEmbedder()
    ready = prepared(replace(EMBEDDER, embed=counting))
    assert ready.vectors is not None
    recording = next(recombined(read_distractors(others)))
    give_made_vectors([recording], ready)
    passage = cut_passages(recording.segments)[0]
    said = [each.text for each in recording.segments[: passage.last_segment + 1]]
    mean = embed(said, TextKind.PASSAGE).whole.mean(axis=0)
    made = ready.vectors([passage.text], TextKind.PASSAGE).whole[0]
    assert np.allclose(made, mean / np.linalg.norm(mean), atol=1e-6)
    assert sum(map(len, counting.asked)) == 4


def test_no_vector_is_made_of_what_the_embedder_does_not_know() -> None:
    counting = CountingEmbedder()
    recording = next(recombined([Distractor("zh", ("这是中文的句子。", "这是另外一个句子。"))]))
    give_made_vectors([recording], prepared(replace(EMBEDDER, embed=counting)))
    give_made_vectors([recording], prepared(None))
    assert not counting.asked


def test_chance_is_seeded_and_takes_every_document_once(others: Path) -> None:
    documents = read_distractors(others)
    assert sorted(each.name for each in fillers(documents)) == ["distractor 0", "distractor 1"]
    first, again = (list(itertools.islice(recombined(documents), 2)) for _ in range(2))
    assert first == again
    assert first[0].segments != first[1].segments


def test_the_same_document_and_another_language_do_not_compete() -> None:
    given = [
        Distractor("fire", ("The door is here.",)),
        Distractor("a", ("这是中文的句子。",)),
        Distractor("b", ("It is.",)),
    ]
    assert [each.id for each in fitting(given, ids=["fire"], language="en")] == ["b"]


def test_lectures_and_sets_are_distractors_too(tmp_path: Path) -> None:
    folder = tmp_path / "lectures"
    folder.mkdir()
    rows = [{"recording": "r", "text": "one"}, {"recording": "s", "text": "x"}, {"recording": "r", "text": "two"}]
    lines(folder / "segments.jsonl", rows)
    assert read_distractors(folder) == [Distractor("r", ("one", "two")), Distractor("s", ("x",))]
    assert {each.id for each in read_distractors(write_set(tmp_path / "set"))} == set(DOCUMENTS)


def test_as_many_questions_as_were_asked_for_are_drawn(tmp_path: Path) -> None:
    questions = read_set(write_set(tmp_path / "set")).questions
    assert len(drawn(questions, 2)) == 2
    assert drawn(questions, 2) == drawn(questions, 2)
    assert len(drawn(questions, None)) == 3


@pytest.mark.parametrize(("sizes", "told"), [([], "sizes"), ([0], "sizes"), ([10], "language")])
def test_a_curve_of_nothing_is_refused(tmp_path: Path, sizes: list[int], told: str) -> None:
    lines(tmp_path / "zh.jsonl", [{"text": "这是中文的句子。"}])
    with pytest.raises(BadInput, match=told):
        bench_curve(
            write_set(tmp_path / "set"), tmp_path / "home", None, distractors=[tmp_path / "zh.jsonl"], sizes=sizes
        )


def test_a_folder_without_texts_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="empty"):
        read_distractors(tmp_path / "empty")
