"""Scoring the company's own test set, keeping what came out, and doing so by itself."""

import datetime as dt
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import func, select

from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.engine.client import EngineClient, ModelState
from assistant.proof import runs
from assistant.proof.own_set import OwnSet, ProofQuestion, own_set
from assistant.proof.runs import ProofRun
from earmark import __version__
from earmark.bench.outcomes import Outcome
from earmark.bench.own import WORSE_FINDING, OwnReport, Ranks, compared, in_words, outcome_of, report_of
from indexer.embed import ready_embedder
from knowledge.database import Database, new_id, utc_now
from knowledge.finding.analysis import ANALYSIS_VERSION
from knowledge.passages import store as passages
from knowledge.passages.tables import PassageRow
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.segment import UNDETERMINED

BY_ITSELF = "by itself"
"""The label of what a worker scored."""
AGAIN_AFTER = dt.timedelta(days=7)
TRIED_AGAIN_AFTER = dt.timedelta(days=1)
"""Where too much was late for a run to count: a machine that is too slow today is so in an hour, too."""
AT_ONCE = 5
"""Questions a round: a job that comes waits no longer than these take."""
PAUSES_S = (600.0, 1800.0, 5400.0)
"""Before what was late is asked once more, again, and for the last time: a busy hour passes, a slow machine stays."""
_LOG = structlog.get_logger()


def ask_for_proof(asking: Asking, question: ProofQuestion) -> Answer:
    """As the page asks, in all courses, with nothing kept.

    The one place where a question of the test set is asked: what is answered from confirmed moments and by trainers
    must stay out of it, else the set would find itself.
    """
    language = None if question.language == UNDETERMINED else question.language
    return asking.text(question.text, language=language, log=False, known=False)


def read_own_set(database: Database) -> OwnSet:
    with database.read() as session:
        return own_set(session)


def configuration_of(database: Database, engine: EngineClient) -> dict[str, Any]:
    """What runs, by name and digest. Raises PartDown where the embedder is not ready: its digest is not known then."""
    state = engine.state()
    ready_embedder(engine)
    with database.read() as session:
        published = select(func.count()).select_from(PassageRow).join(RecordingRow).where(passages.is_published())
        count = session.scalar(published) or 0
    return {
        "version": __version__,
        "analysis": ANALYSIS_VERSION,
        "recogniser": _named(state.recogniser),
        "embedder": _named(state.embedder),
        "reranker": _named(state.reranker),
        "passages": count,
    }


def keep_run(
    database: Database,
    report: OwnReport,
    configuration: Mapping[str, Any],
    *,
    label: str,
    against: OwnReport | None = None,
) -> ProofRun:
    """Keep what was scored, with what changed since the newest of what runs; a trial is compared `against` what
    runs now. What does not count is compared with nothing."""
    with database.read() as session:
        before = runs.newest_live(session) if against is None else None
    changes = compared(_ranks_to_compare(before, against), report.ranks) if report.counts else ()
    told = {each.name: {**each.as_document(), "in_words": in_words(each)} for each in changes}
    changed = runs.changed(before.configuration, configuration) if before is not None else []
    run = ProofRun(
        id=new_id(),
        made_at=utc_now(),
        label=label,
        trial=against is not None,
        configuration=configuration,
        questions=len(report.outcomes),
        lacking=report.lacking,
        report={**report.as_document(), "against": told, "changed": changed},
    )
    with database.write() as session:
        runs.keep(session, run)
    return run


