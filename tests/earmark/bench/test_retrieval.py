"""BEIR's layout through a real home, and what a broken layout gets told."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from assistant.errors import BadInput
from earmark.bench.retrieval import bench_retrieval, read_judgements, read_set
from earmark.bench.sentences import sentences_as_segments
from tests.earmark.bench.bench_embedding import EMBEDDER

DOCUMENTS = {
    "fire": "The assembly point is the car park. Never use the lift when the alarm sounds.",
    "ladder": "Keep three points of contact on a ladder. Inspect the rungs before you climb.",
    "money": "Receipts are due within thirty days. Taxi rides need the approval of a manager.",
    "data": "Lock your screen when you leave. Passwords are never shared with anybody.",
}
QUESTIONS = {"q1": ("Where is the assembly point?", "fire"), "q2": ("Who approves taxi rides?", "money")}


def write_set(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": key, "title": "", "text": text} for key, text in DOCUMENTS.items()]
    lines(folder / "corpus.jsonl", rows)
    lines(folder / "queries.jsonl", [{"_id": key, "text": text} for key, (text, _) in QUESTIONS.items()])
    lines(folder / "unanswerable.jsonl", [{"_id": "u1", "text": "How do volcanoes erupt?"}])
    judged = [f"{key}\t{document}\t1" for key, (_, document) in QUESTIONS.items()]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *judged, "q2\tdata\t0"]))
    return folder


def lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_documents_rank_as_their_best_hits_do(tmp_path: Path) -> None:
    report = bench_retrieval(write_set(tmp_path / "set"), tmp_path / "home", EMBEDDER, run=tmp_path / "run")
    assert report.documents == len(DOCUMENTS)
    assert report.figures["R@1"].value == 1.0
    assert report.figures["covered AUROC"].value == 1.0
    assert report.quality.near is None
    first = (tmp_path / "run").read_text().splitlines()[0].split()
    assert first[:4] == ["q1", "Q0", "fire", "1"]
    assert json.dumps(report.as_document())


def test_words_and_sounds_alone_are_a_bench_too(tmp_path: Path) -> None:
    report = bench_retrieval(write_set(tmp_path / "set"), tmp_path / "home", None)
    assert report.figures["R@1"].value == 1.0


def test_a_rerun_gives_the_same_run_file(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    runs = [bench_retrieval(folder, tmp_path / home, EMBEDDER).run for home in ("one", "two")]
    assert runs[0] == runs[1]


def test_near_misses_are_measured_apart(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    lines(folder / "unanswerable_near.jsonl", [{"_id": "n1", "text": "Who pays for the taxi?"}])
    report = bench_retrieval(folder, tmp_path / "home", EMBEDDER)
    assert report.quality.everything.questions == 3
    assert report.quality.near is not None
    assert report.quality.near.questions == 3
    assert [each.id for each in report.outcomes if each.near] == ["near n1"]


def test_questions_are_told_apart_by_how_they_were_misheard(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    rows = [
        {"_id": "q1", "text": "where is the assembly point", "metadata": {"typed": "Where is the assembly point?"}},
        {"_id": "q2", "text": "who of proves taxi rides", "metadata": {"typed": "Who approves taxi rides?"}},
    ]
    lines(folder / "queries.jsonl", rows)
    report = bench_retrieval(folder, tmp_path / "home", EMBEDDER)
    assert list(report.quality.groups["word error rate"]) == ["0 %", "30 to 50 %"]


def test_documents_are_told_apart_by_how_they_were_misheard(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    written = tmp_path / "written.jsonl"
    said = DOCUMENTS | {"money": DOCUMENTS["money"].replace("Receipts", "Deceits")}
    lines(written, [{"_id": key, "text": text} for key, text in said.items()])
    wer = {each.id: each.wer for each in read_set(folder, written=written).questions}
    assert wer == {"q1": 0.0, "q2": pytest.approx(1 / 14, abs=1e-4), "unanswerable u1": None}


def test_another_corpus_is_no_written_one(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    lines(tmp_path / "other.jsonl", [{"_id": "elsewhere", "text": "x"}])
    with pytest.raises(BadInput, match=r"other\.jsonl"):
        read_set(folder, written=tmp_path / "other.jsonl")


def test_a_translation_is_not_what_was_said(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    rows = [
        {"_id": "q1", "text": "Wo ist der Sammelplatz und wie kommt man hin?", "metadata": {"typed": "Where is it?"}}
    ]
    lines(folder / "queries.jsonl", rows)
    assert [each.wer for each in read_set(folder).questions if each.relevant] == [None]


def test_figures_by_a_field_of_the_rows(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    rows = [{"_id": key, "text": text, "metadata": {"topic": document}} for key, (text, document) in QUESTIONS.items()]
    lines(folder / "queries.jsonl", rows)
    report = bench_retrieval(folder, tmp_path / "home", EMBEDDER, group_by=["metadata.topic"])
    assert list(report.quality.groups["metadata.topic"]) == ["(not said)", "fire", "money"]
    with pytest.raises(BadInput, match=r"metadata\.colour"):
        bench_retrieval(folder, tmp_path / "other", EMBEDDER, group_by=["metadata.colour"])


def test_sentences_are_segments_in_order() -> None:
    segments = sentences_as_segments("First one. Second one! 第三句。第四句？ last")
    assert [each.text for each in segments] == ["First one.", "Second one!", "第三句。", "第四句？", "last"]
    assert all(one.end_s == other.start_s for one, other in itertools.pairwise(segments))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("corpus.jsonl", "{]", "not JSON"),
        ("corpus.jsonl", '{"_id": "x"}', "text"),
        ("corpus.jsonl", "[1]", "lacks"),
        ("queries.jsonl", '{"text": "x"}', "_id"),
        ("qrels/test.tsv", "head\nq1 fire 1", "tabs"),
    ],
)
def test_a_broken_set_is_refused_by_file_and_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    folder = write_set(tmp_path / "set")
    (folder / name).write_text(text)
    with pytest.raises(BadInput, match=told) as refused:
        bench_retrieval(folder, tmp_path / "home", EMBEDDER)
    assert name.rpartition("/")[2] in str(refused.value)


def test_a_set_without_judgements_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="qrels"):
        read_judgements(tmp_path / "qrels" / "test.tsv")
