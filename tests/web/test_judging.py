"""Was this it? Said on the answer's page, by its asker alone, with scripts and without."""

import re

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from assistant.access.caller import Scope
from assistant.courses.removing import remove_recording
from assistant.feedback.tables import FeedbackRow
from assistant.questions import log
from knowledge.finding.moment import Verdict
from tests.web.house import LINES, WebHouse
from tests.web.people import add_person, close_course, program_of, signed_in, with_sign_in


def asked(browser: TestClient, text: str = "near miss") -> str:
    return browser.post("/ask", data={"text": text}, follow_redirects=False).headers["location"]


@pytest.fixture
def taught(house: WebHouse) -> list[str]:
    """Two recordings that answer; their ids."""
    recordings = [house.add_recording(), house.add_recording(name="toolbox talk.wav", duration_s=29)]
    for each in recordings:
        house.answer_with("near miss", each)
    return recordings


def rows(house: WebHouse) -> list[tuple[str, str | None]]:
    with house.database.read() as session:
        return [(row.kind.value, row.recording_id) for row in session.scalars(select(FeedbackRow))]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", "<" + page.split('id="judgement"')[1].split("</form>")[0]).split())


def test_yes_is_kept_with_its_moment_and_shown_when_the_answer_is_opened_later(
    house: WebHouse, browser: TestClient, taught: list[str]
) -> None:
    address = asked(browser)
    assert "Was this it?" in browser.get(address).text
    reply = browser.post(f"{address}/judgement", data={"said": "yes", "rank": "2"}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, f"{address}#judgement")
    assert rows(house) == [("yes", taught[1])]
    page = browser.get(address).text
    assert text_of(page) == "Thank you. 0:10 was it: toolbox talk Undo"
    assert page.count('aria-pressed="true"') == 1

    browser.post(f"{address}/judgement", data={"said": "nothing"})
    assert rows(house) == []
    assert "Was this it?" in browser.get(address).text


