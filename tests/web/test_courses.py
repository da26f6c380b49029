"""Courses: what there is in each, and how each is heard from now on."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Course
from tests.web.house import WebHouse, trial_state


def course_of(house: WebHouse) -> Course:
    with house.database.read() as session:
        (course,) = recordings.list_courses(session)
    return course


@pytest.fixture
def several_languages(house: WebHouse) -> WebHouse:
    state = trial_state()
    house.engine.now = replace(state, recogniser=replace(state.recogniser, languages=frozenset({"en", "zh", "yue"})))
    house.add_recording()
    return house


def test_a_course_is_told_what_is_spoken_in_it(browser: TestClient, several_languages: WebHouse) -> None:
    course = course_of(several_languages)
    assert "How it is heard" in browser.get(f"/courses/{course.id}").text

    saved = browser.post(f"/courses/{course.id}", data={"language": "zh"})

    assert saved.url.path == f"/courses/{course.id}"
    assert "Saved. Recordings that come from now on are heard so." in saved.text
    assert '<option value="zh" selected>' in saved.text
    assert course_of(several_languages) == replace(course, language="zh", itn=False)
    document = browser.get("/api/v1/courses").json()["items"][0]
    assert (document["language"], document["itn"]) == ("zh", False)

    browser.post(f"/courses/{course.id}", data={"language": "", "itn": "yes"})
    assert course_of(several_languages) == course


@pytest.mark.parametrize("language", ["tlh", "../../etc", "<script>"])
def test_a_language_that_cannot_be_heard_is_refused(
    browser: TestClient, several_languages: WebHouse, language: str
) -> None:
    reply = browser.post(f"/courses/{course_of(several_languages).id}", data={"language": language})
    assert reply.status_code in (400, 422)
    assert "<script>'" not in reply.text
    assert course_of(several_languages).language is None


def test_where_there_is_one_language_only_nothing_is_to_be_chosen(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    assert "How it is heard" not in browser.get(f"/courses/{course_of(house).id}").text


def test_a_course_shows_its_recordings_and_leads_to_asking_it_alone(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    house.add_recording(course="Forklifts", name="forklifts.wav")
    with house.database.read() as session:
        forklifts = recordings.course_by_name(session, "Forklifts")
    assert forklifts is not None
    page = browser.get(f"/courses/{forklifts.id}").text
    assert "forklifts" in page
    assert "safety induction" not in page
    assert f'href="/?course={forklifts.id}"' in page
    assert f'<option value="{forklifts.id}" selected>' in browser.get(f"/?course={forklifts.id}").text


def test_where_nobody_signs_in_a_course_is_made_by_its_name_and_has_no_rights(
    browser: TestClient, house: WebHouse
) -> None:
    made = browser.post("/courses", data={"name": "Ladders"})
    assert made.url.path == f"/courses/{course_of(house).id}"
    assert "Where people sign in, a course can be closed" in made.text
    assert "Who may hear it" not in made.text
    assert browser.post(f"{made.url.path}/rights", data={"turn": "close"}).status_code == 404
    assert browser.post("/courses", data={"name": "ladders"}).status_code == 400
    renamed = browser.post(f"{made.url.path}/name", data={"name": "Ladders and steps"})
    assert "Ladders and steps" in renamed.text


def test_a_course_that_is_not_there_is_not_found(browser: TestClient) -> None:
    assert browser.get("/courses/nowhere").status_code == 404
    assert browser.post("/courses/nowhere", data={"language": "en"}).status_code == 404
    assert browser.post("/courses/nowhere/name", data={"name": "Mine"}).status_code == 404
