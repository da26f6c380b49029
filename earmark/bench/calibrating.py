"""Fit the verdict anew on one home's own questions: which of them it may answer, and which it had better not.

Knows no engine: whoever calls says what finding saw of each question. A few dozen questions cannot carry some thirty
coefficients, so nothing is fitted from nothing: each regression starts from what ships, and cross-validation says how
far it may go from there (see `WAYS`). What is told of the result are questions that had no part in their own fit.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.answering.ask import question_text
from assistant.answering.own_verdict import OwnVerdict
from assistant.errors import BadInput
from earmark.bench.bench_home import Progress, silent_progress
from earmark.bench.comparing import Difference, difference
from earmark.bench.fitting import (
    Example,
    Label,
    fit_model,
    half_untaught,
    log_loss,
    stretch_model,
    told_by,
    with_thresholds,
)
from earmark.bench.jsonl import read_jsonl
from earmark.bench.lectures import TOLERANCE_S
from earmark.bench.measures import honesty_measures
from earmark.bench.metrics import SEED
from earmark.bench.outcomes import Columns, Numbers, Outcome, columns_of
from knowledge.finding.find import Looked
from knowledge.finding.moment import Verdict
from knowledge.finding.refusing import Model, Sight, Verdicts, VerdictsFor, decide, fitted
from knowledge.recordings.recording import Recording, name_key

FEWEST = 20
"""Answerable questions, and unanswerable ones, below which nothing is fitted: a twentieth more of them right or wrong
is then a single question."""
FEWEST_RIGHT = 10
"""Answerable questions whose first moment is right, for the same reason."""
FOLDS = 5
ROUNDED_S = 1.0
"""So much an answer may end after its recording: whoever wrote it down rounded."""
KNOWN_KEYS = frozenset(
    {"id", "question", "text", "answers", "recording", "start_s", "end_s", "kind", "language", "metadata"}
)
LAYOUT = (
    'a line each: {"id", "question", "answers": [{"recording", "start_s", "end_s"}]}, no answers where none is there'
)


class FitModel(Protocol):
    def __call__(self, examples: Sequence[Example], label: Label, weights: Numbers, /, *, start: Model) -> Model: ...


def _correct(
    examples: Sequence[Example], label: Label, weights: Numbers, *, start: Model, penalty: float = 1.0
) -> Model:
    return fit_model(examples, label, tuple(start.weights), weights, start=start, penalty=penalty)


WAYS: Mapping[str, FitModel] = {
    "as shipped": lambda _examples, _label, _weights, /, *, start: start,
    "stretched": stretch_model,
    "corrected a little": partial(_correct, penalty=100.0),
    "corrected": partial(_correct, penalty=20.0),
    "corrected much": partial(_correct, penalty=4.0),
}
"""From the least freedom to the most: the shipped model; its logit times one number plus another; every coefficient
moved, held to the shipped one with an L2 penalty. Of equally good ones in cross-validation the first is taken."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a question is answered. `recordings`: ids, more than one where a name repeats."""

    recordings: frozenset[str]
    start_s: float
    end_s: float

    def holds(self, recording_id: str, start_s: float) -> bool:
        """As `bench lectures` counts."""
        near = self.start_s - TOLERANCE_S <= start_s <= self.end_s + TOLERANCE_S
        return near and recording_id in self.recordings


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """`answers`: none where no recording answers it."""

    id: str
    text: str
    answers: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A question and what was seen of it: first as it is, then, where that is less, without tokens."""

    id: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Refit:
    """`ways`: of WAYS, for each label, where it was fitted anew."""

    verdicts: Verdicts
    ways: Mapping[Label, str]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """`differences`: what ships → the new fit, on questions that had no part in it. `shares`: kind of question →
    verdict → (before, after), in questions. `ways`: how each regression was fitted in the end."""

    own: OwnVerdict
    differences: tuple[Difference, ...]
    shares: Mapping[str, Mapping[Verdict, tuple[int, int]]]
    ways: Mapping[Sight, Mapping[Label, str]]
    notes: tuple[str, ...]

    def as_document(self) -> dict[str, object]:
        return {
            "questions": {"answerable": self.own.answerable, "unanswerable": self.own.unanswerable},
            **self.own.figures,
            "ways": {sight.value: dict(ways) for sight, ways in self.ways.items()},
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        yield (
            f"{self.own.answerable} answerable questions, {self.own.unanswerable} unanswerable; "
            "what ships → fitted anew, told of questions that had no part in their fit"
        )
        yield from (f"{each.name}: {each}" for each in self.differences)
        for kind, shares in self.shares.items():
            told = (f"{verdict} {before} → {after}" for verdict, (before, after) in shares.items())
            yield f"{kind}: {', '.join(told)}"
        for sight, ways in self.ways.items():
            yield f"seen {sight}: {', '.join(f'{label} {way}' for label, way in ways.items())}"
        yield from self.notes


def read_questions(path: Path, recordings: Sequence[Recording]) -> list[OwnQuestion]:
    """`answers`, or the one answer's `recording`, `start_s` and `end_s` in the line itself; none or null: unanswerable.

    A recording is named by its name (the last part is enough), its title or its id. Raises BadInput naming the line.
    """
    named: dict[str, set[str]] = {}
    for each in recordings:
        for name in {each.name, Path(each.name).name, each.title, each.id}:
            named.setdefault(name_key(name), set()).add(each.id)
    rows = read_jsonl(path)
    if not rows:
        raise BadInput(f"{path}: there is no question in it", f"give {LAYOUT}")
    lengths_s = {each.id: each.duration_s for each in recordings if each.duration_s is not None}
    questions = [_question(path, at, row, named, lengths_s) for at, row in enumerate(rows, 1)]
    twice = [key for key, count in Counter(each.id for each in questions).items() if count > 1]
    if twice:
        raise BadInput(f"{path}: question {twice[0]!r} stands there twice", "give each an id of its own")
    return questions


def _question(
    path: Path, at: int, row: Mapping[str, Any], named: Mapping[str, set[str]], lengths_s: Mapping[str, float]
) -> OwnQuestion:
    key, text = row.get("id"), row.get("question")
    where = f"{path}, question {at}"
    if key is None or not str(key).strip() or not isinstance(text, str):
        raise BadInput(f'{where}: lacks an "id" or a "question"', f"give {LAYOUT}")
    try:
        asked = question_text(text)
    except BadInput as error:
        raise BadInput(f"{where} ({key}): {error.detail}", error.way_out) from error
    unknown = sorted(set(row) - KNOWN_KEYS)
    if unknown and "answers" not in row and "recording" not in row:  # misspelt, it would pass for an unanswerable one
        told = f"names no answer, and nobody knows its {', '.join(map(repr, unknown))}"
        raise BadInput(f"{where} ({key}): {told}", f"mend or remove it; {LAYOUT}")
    answers = row.get("answers")
    if answers is None:
        answers = [row] if row.get("recording") else []
    if not isinstance(answers, list):
        raise BadInput(f'{where} ({key}): "answers" is no list', f"give {LAYOUT}")
    stretches = tuple(_stretch(f"{where} ({key})", each, named, lengths_s) for each in answers)
    return OwnQuestion(str(key), asked, stretches)


def _stretch(where: str, answer: Any, named: Mapping[str, set[str]], lengths_s: Mapping[str, float]) -> Stretch:
    given = answer if isinstance(answer, dict) else {}
    if any(given.get(each) is None for each in ("recording", "start_s", "end_s")):
        raise BadInput(f"{where}: an answer lacks recording, start_s or end_s", f"give {LAYOUT}")
    name = str(given["recording"])
    start_s, end_s = (_seconds(where, each, given[each]) for each in ("start_s", "end_s"))
    ids = named.get(name_key(name)) or named.get(name_key(Path(name).name))
    if not ids:
        raise BadInput(f"{where}: no recording here is called {name}", "see `earmark recordings`")
    if not 0 <= start_s <= end_s:
        raise BadInput(f"{where}: the answer runs from {start_s:g} s to {end_s:g} s")
    longest_s = max(lengths_s.get(each, math.inf) for each in ids)
    if end_s > longest_s + ROUNDED_S:
        raise BadInput(
            f"{where}: the answer ends at {end_s:g} s, but {name} is {longest_s:.1f} s long",
            "count in seconds from the start of the recording",
        )
    return Stretch(frozenset(ids), start_s, end_s)


def _seconds(where: str, key: str, given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError, OverflowError) as error:
        told = f"{where}: {key} is no number of seconds: {str(given)[:40]!r}"
        raise BadInput(told, "write it as 75.5") from error


def look_at_all(
    questions: Sequence[OwnQuestion],
    looks: Callable[[str], tuple[str, list[Looked]]],
    *,
    progress: Progress = silent_progress,
) -> tuple[str, list[Seen]]:
    """`looks`: what is seen of a question, and the digest of the embedder it was seen with. Raises BadInput where that
    changes on the way. Questions that find nothing at all teach nothing: they are left out."""
    digests: set[str] = set()
    seen = []
    for done, question in enumerate(questions):
        progress("asking", done, len(questions))
        digest, looked = looks(question.text)
        digests.add(digest)
        if looked:
            seen.append(Seen(question.id, tuple(_example(question, each) for each in looked)))
    if len(digests) > 1:
        raise BadInput("the embedder changed while questions were asked", "ask again once it is settled")
    return digests.pop(), seen


def _example(question: OwnQuestion, looked: Looked) -> Example:
    first = looked.hits[0]
    right = any(each.holds(first.recording_id, first.start_s) for each in question.answers)
    return Example("own", looked.features, looked.sight, covered=bool(question.answers), right=right)


def calibrate(
    seen: Sequence[Seen], *, embedder_digest: str, today: dt.date, shipped: VerdictsFor = fitted
) -> CalibrationReport:
    """Each sight that enough questions show is fitted anew. Raises BadInput where the home as it is shows too few."""
    now = [each.examples[0] for each in seen]
    answerable = sum(each.covered for each in now)
    refuse_too_few(answerable, len(now) - answerable)
    right = sum(each.right for each in now)
    if right < FEWEST_RIGHT:
        raise BadInput(
            f"of {answerable} answerable questions {right} find their moment first, fewer than {FEWEST_RIGHT}",
            "see with `earmark ask --explain` what is found instead, and whether that answers them too",
        )
    start = {sight: shipped(embedder_digest, sight) for sight in Sight}
    pools = {sight: [each for one in seen for each in one.examples if each.sight is sight] for sight in Sight}
    enough = [sight for sight, examples in pools.items() if _enough(examples)]
    if not any(each.sight in enough for each in now):
        raise BadInput(
            "part of the home is still without vectors of its tokens, and neither part shows enough questions",
            "let a worker run until it has made them, or give more questions",
        )
    refits = {sight: refit(pools[sight], start[sight]) for sight in enough}
    before, after = _outcomes(seen, start), _held_out(seen, start, enough)
    columns = columns_of(before), columns_of(after)
    differences = tuple(_differences(*columns))
    shares = _shares(before, after)
    figures = {
        "held_out": {each.name: each.as_document() for each in differences},
        "verdicts": {
            kind: {verdict.value: pair for verdict, pair in counts.items()} for kind, counts in shares.items()
        },
    }
    own = OwnVerdict(
        fitted_on=today.isoformat(),
        embedder_digest=embedder_digest,
        answerable=answerable,
        unanswerable=len(now) - answerable,
        by_sight={sight: each.verdicts for sight, each in refits.items()},
        figures=figures,
    )
    ways = {sight: each.ways for sight, each in refits.items()}
    return CalibrationReport(own, differences, shares, ways, tuple(_notes(pools, enough, *columns)))


def refit(examples: Sequence[Example], start: Verdicts) -> Refit:
    """The way that cross-validation takes for each label, then fitted on all examples. Thresholds follow from what
    was told of examples while they were left out: of those it was fitted on a fit tells too much."""
    weights = _weights(examples)
    folds = _folds(examples)
    before = {Label.COVERED: start.covered, Label.RIGHT: start.right}
    ways = {label: _best_way(examples, label, weights, folds, model) for label, model in before.items()}

    def fitted_on(some: NDArray[np.bool_]) -> Verdicts:
        chosen, of_them = _where(examples, some), weights[some]
        covered, right = (WAYS[ways[label]](chosen, label, of_them, start=before[label]) for label in Label)
        return replace(start, covered=covered, right=right)

    told = np.empty((2, len(examples)))
    for fold in folds:
        told[:, fold] = told_by(fitted_on(~fold), _where(examples, fold))
    everything = fitted_on(np.ones(len(examples), dtype=bool))
    return Refit(with_thresholds(everything, told, examples, weights), ways)


def _best_way(
    examples: Sequence[Example], label: Label, weights: Numbers, folds: Sequence[NDArray[np.bool_]], start: Model
) -> str:
    def loss(way: FitModel) -> float:
        return sum(
            log_loss(
                way(_where(examples, ~fold), label, weights[~fold], start=start),
                label,
                _where(examples, fold),
                weights[fold],
            )
            for fold in folds
        )

    return min(WAYS, key=lambda name: round(loss(WAYS[name]), 6))


def _weights(examples: Sequence[Example]) -> Numbers:
    """Half untaught, as what ships was fitted, and as many in all as there are examples: the more questions, the less
    the penalty holds."""
    return half_untaught(examples, each=len(examples) / 2)


def _folds(examples: Sequence[Example]) -> list[NDArray[np.bool_]]:
    """Masks of what is left out in turn, by chance that is seeded; as many of each kind in each as can be."""
    chance = np.random.default_rng(SEED)
    of_fold = np.empty(len(examples), dtype=np.int64)
    kinds = np.array([2 * each.covered + each.right for each in examples])
    dealt = 0
    for kind in np.unique(kinds):
        at = chance.permutation(np.flatnonzero(kinds == kind))
        of_fold[at] = (dealt + np.arange(len(at))) % FOLDS
        dealt += len(at)
    return [of_fold == fold for fold in range(FOLDS)]


def _where(examples: Sequence[Example], mask: NDArray[np.bool_]) -> list[Example]:
    return [each for each, taken in zip(examples, mask, strict=True) if taken]


def _held_out(seen: Sequence[Seen], start: Mapping[Sight, Verdicts], enough: Sequence[Sight]) -> list[Outcome]:
    """Every question judged as the home would after a fit, choices and thresholds too, that it had no part in."""
    outcomes: dict[str, Outcome] = {}
    now = [each.examples[0] for each in seen]
    judged = [sight for sight in enough if any(each.sight is sight for each in now)]
    for fold in _folds(now):
        kept = [each for each, left_out in zip(seen, fold, strict=True) if not left_out]
        pools = {sight: [each for one in kept for each in one.examples if each.sight is sight] for sight in judged}
        by_sight = {**start, **{sight: refit(pool, start[sight]).verdicts for sight, pool in pools.items()}}
        asked = [each for each, left_out in zip(seen, fold, strict=True) if left_out]
        outcomes.update((each.id, each) for each in _outcomes(asked, by_sight))
    return [outcomes[each.id] for each in seen]


def _outcomes(seen: Sequence[Seen], by_sight: Mapping[Sight, Verdicts]) -> list[Outcome]:
    return [_outcome(each.id, each.examples[0], by_sight[each.examples[0].sight]) for each in seen]


def _outcome(key: str, example: Example, verdicts: Verdicts) -> Outcome:
    covered, probability = verdicts.told(example.features)
    return Outcome(
        id=key,
        answerable=example.covered,
        ranks=(1,) if example.right else (),
        relevant=int(example.covered),
        start_error_s=None,
        covered=covered,
        probability=probability,
        verdict=decide(covered, probability, verdicts),
    )


def _differences(before: Columns, after: Columns) -> Iterator[Difference]:
    for measure in honesty_measures():
        told = difference(measure, before, after)
        if told is not None:
            yield told


def _shares(before: Sequence[Outcome], after: Sequence[Outcome]) -> dict[str, dict[Verdict, tuple[int, int]]]:
    return {
        kind: {
            verdict: (_count(before, verdict, answerable), _count(after, verdict, answerable)) for verdict in Verdict
        }
        for kind, answerable in (("answerable", True), ("unanswerable", False))
    }


def _count(outcomes: Sequence[Outcome], verdict: Verdict, answerable: bool) -> int:
    return sum(each.verdict is verdict and each.answerable is answerable for each in outcomes)


def refuse_too_few(answerable: int, unanswerable: int) -> None:
    """Raises BadInput below FEWEST of a kind."""
    if min(answerable, unanswerable) < FEWEST:
        raise BadInput(
            f"{answerable} answerable and {unanswerable} unanswerable questions are too few to fit anything on",
            f"give at least {FEWEST} of each; unanswerable ones are such as people would ask, about what is in no "
            "recording",
        )


def _enough(examples: Sequence[Example]) -> bool:
    answerable = sum(each.covered for each in examples)
    right = sum(each.right for each in examples)
    return min(answerable, len(examples) - answerable) >= FEWEST and right >= FEWEST_RIGHT


def _notes(
    pools: Mapping[Sight, Sequence[Example]],
    enough: Sequence[Sight],
    before: Columns,
    after: Columns,
) -> Iterator[str]:
    for sight, examples in pools.items():
        if examples and sight not in enough:
            yield f"seen {sight}: {len(examples)} questions, too few: what ships is kept there"
    if _loss(after) > _loss(before):
        yield "of questions that had no part in the fit what ships tells more truly: better leave it as it is"


def _loss(columns: Columns) -> float:
    """Log loss of `covered` and of `probability`, answerable and unanswerable questions weighing half each."""
    weights = np.where(columns.answerable, 0.5 / columns.answerable.sum(), 0.5 / (~columns.answerable).sum())
    pairs = ((columns.covered, columns.answerable), (columns.probability, columns.right))
    return sum(float(weights @ -np.log(np.where(true, told, 1 - told).clip(1e-9))) for told, true in pairs)