@dataclass(slots=True)
class _Going:
    """A run under way, by ids alone: what is deleted meanwhile is not asked any more.

    `less`: of what was found with less than it should be, the notes. `asked_again`: how often that was.
    `not_before_s`: of the clock.
    """

    configuration: Mapping[str, Any]
    left: deque[str]
    gone: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    less: dict[str, frozenset[str]] = field(default_factory=dict)
    asked_again: int = 0
    not_before_s: float = float("-inf")

    def answered(self, question: ProofQuestion, answer: Answer) -> None:
        self.left.remove(question.id)
        self.outcomes[question.id] = outcome_of(question, answer)
        self.less.pop(question.id, None)
        if notes := frozenset(answer.notes) & WORSE_FINDING.keys():
            self.less[question.id] = notes

    def not_there(self, question_id: str) -> None:
        self.left.remove(question_id)
        self.outcomes.pop(question_id, None)
        self.less.pop(question_id, None)

    def begin_again(self, now_s: float) -> bool:
        """With what was found with less, after a pause; False where there is none of it, or it was enough."""
        if not self.less or self.asked_again == len(PAUSES_S):
            return False
        self.left.extend(self.less)
        self.not_before_s = now_s + PAUSES_S[self.asked_again]
        self.asked_again += 1
        return True

    def report(self) -> OwnReport:
        notes = Counter(note for each in self.less.values() for note in each)
        return report_of(list(self.outcomes.values()), gone=self.gone, notes=notes)


class Prover:
    """Scores what runs each week, and when what runs is another than before; a few questions a round, so that a worker
    has time for jobs. What a kill interrupts is begun again.

    A question that was found with less than it should be, since a part was late, is asked again after a pause, a few
    times; then the run is kept with what is known, and says how many such answers it holds.
    """

    def __init__(
        self,
        database: Database,
        engine: EngineClient,
        asking: Asking,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: seconds from any moment."""
        self._database = database
        self._engine = engine
        self._asking = asking
        self._clock = clock
        self._going: _Going | None = None

    def __call__(self) -> bool:
        """Whether there is more to do at once. Raises PartDown where the embedder is away."""
        self._going = going = self._going or self._begin()
        if going is None or self._clock() < going.not_before_s:
            return False
        if going.left:
            self._ask_some(going)
            if going.left:
                return True
            if going.begin_again(self._clock()):
                _LOG.info("some of the company's own questions are asked again", questions=len(going.left))
                return False
        self._end(going)
        self._going = None
        return False

    def _begin(self) -> _Going | None:
        found = read_own_set(self._database)
        if not found.questions:
            return None
        configuration = configuration_of(self._database, self._engine)
        if not self._is_due(configuration):
            return None
        return _Going(configuration, deque(each.id for each in found.questions), found.gone)

    def _ask_some(self, going: _Going) -> None:
        ready_embedder(self._engine)  # without it all would be found with less: what is left waits for it
        ids = list(islice(going.left, AT_ONCE))
        with self._database.read() as session:
            found = own_set(session, only=ids)
        going.gone += found.gone
        there = {each.id: each for each in found.questions}
        for key in ids:
            if question := there.get(key):
                going.answered(question, ask_for_proof(self._asking, question))
            else:
                going.not_there(key)

    def _end(self, going: _Going) -> None:
        now = configuration_of(self._database, self._engine)
        same = runs.digest_of(now) == runs.digest_of(going.configuration)
        # What was half one thing and half another says nothing of either.
        if not same or not going.outcomes or not self._is_due(now):
            _LOG.info("the score on the company's own questions was put off")
            return
        report = going.report()
        run = keep_run(self._database, report, now, label=BY_ITSELF)
        right_1 = round(report.right[0], 3)
        _LOG.info("scored the company's own questions", questions=run.questions, right_1=right_1, notes=report.notes)

    def _is_due(self, configuration: Mapping[str, Any]) -> bool:
        with self._database.read() as session:
            last, tried = runs.newest_live(session), runs.newest_under(session, BY_ITSELF)
        now, digest = utc_now(), runs.digest_of(configuration)
        return not (_is_fresh(last, digest, now, AGAIN_AFTER) or _is_fresh(tried, digest, now, TRIED_AGAIN_AFTER))


def _is_fresh(run: ProofRun | None, digest: str, now: dt.datetime, age: dt.timedelta) -> bool:
    return run is not None and now - run.made_at < age and runs.digest_of(run.configuration) == digest


def _ranks_to_compare(before: ProofRun | None, against: OwnReport | None) -> Ranks:
    """None of them where there is nothing that counts."""
    if against is not None:
        return against.ranks if against.counts else {}
    ranks: Ranks = before.report["ranks"] if before is not None else {}
    return ranks


def _named(model: ModelState | None) -> dict[str, str] | None:
    return None if model is None else {"name": model.name, "digest": model.digest}
