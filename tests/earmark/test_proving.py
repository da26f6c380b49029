"""The company's own questions scored by a worker: when it is time, a few at once, what was late once more."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from assistant.answering.answer import Answer
from assistant.answering.ask import NOTE_NOT_RERANKED, NOTE_WORDS_ALONE
from assistant.engine.client import EngineState
from assistant.errors import EmbedderDown
from assistant.feedback.judging import judge
from assistant.feedback.tables import Judgement
from assistant.proof import runs
from assistant.proof.gathering import grow
from assistant.proof.own_set import own_set
from assistant.proof.runs import ProofRun
from assistant.proof.tables import ProofRunRow
from assistant.questions import log
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from earmark.bench.own import ask_own
from earmark.proving import (
    AGAIN_AFTER,
    AT_ONCE,
    BY_ITSELF,
    PAUSES_S,
    TRIED_AGAIN_AFTER,
    Prover,
    configuration_of,
    keep_run,
    read_own_set,
)
from indexer.housekeeping import HouseKeeper
from indexer.services import Services
from knowledge.database import Database, utc_now
from tests.assistant.questions.made_answers import answer_from
from tests.shelf import shelve
from tests.web.house import ScriptedEngine, trial_state


@dataclass
class ManualClock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Asking:
    """Answers everything with one recording; what it was asked, and whether any trace or memory was wanted."""

    recording_id: str
    notes: tuple[str, ...] = ()
    asked: list[tuple[str, bool]] = field(default_factory=list)
    late: Callable[[str], bool] = field(default=lambda _text: True)
    """Which questions get the notes."""
    fails_at: int | None = None
    """Which of what it is asked finds nobody there, counted from 1."""

    def text(self, text: str, *, language: str | None = None, log: bool = True, known: bool = True) -> Answer:
        self.asked.append((text, log or known))
        if len(self.asked) == self.fails_at:
            raise EmbedderDown("the embedder is away", "")
        return replace(answer_from(self.recording_id), notes=self.notes if self.late(text) else ())

    def times(self, text: str) -> int:
        return sum(each == text for each, _ in self.asked)


@dataclass
class Proving:
    database: Database
    asking: Asking
    engine: ScriptedEngine
    prove: Prover
    clock: ManualClock

    def runs(self) -> list[ProofRun]:
        with self.database.read() as session:
            return runs.newest(session, limit=9)

    def until_done(self) -> int:
        """How many rounds."""
        rounds = 1
        while self.prove():
            rounds += 1
        return rounds

    def after_all_pauses(self) -> None:
        self.until_done()
        for pause_s in PAUSES_S:
            self.clock.seconds += pause_s
            self.until_done()

    def another_embedder(self) -> None:
        state: EngineState = trial_state()
        self.engine.now = replace(state, embedder=replace(state.embedder, digest="c" * 64))


QUESTIONS = AT_ONCE + 2


@pytest.fixture
def proving(databases: Database) -> Proving:
    recording = shelve(databases, ["the heron drinks"], digest=trial_state().embedder.digest).recording_id
    for number in range(QUESTIONS):
        answer = answer_from(recording)
        answer = replace(answer, question=replace(answer.question, text=f"who drinks {number}"))
        with databases.write() as session:
            log.record(session, answer, spoken=False, asker="me")
        found = log.get(databases, answer.id)
        assert found is not None
        with databases.write() as session:
            judge(session, found, Judgement.YES, rank=1, now=utc_now() - dt.timedelta(days=8))
    assert grow(databases, zone=dt.UTC, now=utc_now()) == QUESTIONS
    asking, engine, clock = Asking(recording), ScriptedEngine(trial_state()), ManualClock()
    prover = Prover(databases, engine, asking, clock=clock)  # type: ignore[arg-type]
    return Proving(databases, asking, engine, prover, clock)


def test_everything_is_asked_a_few_a_round_with_nothing_kept_of_it(proving: Proving) -> None:
    assert proving.until_done() == 2
    assert sorted(proving.asking.asked) == [(f"who drinks {number}", False) for number in range(QUESTIONS)]
    [run] = proving.runs()
    assert (run.label, run.trial, run.questions, run.report["right at 5"]["value"]) == (BY_ITSELF, False, QUESTIONS, 1)
    assert "who drinks" not in str(run.report)


def test_it_is_done_again_after_a_week_or_a_change_and_not_before(proving: Proving) -> None:
    proving.until_done()
    assert proving.until_done() == 1
    assert len(proving.runs()) == 1
    proving.another_embedder()
    proving.asking.recording_id = "x"
    proving.until_done()
    newest, _ = proving.runs()
    assert newest.report["changed"] == ["embedder"]
    assert newest.report["against"]["right at 1"]["worse"] == QUESTIONS
    with proving.database.write() as session:
        session.execute(update(ProofRunRow).values(made_at=utc_now() - AGAIN_AFTER))
    proving.until_done()
    assert len(proving.runs()) == 3
    assert proving.runs()[0].report["changed"] == []


def test_what_was_found_across_a_change_is_not_kept(proving: Proving) -> None:
    assert proving.prove()
    proving.another_embedder()
    assert not proving.prove()
    assert proving.runs() == []


def test_a_question_that_was_late_once_is_asked_again_alone_and_the_run_is_whole(proving: Proving) -> None:
    proving.asking.notes, proving.asking.late = (NOTE_NOT_RERANKED,), "who drinks 3".__eq__
    proving.until_done()
    proving.until_done()
    assert (proving.runs(), len(proving.asking.asked)) == ([], QUESTIONS), "it waits first"
    proving.asking.notes = ()
    proving.clock.seconds += PAUSES_S[0]
    proving.until_done()
    [run] = proving.runs()
    assert (run.questions, run.report["notes"]) == (QUESTIONS, {})
    assert (len(proving.asking.asked), proving.asking.times("who drinks 3")) == (QUESTIONS + 1, 2)


def test_a_question_that_is_always_late_is_kept_with_its_note_after_a_few_times(proving: Proving) -> None:
    proving.asking.notes, proving.asking.late = (NOTE_NOT_RERANKED,), "who drinks 3".__eq__
    proving.after_all_pauses()
    [run] = proving.runs()
    assert (run.questions, run.report["notes"]) == (QUESTIONS, {NOTE_NOT_RERANKED: 1})
    assert len(proving.asking.asked) == QUESTIONS + len(PAUSES_S)
    proving.clock.seconds += 86_000
    proving.until_done()
    assert len(proving.asking.asked) == QUESTIONS + len(PAUSES_S), "nothing is asked without end"


def test_what_lacked_too_much_is_tried_again_the_next_day_or_after_a_change(proving: Proving) -> None:
    proving.asking.notes = (NOTE_WORDS_ALONE,)
    proving.after_all_pauses()
    asked = len(proving.asking.asked)
    proving.until_done()
    assert (len(proving.runs()), len(proving.asking.asked)) == (1, asked)
    proving.another_embedder()
    proving.asking.notes = ()
    proving.until_done()
    assert proving.runs()[0].report["against"] == {}, "what lacked so much is no baseline"
    with proving.database.write() as session:
        newest = session.get_one(ProofRunRow, proving.runs()[0].id)
        newest.lacking, newest.made_at = 1, utc_now() - TRIED_AGAIN_AFTER
    proving.until_done()
    assert len(proving.runs()) == 3


def test_what_somebody_kept_with_too_much_lacking_holds_up_no_worker(proving: Proving) -> None:
    questions = read_own_set(proving.database)
    proving.asking.notes = (NOTE_WORDS_ALONE,)
    lacking = ask_own(questions, lambda each: proving.asking.text(each.text))
    configuration = configuration_of(proving.database, proving.engine)  # type: ignore[arg-type]
    keep_run(proving.database, lacking, configuration, label="by hand")
    proving.asking.notes = ()
    proving.until_done()
    assert [run.label for run in proving.runs()] == [BY_ITSELF, "by hand"]


def test_a_round_that_breaks_off_counts_each_question_once(proving: Proving) -> None:
    proving.asking.fails_at = 4
    with pytest.raises(EmbedderDown):
        proving.prove()
    proving.until_done()
    [run] = proving.runs()
    assert run.questions == QUESTIONS
    assert len(proving.asking.asked) == QUESTIONS + 1


def test_what_is_deleted_before_it_is_asked_again_is_in_no_run(proving: Proving) -> None:
    proving.asking.notes, proving.asking.late = (NOTE_WORDS_ALONE,), "who drinks 3".__eq__
    proving.until_done()
    with proving.database.write() as session:
        asked = session.scalars(select(QuestionRow.id).where(QuestionRow.text == "who drinks 3")).one()
        log.delete_questions(session, [asked])
    proving.clock.seconds += PAUSES_S[0]
    proving.until_done()
    [run] = proving.runs()
    assert (run.questions, run.report["notes"]) == (QUESTIONS - 1, {})
    assert proving.asking.times("who drinks 3") == 1


def test_while_the_embedder_is_away_what_is_left_waits(proving: Proving) -> None:
    assert proving.prove()
    there = proving.engine.now
    assert isinstance(there, EngineState)
    proving.engine.now = replace(there, embedder=replace(there.embedder, state="loading"))
    with pytest.raises(EmbedderDown):
        proving.prove()
    assert len(proving.asking.asked) == AT_ONCE
    proving.engine.now = there
    proving.until_done()
    assert proving.runs()[0].questions == QUESTIONS


def test_while_the_embedder_is_away_it_waits(proving: Proving) -> None:
    state = trial_state()
    proving.engine.now = replace(state, embedder=replace(state.embedder, state="loading"))
    with pytest.raises(EmbedderDown):
        proving.prove()
    assert proving.asking.asked == []


def test_a_worker_does_it_while_nothing_else_is_to_be_done(proving: Proving, tmp_path: Path) -> None:
    with proving.database.write() as session:  # what has no vector yet would go first
        digest = proving.engine.state().embedder.digest
        for question_id in session.scalars(select(QuestionRow.id)).all():
            session.add(QuestionVectorRow(question_id=question_id, digest=digest, vector=b""))
    services = Services(database=proving.database, home=tmp_path, engine=proving.engine, prove=proving.prove)
    keeper = HouseKeeper(services)
    assert not keeper.keep(idle=False)
    assert proving.asking.asked == []
    assert keeper.keep(idle=True), "there is more to do at once"
    keeper.keep(idle=True)
    keeper.leave()
    assert len(proving.runs()) == 1


def test_a_worker_lets_the_set_grow(databases: Database, tmp_path: Path) -> None:
    recording = shelve(databases, ["the heron drinks"]).recording_id
    answer = answer_from(recording)
    with databases.write() as session:
        log.record(session, answer, spoken=False, asker="me")
    found = log.get(databases, answer.id)
    assert found is not None
    with databases.write() as session:
        judge(session, found, Judgement.YES, rank=1, now=utc_now() - dt.timedelta(days=8))
    keeper = HouseKeeper(Services(database=databases, home=tmp_path, engine=ScriptedEngine(trial_state())))
    keeper.keep(idle=False)
    keeper.leave()
    assert grow(databases, zone=dt.UTC, now=utc_now()) == 0
    with databases.read() as session:
        assert len(own_set(session).questions) == 1
