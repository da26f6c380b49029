"""How the demo looks: lines as they come in a pipe, tables on a terminal, one JSON document. Judges nothing."""

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from earmark.demo import AskedSample, HeardRecording, Summary
from knowledge.finding.moment import Verdict
from web.timecodes import timecode

VERDICTS = {
    Verdict.ANSWERED: "answered",
    Verdict.CLOSEST: "not sure, closest",
    Verdict.ABSENT: "not in the recordings",
}
TRIAL = (
    "The course is read by synthetic voices. The trial recogniser hears people worse: about four words in ten "
    "wrong; with the talk's own script beside it, about one in ten."
)


class Showing(Protocol):
    """Takes what the demo found, as it comes, and the whole at the end."""

    def under_way(self) -> AbstractContextManager[object]: ...

    def heard(self, one: HeardRecording) -> None: ...

    def asked(self, one: AskedSample) -> None: ...

    def end(self, summary: Summary) -> None: ...


def show(found: Iterable[HeardRecording | AskedSample], showing: Showing) -> Summary:
    """Show each finding when it comes; the summary is the demo's result."""
    recordings: list[HeardRecording] = []
    asked: list[AskedSample] = []
    with showing.under_way():
        for one in found:
            if isinstance(one, HeardRecording):
                recordings.append(one)
                showing.heard(one)
            else:
                asked.append(one)
                showing.asked(one)
    summary = Summary(tuple(recordings), tuple(asked))
    showing.end(summary)
    return summary


def showing_for(console: Console, *, as_json: bool) -> Showing:
    if as_json:
        return ShowingJson(console)
    return ShowingTables(console) if console.is_terminal else ShowingLines(console)


class ShowingJson:
    """Nothing until the end, then one document, on one line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def under_way(self) -> AbstractContextManager[object]:
        return nullcontext()

    def heard(self, one: HeardRecording) -> None:
        pass

    def asked(self, one: AskedSample) -> None:
        pass

    def end(self, summary: Summary) -> None:
        document = json.dumps(summary.as_document())
        self._console.print(document, markup=False, highlight=False, soft_wrap=True)


class ShowingLines:
    """A block a question, so that a log reads from top to bottom."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def under_way(self) -> AbstractContextManager[object]:
        return nullcontext()

    def heard(self, one: HeardRecording) -> None:
        self._line(f"heard  {one.recording}  {words_wrong(one)}")

    def asked(self, one: AskedSample) -> None:
        self._line()
        self._line(f"[{one.question.id}]")
        for line in (*question_lines(one), *moment_lines(one)):
            self._line(f"  {line}")
        self._line(f"  {verdict(one)}: {judgement(one)}, {one.took_s:.2f} s")

    def end(self, summary: Summary) -> None:
        self._line()
        for line in summary_lines(summary):
            self._line(line)

    def _line(self, text: str = "") -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class ShowingTables:
    """The recordings, then the questions, as two tables; a line says which question is waited for.

    That line begins only after indexing, which draws bars of its own on the same terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recordings = Table("recording", "course", "heard", box=None, pad_edge=False)
        self._questions = Table("question", "best moment", "verdict", "", "time", show_lines=True)
        self._status = console.status("Asking the sample questions: 1")

    @contextmanager
    def under_way(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._status.stop()

    def heard(self, one: HeardRecording) -> None:
        self._status.start()
        self._recordings.add_row(one.recording, one.course, words_wrong(one))

    def asked(self, one: AskedSample) -> None:
        self._status.update(f"Asking the sample questions: {self._questions.row_count + 2}")
        self._questions.add_row(
            Text("\n".join(question_lines(one))),
            Text("\n".join(moment_lines(one))),
            verdict(one),
            judgement(one),
            f"{one.took_s:.2f} s",
        )

    def end(self, summary: Summary) -> None:
        self._console.print(self._recordings, self._questions, sep="\n\n")
        for line in summary_lines(summary):
            self._console.print(line, markup=False, highlight=False)


def words_wrong(one: HeardRecording) -> str:
    if one.wer is None:
        return "not indexed"
    return f"{100 * one.wer:.1f} % of {one.words} words wrong"


def question_lines(one: AskedSample) -> list[str]:
    """What was asked; for a spoken question what was heard, too."""
    if one.question.audio is None:
        return [one.question.said]
    text = one.answer.question.text if one.answer else ""
    return [one.question.said, f"heard: {text}" if text else "heard: no speech"]


def moment_lines(one: AskedSample) -> list[str]:
    """The best moment and its text."""
    if one.best is None:
        return [one.error or "no moment"]
    return [f"{one.best.recording} {timecode(one.best.hit.start_s)}", f"“{one.best.hit.sentence.text}”"]


def verdict(one: AskedSample) -> str:
    return VERDICTS[one.answer.verdict] if one.answer else "failed"


def judgement(one: AskedSample) -> str:
    if one.question.expected is None:
        return "rightly refused" if one.right else "wrong, nothing answers it"
    if one.place == 1:
        return "right moment, wrongly refused" if one.wrongly_refused else "right"
    return f"wrong, the right moment is number {one.place}" if one.place else "wrong"


def summary_lines(summary: Summary) -> list[str]:
    spoken, typed = (summary.count(answerable=True, spoken=each) for each in (True, False))
    no_spoken, no_typed = (summary.count(answerable=False, spoken=each) for each in (True, False))
    refused = sum(one.wrongly_refused for one in summary.asked)
    return [
        f"Right at first place: {spoken[0]} of {spoken[1]} spoken, {typed[0]} of {typed[1]} typed questions.",
        f"Not in the recordings: {no_spoken[0] + no_typed[0]} of {no_spoken[1] + no_typed[1]} rightly refused; "
        f"{refused} of {spoken[1] + typed[1]} that have an answer wrongly refused.",
        TRIAL,
    ]
