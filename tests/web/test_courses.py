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
    assert "How it is heard: Any language" in browser.get("/courses").text

    saved = browser.post(f"/courses/{course.id}", data={"language": "zh"})

    assert saved.url.path == "/courses"
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
    assert "How it is heard" not in browser.get("/courses").text


def test_a_course_that_is_not_there_is_not_found(browser: TestClient) -> None:
    assert browser.post("/courses/nowhere", data={"language": "en"}).status_code == 404
