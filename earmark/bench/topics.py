"""Topics: questions in, the topic of each out, grouped at once or added week by week as they came.

The lines are what score_topics.py reads; B-cubed here is the same rule, for a first look.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from assistant.topics.asked_text import AskedText
from assistant.topics.grouping import grow_topics
from earmark.bench.bench_home import BenchEmbedder, Progress, silent_progress
from earmark.bench.grouping import language_said
from earmark.bench.jsonl import read_jsonl, write_jsonl
from earmark.bench.kept_vectors import prepared
from knowledge.embedding import TextKind
from knowledge.finding.languages import guess_language

Topics = Mapping[str, str | None]
"""Question id → topic; None: it stands alone."""


@dataclass(frozen=True, slots=True)
class BCubed:
    """Bagga and Baldwin (1998): means over questions of how much of the found group is of the question's topic, and of
    the topic in the found group."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class TopicsReport:
    """`alone`: questions in no topic. `by_words`: questions without a vector. `kept`: of the questions that had a topic
    in the week before, the share that kept it, over all weeks; None where all came at once. `b_cubed`: None where the
    file names no topics."""

    questions: int
    topics: int
    alone: int
    by_words: int
    weeks: int | None
    kept: float | None
    b_cubed: BCubed | None

    def as_document(self) -> dict[str, object]:
        scores = self.b_cubed
        return {
            "questions": self.questions,
            "topics": self.topics,
            "alone": self.alone,
            "by_words": self.by_words,
            "weeks": self.weeks,
            "kept": None if self.kept is None else round(self.kept, 4),
            "b_cubed": scores
            and {
                "precision": round(scores.precision, 4),
                "recall": round(scores.recall, 4),
                "f1": round(scores.f1, 4),
            },
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.questions} questions: {self.topics} topics, {self.alone} alone"
        if self.by_words:
            yield f"{self.by_words} compared by words alone: the embedder does not know their language"
        if self.kept is not None:
            yield f"{self.weeks} weeks: {self.kept:.1%} of the questions with a topic kept it from week to week"
        if self.b_cubed is not None:
            found = self.b_cubed
            yield f"B-cubed: precision {found.precision:.4f}, recall {found.recall:.4f}, F1 {found.f1:.4f}"


def bench_topics(
    file: Path,
    embedder: BenchEmbedder | None,
    *,
    results: Path,
    weekly: bool = False,
    moving: float = 0.0,
    progress: Progress = silent_progress,
) -> TopicsReport:
    """`results`: one line a question, the same on a rerun. `weekly`: added in the order of the rows' `week`;
    `moving`: the share of the questions with a topic that may change it each week.

    Raises BadInput for a line without id or text, an id that comes twice, and a week that is no whole number.
    """
    rows = read_jsonl(file, needs=("id", "text"))
    ids = [str(row["id"]) for row in rows]
    twice = next((name for name, often in Counter(ids).items() if often > 1), None)
    if twice is not None:
        raise BadInput(f"{file}: the id {twice!r} comes twice", "give each question an id of its own")
    asked = _asked(rows, embedder, progress)
    weeks = [_week(file, row) for row in rows] if weekly else [0] * len(rows)
    found, kept = grown_by_week(asked, weeks, moving=moving, progress=progress)
    write_jsonl(results, ({"id": name, "topic": found[name]} for name in ids))
    gold = {name: row["topic"] and str(row["topic"]) for name, row in zip(ids, rows, strict=True) if "topic" in row}
    return TopicsReport(
        questions=len(rows),
        topics=len({topic for topic in found.values() if topic}),
        alone=sum(topic is None for topic in found.values()),
        by_words=sum(each.vector is None for each in asked),
        weeks=len(set(weeks)) if weekly else None,
        kept=kept if weekly else None,
        b_cubed=b_cubed(gold, found) if gold else None,
    )


def grown_by_week(
    asked: Sequence[AskedText],
    weeks: Sequence[int],
    *,
    moving: float = 0.0,
    progress: Progress = silent_progress,
) -> tuple[dict[str, str | None], float]:
    """The topics after the last week, and of the questions with a topic the share that kept it, over all weeks."""
    numbers = count(1)
    found: dict[str, str | None] = {}
    had = kept = 0
    for done, week in enumerate(sorted(set(weeks))):
        progress("grouping week", done, len(set(weeks)))
        so_far = [replace(each, topic=found.get(each.id)) for each, at in zip(asked, weeks, strict=True) if at <= week]
        before, found = found, grow_topics(so_far, new_id=lambda: f"topic-{next(numbers):04d}", moving=moving)
        named = [name for name, topic in before.items() if topic]
        had += len(named)
        kept += sum(found[name] == before[name] for name in named)
    return found, kept / had if had else 1.0


def b_cubed(gold: Topics, found: Topics) -> BCubed:
    """Over the questions of `gold`, at least one; what has no topic is a group of its own."""
    right = {name: _group(name, topic) for name, topic in gold.items()}
    made = {name: _group(name, found.get(name)) for name in gold}
    in_right, in_made = Counter(right.values()), Counter(made.values())
    shared = Counter((right[name], made[name]) for name in gold)
    together = [(shared[right[name], made[name]], made[name], right[name]) for name in gold]
    return BCubed(
        precision=sum(both / in_made[group] for both, group, _ in together) / len(gold),
        recall=sum(both / in_right[group] for both, _, group in together) / len(gold),
    )


def _group(name: str, topic: str | None) -> tuple[str, str]:
    return ("alone", name) if topic is None else ("topic", topic)


def _asked(rows: Sequence[Mapping[str, Any]], embedder: BenchEmbedder | None, progress: Progress) -> list[AskedText]:
    ready = prepared(embedder)
    texts = [str(row["text"]) for row in rows]
    ready.questions(texts, progress)
    return [
        AskedText(
            id=str(row["id"]),
            text=text,
            language=language_said(row) or guess_language(text),
            vector=(
                ready.vectors([text], TextKind.QUESTION).whole[0]
                if ready.vectors is not None and text.strip() and ready.embeds(text)
                else None
            ),
        )
        for row, text in zip(rows, texts, strict=True)
    ]


def _week(file: Path, row: Mapping[str, Any]) -> int:
    week = row.get("week")
    if not isinstance(week, int) or isinstance(week, bool):
        raise BadInput(f"{file}: the question {row['id']!r} has no week", "give each row a week: 0, 1, 2 …")
    return week
