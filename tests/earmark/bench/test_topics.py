"""Topics out of a file of questions, and how right they are."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from assistant.errors import BadInput
from assistant.topics.asked_text import AskedText
from assistant.topics.rules import MOVES_A_WEEK
from earmark.bench.topics import b_cubed, bench_topics, grown_by_week
from tests.earmark.bench.bench_embedding import EMBEDDER

SETS = Path(__file__).parents[2] / "assistant" / "topics"
INTENTS, SUBJECTS = SETS / "chinese_questions.jsonl", SETS / "chinese_subjects.jsonl"
SCORER = Path(__file__).parents[4] / "shared" / "tools" / "score_topics.py"


def written(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> dict[str, str | None]:
    return {row["id"]: row["topic"] for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def test_chinese_questions_are_grouped_without_an_embedder_for_them(tmp_path: Path) -> None:
    assert (len(read(INTENTS)), len(set(read(INTENTS).values()))) == (200, 20)
    report = bench_topics(INTENTS, EMBEDDER, results=tmp_path / "results.jsonl")
    assert report.by_words == 200
    assert report.b_cubed is not None
    assert report.b_cubed.f1 >= 0.78


def test_week_by_week_they_are_grouped_nearly_as_well_and_keep_their_topics(tmp_path: Path) -> None:
    report = bench_topics(INTENTS, EMBEDDER, results=tmp_path / "results.jsonl", weekly=True)
    assert (report.weeks, report.kept) == (8, 1.0)
    assert report.b_cubed is not None
    assert report.b_cubed.f1 >= 0.75


def test_where_questions_may_move_few_do_and_the_topics_are_no_worse(tmp_path: Path) -> None:
    stays, moves = tmp_path / "stays.jsonl", tmp_path / "moves.jsonl"
    still = bench_topics(INTENTS, EMBEDDER, results=stays, weekly=True)
    moving = bench_topics(INTENTS, EMBEDDER, results=moves, weekly=True, moving=MOVES_A_WEEK)
    assert still.b_cubed is not None
    assert moving.b_cubed is not None
    assert moving.b_cubed.f1 >= still.b_cubed.f1
    assert moving.kept is not None
    assert 0.95 <= moving.kept < 1.0


def test_words_alone_join_little_that_only_shares_a_subject(tmp_path: Path) -> None:
    report = bench_topics(SUBJECTS, EMBEDDER, results=tmp_path / "results.jsonl")
    assert report.b_cubed is not None
    assert report.b_cubed.precision >= 0.6


def test_a_line_is_written_for_each_question_and_a_rerun_writes_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    bench_topics(INTENTS, EMBEDDER, results=first)
    bench_topics(INTENTS, EMBEDDER, results=second)
    assert list(read(first)) == list(read(INTENTS))
    assert first.read_bytes() == second.read_bytes()


def test_questions_whose_topics_nobody_knows_are_grouped_without_figures(tmp_path: Path) -> None:
    same = [{"id": number, "text": "how do I reset my password"} for number in range(5)]
    questions = written(tmp_path / "questions.jsonl", *same, {"id": "x", "text": "who won the match"})
    report = bench_topics(questions, EMBEDDER, results=tmp_path / "results.jsonl")
    assert (report.topics, report.alone, report.by_words, report.b_cubed) == (1, 1, 0, None)
    assert read(tmp_path / "results.jsonl")["x"] is None


@pytest.mark.parametrize(
    ("rows", "weekly", "said"),
    [
        ([{"id": "a"}], False, "lacks text"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], False, "'a' comes twice"),
        ([{"id": "a", "text": "x"}], True, "'a' has no week"),
        ([{"id": "a", "text": "x", "week": "2026-W01"}], True, "'a' has no week"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    tmp_path: Path, rows: list[dict[str, object]], weekly: bool, said: str
) -> None:
    questions = written(tmp_path / "questions.jsonl", *rows)
    with pytest.raises(BadInput, match=said):
        bench_topics(questions, EMBEDDER, results=tmp_path / "results.jsonl", weekly=weekly)


def test_who_asks_in_a_later_week_joins_the_topic_of_an_earlier_one() -> None:
    asked = [AskedText(str(number), "how do I reset my password", "en", None) for number in range(6)]
    found, kept = grown_by_week(asked, [0, 0, 0, 0, 0, 3])
    assert (set(found.values()), kept) == ({"topic-0001"}, 1.0)


def test_b_cubed_counts_what_stands_alone_as_a_group_of_its_own() -> None:
    score = b_cubed({"a": "x", "b": "x", "c": None, "d": None}, {"a": "1", "b": "1", "c": "1", "d": None})
    assert (score.precision, score.recall) == (pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4), 1.0)


@pytest.fixture
def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_topics", SCORER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.shared
@pytest.mark.skipif(not SCORER.is_file(), reason="../shared is not here")
def test_our_figures_are_those_of_the_scorer_outside(tmp_path: Path, scorer: ModuleType) -> None:
    results = tmp_path / "results.jsonl"
    report = bench_topics(INTENTS, EMBEDDER, results=results)
    gold, found = scorer.read(INTENTS), scorer.read(results)
    ids = [row["id"] for row in gold]
    outside = scorer.b_cubed(scorer.groups(gold, ids), scorer.groups(found, ids))
    assert report.as_document()["b_cubed"] == outside
