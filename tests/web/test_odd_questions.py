"""Questions that nobody should ask, through page and API, asking, embedder and index as they are in the product."""

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from httpx import Response
from starlette.testclient import TestClient

from assistant.answering.ask import Asking
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower
from knowledge.recordings import store as recordings
from knowledge.sentence_embedder import SentenceEmbedder
from tests.odd_questions import ODD
from tests.reading_engine import ReadingEngine
from tests.web.house import LINES, open_web_house, page_headers, spoken_segment
from web.app import create_app

LONGEST_S = 1.0
"""Of the processor, page and moments and all: no form of a question may hold up those of others."""
VERDICTS = {
    "en": ("Here is the answer", "Maybe one of these", "The recordings do not answer this"),
    "zh": ("答案在这里", "可能是其中之一", "录音里没有这个问题的答案"),
}
REFUSED = {"empty": "", "spaces": " \n\t ", "NUL": "\x00", "2,001 characters": "x" * 2001, "a book": "miss " * 2000}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, packaged_embedder: SentenceEmbedder) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("odd")
    house = open_web_house(folder)
    engine = ReadingEngine(packaged_embedder)
    recording_id = house.add_recording(playable=False)
    engine.make_findable(house.database, recording_id, [spoken_segment(*line) for line in LINES])
    index = IndexFollower(
        house.database,
        folder / "index",
        analyse=analyse,
        analysis_version=ANALYSIS_VERSION,
        embedder_digest=packaged_embedder.digest,
    )
    asking = Asking(house.database, engine, index)
    services = replace(house.services, asking=asking, engine=engine, engine_state=engine.state)
    gc.collect()
    gc.freeze()  # what other tests have left is no part of what a question takes
    with TestClient(create_app(services), base_url="http://127.0.0.1", headers=dict(page_headers())) as client:
        yield client
    gc.unfreeze()
    index.close()
    house.database.close()


@pytest.mark.parametrize("name", ODD)
def test_an_odd_question_gets_a_page_with_a_verdict_in_both_languages(browser: TestClient, name: str) -> None:
    for language, verdicts in VERDICTS.items():
        started_s = time.process_time()
        page = post(browser, ODD[name], language=language)

        assert time.process_time() - started_s < LONGEST_S
        assert page.status_code == 200
        assert sum(verdict in page.text for verdict in verdicts) == 1
        assert "<script>alert" not in page.text
        assert 'href="javascript:' not in page.text


@pytest.mark.parametrize("name", ODD)
def test_an_odd_question_gets_a_document_or_a_problem_that_says_why_not(browser: TestClient, name: str) -> None:
    started_s = time.process_time()
    reply = browser.post("/api/v1/questions", content=json.dumps({"text": ODD[name], "explain": True}))

    assert time.process_time() - started_s < LONGEST_S
    if name == "half a surrogate pair":
        assert reply.status_code == 400
        assert "Invalid JSON" in reply.json()["detail"]
        return
    assert reply.status_code == 200
    assert reply.json()["verdict"] in ("answered", "closest", "absent")


def test_nothing_odd_harmed_what_is_asked_next(browser: TestClient) -> None:
    for text in ODD.values():
        post(browser, text)
    answer = browser.post("/api/v1/questions", json={"text": "How do I report a near miss?"}).json()

    assert answer["hits"][0]["sentence"]["text"] == LINES[2][2]


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_and_far_too_much_are_refused_in_a_sentence_of_the_page(browser: TestClient, name: str) -> None:
    english, chinese = (post(browser, REFUSED[name], language=language) for language in VERDICTS)
    program = browser.post("/api/v1/questions", json={"text": REFUSED[name]})

    empty = not REFUSED[name].strip("\x00 \n\t")
    assert {english.status_code, chinese.status_code, program.status_code} == {400}
    assert ("the question is empty" if empty else "the question is longer than") in english.text
    assert ("问题是空的" if empty else "问题太长") in chinese.text
    assert "the question" not in chinese.text
    assert program.json()["detail"]


def test_a_course_without_recordings_gets_an_honest_no(browser: TestClient) -> None:
    services = browser.app.state.services  # type: ignore[attr-defined]
    with services.database.write() as session:
        empty = recordings.course_by_name(session, "Nothing yet", create=True).id

    page = browser.post("/ask", data={"text": "How do I report a near miss?", "course": empty})

    assert page.status_code == 200
    assert "The recordings do not answer this" in page.text
    assert "data-moments" not in page.text


def post(browser: TestClient, text: str, *, language: str = "en") -> Response:
    """As a browser sends a form, and as none would: half a surrogate pair goes as its three bytes."""
    headers = {"content-type": "application/x-www-form-urlencoded", "accept-language": language}
    return browser.post("/ask", content="text=" + quote(text.encode("utf-8", "surrogatepass")), headers=headers)
