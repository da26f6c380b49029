"""The company's own test set, asked: is what people confirmed found, and would a change find more of it?

A moment is right by the rule of score_moments.py: playback begins at most TOLERANCE_S before what was confirmed, or
after it. Knows no database and no engine: whoever calls brings the asking.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from assistant.answering.answer import Answer
from assistant.answering.ask import NOTE_NOT_RERANKED, NOTE_WORDS_ALONE
from assistant.proof.own_set import OwnSet, ProofQuestion
from assistant.proof.runs import counts
from earmark.bench.bench_home import Progress, silent_progress
from earmark.bench.comparing import Difference, difference
from earmark.bench.lectures import TOLERANCE_S
from earmark.bench.measures import Measure, hit_within, mean_of
from earmark.bench.outcomes import Outcome, columns_of
from earmark.bench.quality import Quality, quality_of
from knowledge.finding.languages import base_language
from knowledge.finding.moment import Verdict

FIRST = (1, 3, 5)
FEW = 30
"""With fewer questions a figure says little, and is told so."""
WORSE_FINDING = {
    NOTE_WORDS_ALONE: "were found by words and sounds alone: the embedder was away, or the index has no vectors of it",
    NOTE_NOT_RERANKED: "were found without the reranker: it was not ready, or too slow for a question on the page",
}
"""What would make a run another one than it was meant to be."""

AskOwn = Callable[[ProofQuestion], Answer]
Ranks = Mapping[str, int | None]
"""Question of the set → rank of the first right moment, None where none of the first five was."""


def right_at() -> tuple[Measure, ...]:
    return tuple(mean_of(f"right at {k}", partial(hit_within, k)) for k in FIRST)


@dataclass(frozen=True, slots=True)
class OwnReport:
    """`gone`: questions left out, as the set says. `notes`: how many answers came with which note."""

    quality: Quality
    outcomes: tuple[Outcome, ...] = field(repr=False)
    gone: int
    notes: Mapping[str, int]

    @property
    def right(self) -> tuple[float, float, float]:
        one, three, five = (self.quality.everything.figures[f"right at {k}"].value for k in FIRST)
        return one, three, five

    @property
    def lacking(self) -> int:
        return sum(self.notes.values())

    @property
    def counts(self) -> bool:
        """Whether it is a score of what it was meant to be."""
        return counts(questions=len(self.outcomes), lacking=self.lacking)

    @property
    def ranks(self) -> dict[str, int | None]:
        return {each.id: min(each.ranks, default=None) for each in self.outcomes}

    def as_document(self) -> dict[str, object]:
        """Figures and ids, no words."""
        whole = self.quality.as_document()
        groups = whole["by"]
        assert isinstance(groups, Mapping)
        return {
            "questions": len(self.outcomes),
            "gone": self.gone,
            **{f"right at {k}": whole[f"right at {k}"] for k in FIRST},
            "by": {{"kind": "source"}.get(name, name): groups[name] for name in ("language", "kind") if name in groups},
            "notes": dict(self.notes),
            "ranks": self.ranks,
        }

    def lines(self) -> Iterator[str]:
        yield f"{len(self.outcomes)} questions that people confirmed a moment for{_gone(self.gone)}"
        yield from (f"{name}: {figure}" for name, figure in self.quality.everything.figures.items())
        if len(self.outcomes) < FEW:
            yield f"fewer than {FEW} questions say little: read the interval"
        for name in ("language", "kind"):
            for group, sheet in self.quality.groups.get(name, {}).items():
                yield f"{group}: {sheet.questions} questions, right at 1: {sheet.figures['right at 1']}"
        for note, count in self.notes.items():
            yield f"{count} {WORSE_FINDING[note]}"


def ask_own(questions: OwnSet, ask: AskOwn, progress: Progress = silent_progress) -> OwnReport:
    outcomes, notes = [], Counter[str]()
    for done, question in enumerate(questions.questions):
        progress("asking", done, len(questions.questions))
        answer = ask(question)
        outcomes.append(outcome_of(question, answer))
        notes.update(note for note in answer.notes if note in WORSE_FINDING)
    return report_of(outcomes, gone=questions.gone, notes=notes)


def report_of(outcomes: Sequence[Outcome], *, gone: int, notes: Mapping[str, int]) -> OwnReport:
    return OwnReport(quality_of(outcomes, right_at()), tuple(outcomes), gone, dict(notes))


def outcome_of(question: ProofQuestion, answer: Answer) -> Outcome:
    right = [each.hit.rank for each in answer.hits if is_right(question, each.hit.recording_id, each.hit.start_s)]
    return Outcome(
        id=question.id,
        answerable=True,
        ranks=tuple(right[:1]),
        relevant=1,
        start_error_s=None,
        covered=answer.covered,
        probability=answer.probability,
        verdict=answer.verdict,
        language=base_language(question.language),
        kind=question.source.value,
    )


def is_right(question: ProofQuestion, recording_id: str, start_s: float) -> bool:
    return (
        recording_id == question.recording_id
        and question.start_s - TOLERANCE_S <= start_s <= question.end_s + TOLERANCE_S
    )


def compared(before: Ranks, after: Ranks) -> tuple[Difference, ...]:
    """Over the questions that both were asked, question by question; nothing where there are none."""
    both = [key for key in after if key in before]
    if not both:
        return ()
    one, other = (columns_of([_outcome(key, ranks[key]) for key in both]) for ranks in (before, after))
    told = (difference(measure, one, other) for measure in right_at())
    return tuple(each for each in told if each is not None)


def in_words(change: Difference) -> str:
    """What a difference says to somebody who has to decide."""
    points = f"{abs(100 * change.change):.1f} points"
    way = f"better by {points}" if change.change > 0 else f"worse by {points}" if change.change < 0 else "the same"
    seen = "likely better" if change.low > 0 else "likely worse" if change.high < 0 else "no difference to be seen"
    return f"{way}, 95 % interval {100 * change.low:+.1f} to {100 * change.high:+.1f}: {seen}"


def _outcome(key: str, rank: int | None) -> Outcome:
    return Outcome(key, True, () if rank is None else (rank,), 1, None, 0.0, 0.0, Verdict.CLOSEST)


def _gone(gone: int) -> str:
    return f"; {gone} more are left out: their recording was removed, or what was said of it taken back" if gone else ""
