"""Scoring the company's own test set, keeping what came out, and doing so by itself."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import func, select

from assistant.answering.answer import Answer
from assistant.answering.ask import Asking
from assistant.engine.client import EngineClient, ModelState
from assistant.proof import runs
from assistant.proof.own_set import OwnSet, ProofQuestion, own_set
from assistant.proof.runs import ProofRun
from assistant.topics.week import Week
from earmark import __version__
from earmark.bench.outcomes import Outcome
from earmark.bench.own import WORSE_FINDING, OwnReport, Ranks, compared, in_words, outcome_of, report_of
from indexer.embed import ready_embedder
from knowledge.database import Database, utc_now
from knowledge.finding.analysis import ANALYSIS_VERSION
from knowledge.passages import store as passages
from knowledge.passages.tables import PassageRow
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.segment import UNDETERMINED

BY_ITSELF = "by itself"
"""The label of what a worker scored."""
AGAIN_AFTER = dt.timedelta(days=7)
AT_ONCE = 5
"""Questions a round: a job that comes waits no longer than these take."""
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
    zone: dt.tzinfo,
    against: Ranks | None = None,
) -> ProofRun:
    """Keep what was scored, with what changed since the newest of what runs; a trial is compared `against` what
    runs now."""
    now = utc_now()
    with database.read() as session:
        before = runs.newest_live(session) if against is None else None
    ranks = before.report["ranks"] if before is not None else against
    changes = compared(ranks, report.ranks) if ranks is not None else ()
    told = {each.name: {**each.as_document(), "in_words": in_words(each)} for each in changes}
    changed = runs.changed(before.configuration, configuration) if before is not None else []
    run = runs.new_run(
        now,
        week=str(Week.of(now, zone)),
        label=label,
        trial=against is not None,
        configuration=configuration,
        questions=len(report.outcomes),
        right=report.right,
        report={**report.as_document(), "against": told, "changed": changed},
    )
    with database.write() as session:
        runs.keep(session, run)
    return run


class Prover:
    """Scores what runs each week, and when what runs is another than before; a few questions a round, so that a worker
    has time for jobs. What a kill interrupts is begun again."""

    def __init__(self, database: Database, engine: EngineClient, asking: Asking, *, zone: dt.tzinfo) -> None:
        self._database = database
        self._engine = engine
        self._asking = asking
        self._zone = zone
        self._configuration: dict[str, Any] = {}
        self._left: list[ProofQuestion] = []
        self._outcomes: list[Outcome] = []
        self._notes: dict[str, int] = {}
        self._gone = 0

    def __call__(self) -> bool:
        """Whether there is more to do at once. Raises PartDown where the embedder is away."""
        if not self._left and not self._begin():
            return False
        for question in self._left[:AT_ONCE]:
            answer = ask_for_proof(self._asking, question)
            self._outcomes.append(outcome_of(question, answer))
            for note in set(answer.notes) & WORSE_FINDING.keys():
                self._notes[note] = self._notes.get(note, 0) + 1
        self._left = self._left[AT_ONCE:]
        if self._left:
            return True
        self._end()
        return False

    def _begin(self) -> bool:
        found = read_own_set(self._database)
        if not found.questions:
            return False
        configuration = configuration_of(self._database, self._engine)
        if not self._is_due(configuration):
            return False
        self._configuration, self._left, self._gone = configuration, list(found.questions), found.gone
        self._outcomes, self._notes = [], {}
        return True

    def _end(self) -> None:
        now = configuration_of(self._database, self._engine)
        same = runs.digest_of(now) == runs.digest_of(self._configuration)
        # What was half one thing and half another, or found without a part of it, says nothing of either.
        if not same or self._notes or not self._is_due(now):
            _LOG.info("the score on the company's own questions was put off", notes=self._notes)
            return
        report = report_of(self._outcomes, gone=self._gone, notes=self._notes)
        run = keep_run(self._database, report, now, label=BY_ITSELF, zone=self._zone)
        _LOG.info("scored the company's own questions", questions=run.questions, right_1=round(run.right[0], 3))

    def _is_due(self, configuration: Mapping[str, Any]) -> bool:
        with self._database.read() as session:
            last = runs.newest_live(session)
        if last is None or utc_now() - last.made_at >= AGAIN_AFTER:
            return True
        return runs.digest_of(last.configuration) != runs.digest_of(configuration)


def _named(model: ModelState | None) -> dict[str, str] | None:
    return None if model is None else {"name": model.name, "digest": model.digest}
