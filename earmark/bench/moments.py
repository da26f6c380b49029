"""Moments: real recordings, questions typed and spoken, and the stretch that answers each.

Knows no engine: whoever calls indexes the recordings and asks. A start is right when it lies in the stretch or not
more than the tolerance before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.bench.bench_home import Progress, silent_progress
from earmark.bench.jsonl import read_jsonl, write_jsonl
from earmark.bench.metrics import Figure, mean_figure

TOLERANCES_S = (15.0, 2.0)
FIRST = (1, 3)
TYPED = "typed"
_SPOKEN = "spoken_"
_UNTAUGHT = "none"


@dataclass(frozen=True, slots=True)
class Pointed:
    """A moment that was answered: the recording's name and where playback begins."""

    recording: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Pointing:
    """What one question got. `heard`: the question as it was understood."""

    moments: Sequence[Pointed]
    confident: bool
    heard: str = ""


Ask = Callable[[str | Path], Pointing]
"""A question's text, or its sound file."""


@dataclass(frozen=True, slots=True)
class MomentsReport:
    """`figures`: "typed same right@1 15s" and so on; `all` before `same` and `other` words."""

    figures: Mapping[str, Figure]

    def as_document(self) -> dict[str, object]:
        return {name: figure.as_document() for name, figure in self.figures.items()}


def bench_moments(
    folder: Path,
    *,
    index: Callable[[Path], None],
    ask: Ask,
    voices: Sequence[str] = ("flite",),
    results: Path | None = None,
    progress: Progress = silent_progress,
) -> MomentsReport:
    """`index` is given the folder of recordings once; then every question is asked, typed and in each voice."""
    questions = read_jsonl(folder / "questions.jsonl", needs=("id", "question", "words"))
    index(folder / "recordings")
    ways = [TYPED, *voices]
    rows = []
    for done, (question, way) in enumerate((question, way) for question in questions for way in ways):
        progress("asking", done, len(questions) * len(ways))
        if way == TYPED or question.get(_SPOKEN + way):
            rows.append(_row(question, way, ask(_said(folder, question, way))))
    if results is not None:
        write_jsonl(results, rows)
    return MomentsReport(figures_of(questions, rows, ways))


def figures_of(
    questions: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], ways: Sequence[str]
) -> dict[str, Figure]:
    by_id = {str(question["id"]): question for question in questions}
    figures: dict[str, Figure] = {}
    for way in ways:
        asked = [(by_id[str(row["question"])], row) for row in rows if row["way"] == way]
        for words in ("all", "same", "other"):
            taught = [
                (question, row)
                for question, row in asked
                if question["words"] != _UNTAUGHT and words in ("all", question["words"])
            ]
            for tolerance_s in TOLERANCES_S:
                for k in FIRST:
                    right = [is_right(question, row["hits"][:k], tolerance_s) for question, row in taught]
                    name = f"{way} {words} right@{k} {tolerance_s:.0f}s"
                    figures[name] = mean_figure([float(each) for each in right])
        untaught = [float(not row["confident"]) for question, row in asked if question["words"] == _UNTAUGHT]
        figures[f"{way} refused where untaught"] = mean_figure(untaught)
        figures[f"{way} confident where taught"] = mean_figure(
            [float(row["confident"]) for question, row in asked if question["words"] != _UNTAUGHT]
        )
    return figures


def is_right(question: Mapping[str, Any], hits: Sequence[Mapping[str, Any]], tolerance_s: float) -> bool:
    return any(
        same_file(str(hit["recording"]), str(question["recording"]))
        and question["start_s"] - tolerance_s <= hit["start_s"] <= question["end_s"]
        for hit in hits
    )


def same_file(one: str, other: str) -> bool:
    """The data names files from its own folder, an index from the folder it was given."""
    return Path(one).name == Path(other).name


def _said(folder: Path, question: Mapping[str, Any], way: str) -> str | Path:
    return str(question["question"]) if way == TYPED else folder / str(question[_SPOKEN + way])


def _row(question: Mapping[str, Any], way: str, pointing: Pointing) -> dict[str, object]:
    return {
        "id": f"{question['id']}.{way}",
        "question": question["id"],
        "way": way,
        "heard": pointing.heard,
        "confident": pointing.confident,
        "hits": [
            {"recording": each.recording, "start_s": round(each.start_s, 3), "end_s": round(each.end_s, 3)}
            for each in pointing.moments
        ],
    }
