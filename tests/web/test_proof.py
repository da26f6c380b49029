"""The page of the company's own test set: figures for trainers and admins, and no word of a question."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.testclient import TestClient

from assistant.answering.ask import NOTE_NOT_RERANKED, NOTE_WORDS_ALONE
from assistant.proof import runs
from assistant.proof.own_set import ProofQuestion
from assistant.proof.tables import ProofQuestionRow, ProofSource
from earmark.bench.own import OwnReport, outcome_of, report_of
from earmark.proving import keep_run
from knowledge.database import Database, new_id, utc_now
from tests.assistant.questions.made_answers import answer_from, kept
from tests.web.house import WebHouse

SECRET = "who drinks"
"""What `kept` asks."""
CONFIGURATION = {"embedder": {"name": "small one", "digest": "a"}, "reranker": None, "passages": 4}


def reported(right: int, of: int, *, language: str = "en", notes: Mapping[str, int] | None = None) -> OwnReport:
    questions = [
        ProofQuestion(f"q{number}", SECRET, language, ProofSource.CONFIRMED, "r", 0.0, 1.0) for number in range(of)
    ]
    outcomes = [outcome_of(each, answer_from("r" if at < right else "x")) for at, each in enumerate(questions)]
    return report_of(outcomes, gone=2, notes=notes or {})


def keep(database: Database, report: OwnReport, label: str, **more: object) -> None:
    keep_run(database, report, CONFIGURATION | more, label=label)


def test_before_anything_was_confirmed_the_page_says_what_will_come(browser: TestClient) -> None:
    page = browser.get("/proof").text
    assert "Nobody has confirmed a moment yet" in page
    assert "earmark bench own --embedder FOLDER" in page


def test_the_page_shows_figures_changes_and_weeks_and_no_word(house: WebHouse, browser: TestClient) -> None:
    recording = house.add_recording()
    asked = kept(house.database, recording)
    with house.database.write() as session:
        row = {"recording_id": recording, "start_s": 1.0, "end_s": 2.0, "week": "2026-W46", "made_at": utc_now()}
        session.add(ProofQuestionRow(id=new_id(), question_id=asked, source=ProofSource.CONFIRMED, **row))
    assert "Nothing was scored yet" in browser.get("/proof").text
    keep(house.database, reported(10, 40), "first")
    keep(house.database, reported(40, 40), "<b>second</b>", embedder={"name": "large one", "digest": "b"})
    page = browser.get("/proof").text
    assert "100% are found at the first place" in page
    assert "40 questions, asked again on" in page
    assert "2 more are left out" in page
    assert "▲ likely better" in page
    assert "+75.0" in page
    assert "changed: embedder" in " ".join(page.split())
    assert "&lt;b&gt;second&lt;/b&gt;" in page
    assert "2026-W46" in page
    assert SECRET not in page


def test_of_few_questions_little_is_said_and_nothing_by_group(house: WebHouse, browser: TestClient) -> None:
    keep(house.database, report_of([*reported(2, 3).outcomes, *_other_language(2)], gone=0, notes={}), "few")
    page = browser.get("/proof").text
    assert "So few questions say little" in page
    assert "German" not in page


def _other_language(count: int) -> list[object]:
    return [replace(each, id=f"d{each.id}") for each in reported(count, count, language="de").outcomes]


def test_a_run_says_what_was_found_with_less_than_it_should_be(house: WebHouse, browser: TestClient) -> None:
    keep(house.database, reported(10, 40, notes={NOTE_NOT_RERANKED: 3, NOTE_WORDS_ALONE: 2}), "slow")
    page = browser.get("/proof").text
    assert "3 of 40 were answered without the reranker" in page
    assert "2 of 40 were answered by words and sounds alone" in page
    assert "No score so far says how good what runs is" in page
    keep(house.database, reported(20, 200, notes={NOTE_NOT_RERANKED: 2}), "two late")
    page = browser.get("/proof").text
    assert "10% are found at the first place" in page
    assert page.count("2 of 200 were answered without the reranker") == 2, "with the score, and in its row"


def test_what_lacked_too_much_is_no_score_and_nothing_is_compared_with_it(house: WebHouse, browser: TestClient) -> None:
    whole, lacking = reported(20, 40), reported(0, 40, notes={NOTE_WORDS_ALONE: 1})
    keep(house.database, whole, "whole")
    keep(house.database, lacking, "lacking")
    keep_run(house.database, whole, CONFIGURATION, label="tried", against=lacking)
    assert "50% are found at the first place" in browser.get("/proof").text
    with house.database.read() as session:
        last, (tried, kept_lacking, _whole) = runs.newest_live(session), runs.newest(session, limit=3)
    assert last is not None
    assert last.label == "whole"
    assert (tried.report["against"], kept_lacking.report["against"]) == ({}, {})


def test_a_trial_is_told_apart_and_never_the_score_of_what_runs(house: WebHouse, browser: TestClient) -> None:
    live = reported(20, 40)
    keep(house.database, live, "before")
    keep_run(house.database, reported(40, 40), CONFIGURATION, label="tried", against=live)
    page = browser.get("/proof").text
    assert "50% are found at the first place" in page
    assert "tried, not on" in page
    with house.database.read() as session:
        last = runs.newest_live(session)
    assert last is not None
    assert last.label == "before"
