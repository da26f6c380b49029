"""`earmark bench own` as a person runs it: what runs, a change beside it, and what is kept of both."""

import datetime as dt
from pathlib import Path

import pytest

from assistant.answering.ask import NOTE_WORDS_ALONE
from assistant.feedback.judging import judge
from assistant.feedback.tables import Judgement
from assistant.proof import runs
from assistant.proof.gathering import grow
from assistant.questions import log
from earmark.migrations import migrate
from knowledge.database import Database, utc_now
from knowledge.model_files import MINILM
from tests.assistant.questions.made_answers import kept
from tests.product.running import earmark
from tests.shelf import shelve

pytestmark = pytest.mark.slow

A_WEEK = dt.timedelta(days=7)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Found by words alone: nothing has vectors yet. One moment was confirmed."""
    home = tmp_path / "home"
    home.mkdir()
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    migrate(database, home)
    first = shelve(database, ["The heron drinks at noon.", "A near miss is told the same day."])
    shelve(database, ["The forklift is parked with its fork on the floor."])
    asked = kept(database, first.recording_id)
    found = log.get(database, asked)
    assert found is not None
    with database.write() as session:
        judge(session, found, Judgement.YES, rank=1, now=utc_now() - A_WEEK)
    assert grow(database, zone=dt.UTC, now=utc_now()) == 1
    database.close()
    return home


def kept_runs(home: Path) -> list[runs.ProofRun]:
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    with database.read() as session:
        found = runs.newest(session, limit=9)
    database.close()
    return found


def newest_live(home: Path) -> runs.ProofRun | None:
    database = Database(f"sqlite:///{home / 'earmark.db'}")
    with database.read() as session:
        found = runs.newest_live(session)
    database.close()
    return found


def test_what_runs_and_a_change_are_scored_on_the_same_questions(home: Path) -> None:
    told = earmark(home, "bench", "own", "--embedder", MINILM, "--keep", "a model")
    assert told.code == 0, told.err
    assert "1 questions that people confirmed a moment for" in told.out
    assert "1 were found by words and sounds alone" in told.out.split("with the change")[0]
    assert "words and sounds alone" not in told.out.split("with the change")[1]
    assert "right at 1: the same" in told.out
    assert "that may be the whole difference" in told.out
    assert "who drinks" not in told.out + told.err

    assert list((home / "run").glob("trial-*")) == [], "the copy it was tried on is gone"

    tried, live = kept_runs(home)
    assert (tried.label, tried.trial, live.label, live.trial) == ("a model", True, "a model: before", False)
    assert tried.configuration["passages"] == live.configuration["passages"] == 3
    assert tried.report["right at 1"]["value"] == 1
    assert live.report["notes"] == {NOTE_WORDS_ALONE: 1}
    assert newest_live(home) is None, "what was found by words alone is not the score of what runs"
    assert tried.report["against"] == {}, "nor what a change is measured against"
    questions = earmark(home, "bench", "own", "--json").json
    assert (questions["questions"], questions["right at 1"]["value"]) == (1, 1.0)
    assert len(kept_runs(home)) == 2, "nothing is kept unasked"


def test_where_nobody_confirmed_anything_it_says_so(tmp_path: Path) -> None:
    told = earmark(tmp_path / "home", "bench", "own")
    assert told.code == 0
    assert "nobody has confirmed a moment yet" in told.out
    assert earmark(tmp_path / "home", "bench", "own", "--json").json == {"questions": 0, "gone": 0}


def test_a_change_that_is_no_model_is_refused_and_nothing_is_kept(home: Path, tmp_path: Path) -> None:
    told = earmark(home, "bench", "own", "--embedder", tmp_path / "nowhere", "--keep", "x")
    assert told.code == 2
    assert "neither a model folder nor a packaged model" in told.err
    assert kept_runs(home) == []