def test_none_of_it_is_kept_without_a_moment(house: WebHouse, browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    browser.post(f"{address}/judgement", data={"said": "no", "rank": "1"})
    assert rows(house) == [("no", None)]
    assert "trainers see the question, without your name" in browser.get(address).text


def test_a_script_gets_the_line_and_every_moments_button(browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    reply = browser.post(f"{address}/judgement", data={"said": "yes", "rank": "1"}, headers={"hx-request": "true"})
    assert reply.status_code == 200
    assert "<html" not in reply.text
    assert reply.text.count('hx-swap-oob="true"') == 2
    assert text_of(reply.text).startswith("Thank you.")


def test_it_is_said_in_chinese(browser: TestClient, taught: list[str]) -> None:
    browser.post("/language", data={"language": "zh", "back": "/"})
    address = asked(browser)
    assert "是这个吗" in browser.get(address).text
    browser.post(f"{address}/judgement", data={"said": "no"})
    assert "谢谢" in browser.get(address).text


@pytest.mark.parametrize("form", [{}, {"said": "maybe"}, {"said": "yes"}, {"said": "yes", "rank": "9"}])
@pytest.mark.parametrize("rank", ["0", "-1", "x", "²", "1" * 5000])
def test_what_cannot_be_meant_is_refused(
    house: WebHouse, browser: TestClient, taught: list[str], form: dict[str, str], rank: str
) -> None:
    address = asked(browser)
    assert browser.post(f"{address}/judgement", data={"rank": rank} | form).status_code == 400
    assert rows(house) == []


@pytest.mark.parametrize("way", ["judgement", "played"])
def test_nobody_judges_anothers_answer(
    house: WebHouse, browser: TestClient, other_browser: TestClient, taught: list[str], way: str
) -> None:
    address = asked(browser)
    assert other_browser.post(f"{address}/{way}", data={"said": "yes", "rank": "1"}).status_code == 404
    assert rows(house) == []


def test_a_removed_moment_is_told_and_nothing_is_kept(house: WebHouse, browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    remove_recording(house.database, taught[0])
    for way in ("judgement", "played"):
        reply = browser.post(f"{address}/{way}", data={"said": "yes", "rank": "1"}, headers={"hx-request": "true"})
        assert reply.status_code == 400
        assert "this moment is not part of the answer any more" in reply.text
    assert rows(house) == []
    browser.post(f"{address}/judgement", data={"said": "yes", "rank": "2"})
    assert rows(house) == [("yes", taught[1])], "what moved up keeps its own number"


def test_a_moment_that_was_it_and_is_gone_is_not_shown(house: WebHouse, browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    browser.post(f"{address}/judgement", data={"said": "yes", "rank": "1"})
    remove_recording(house.database, taught[0])
    with house.database.write() as session:
        log.forget_recording(session, [address.split("/")[-1]], taught[0])
    page = browser.get(address).text
    assert text_of(page) == "Thank you. The moment that was it is gone by now. Undo"
    assert 'aria-pressed="true"' not in page


def test_what_was_said_of_moments_that_are_all_gone_is_taken_back_and_not_asked_again(
    house: WebHouse, browser: TestClient, taught: list[str]
) -> None:
    address = asked(browser)
    browser.post(f"{address}/judgement", data={"said": "no"})
    for each in taught:
        remove_recording(house.database, each)
    reply = browser.post(f"{address}/judgement", data={"said": "nothing"}, headers={"hx-request": "true"})
    assert (reply.status_code, text_of(reply.text)) == (200, "")
    assert rows(house) == []


def test_what_was_heard_to_its_end_is_kept_once(house: WebHouse, browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    for rank in ("1", "1", "2"):
        reply = browser.post(f"{address}/played", data={"rank": rank})
        assert (reply.status_code, reply.content) == (204, b"")
    assert rows(house) == [("played", taught[0])]


def test_an_answer_without_moments_asks_nothing_and_a_folded_one_asks_inside(
    house: WebHouse, browser: TestClient
) -> None:
    assert 'id="judgement"' not in browser.get(asked(browser, "something else")).text
    house.answer_with("pallet", house.add_recording(), LINES[1], verdict=Verdict.ABSENT)
    page = browser.get(asked(browser, "pallet")).text
    before = page.split('class="nearest"')[1].split('id="judgement"')[0]
    assert before.count("<details") == before.count("</details>"), "it stands in what is folded away"


def test_ones_own_file_has_what_one_said_without_moments_that_are_closed_by_now(house: WebHouse) -> None:
    company = with_sign_in(house)
    recording = company.add_recording(course="Pricing")
    company.answer_with("near miss", recording)
    browser = signed_in(company, add_person(company, "Anna"))
    address = asked(browser)
    browser.post(f"{address}/judgement", data={"said": "yes", "rank": "1"})
    [said] = browser.get("/me/data.json").json()["questions"][0]["judgements"]
    assert (said["kind"], said["recording_id"], said["start_s"]) == ("yes", recording, 10.0)
    close_course(company, "Pricing")
    [said] = browser.get("/me/data.json").json()["questions"][0]["judgements"]
    assert set(said) == {"kind", "at"}


def test_judgements_are_counted_by_kind_alone(browser: TestClient, taught: list[str]) -> None:
    address = asked(browser)
    browser.post(f"{address}/judgement", data={"said": "yes", "rank": "1"})
    browser.post(f"{address}/judgement", data={"said": "nothing"})
    browser.post(f"{address}/judgement", data={"said": "yes", "rank": "7"})
    told = browser.get("/metrics").text
    assert 'earmark_judgements_total{said="yes"} 1.0' in told
    assert 'earmark_judgements_total{said="nothing"} 1.0' in told


class TestByProgram:
    def test_whoever_asked_by_a_key_judges_by_it(self, house: WebHouse, taught: list[str]) -> None:
        company = with_sign_in(house)
        anna, bert = (program_of(company, add_person(company, name), Scope.ASK) for name in ("Anna", "Bert"))
        question = anna.post("/api/v1/questions", json={"text": "near miss"}).json()["id"]
        path = f"/api/v1/questions/{question}/judgement"
        reply = anna.post(path, json={"said": "yes", "rank": 2})
        assert (reply.status_code, reply.json()) == (200, {"said": "yes", "rank": 2})
        assert rows(house) == [("yes", taught[1])]
        assert bert.post(path, json={"said": "no"}).status_code == 404
        for wrong in ({}, {"said": "yes"}, {"said": "yes", "rank": 9}, {"said": "x"}, {"said": "no", "more": 1}):
            assert anna.post(path, json=wrong).status_code == 400, wrong
        assert anna.post(path, json={"said": "nothing"}).json() == {"said": "nothing", "rank": None}
        assert rows(house) == []
