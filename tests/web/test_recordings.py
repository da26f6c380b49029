"""Recordings: listed, opened at a second, searched, taken away as text, removed."""

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.segment import Segment
from tests.web.house import WebHouse
from web.views.transcript import cut_lines, window


def test_a_link_with_a_second_opens_there(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    page = browser.get(f"/recordings/{recording_id}?t=16.25")

    assert f'src="/media/{recording_id}#t=16.25"' in page.text
    assert 'data-open-at="16.25"' in page.text
    assert "Your shift lead signs it before the shift ends." in page.text


@pytest.mark.parametrize(
    ("t", "opened"), [("0:16", "16"), ("1e99", "30"), ("-3", None), ("abc", None), ("nan", None), ("", None)]
)
def test_any_second_is_read_or_left_alone(browser: TestClient, house: WebHouse, t: str, opened: str | None) -> None:
    recording_id = house.add_recording()

    page = browser.get(f"/recordings/{recording_id}", params={"t": t})

    assert page.status_code == 200
    assert ("data-open-at" in page.text) == (opened is not None)
    if opened:
        assert f'data-open-at="{opened}"' in page.text


def test_finding_inside_marks_the_places_and_leaves_no_trace_in_the_address(
    browser: TestClient, house: WebHouse
) -> None:
    recording_id = house.add_recording()

    whole = browser.post(f"/recordings/{recording_id}/find", data={"wanted": "YELLOW form"})
    part = browser.post(f"/recordings/{recording_id}/find", data={"wanted": "pallet"}, headers={"hx-request": "true"})
    nothing = browser.post(f"/recordings/{recording_id}/find", data={"wanted": "parrot"})

    assert "<mark>yellow form</mark>" in whole.text
    assert "<html" in whole.text
    assert "<mark>pallet</mark>" in part.text
    assert "<html" not in part.text
    assert "is not in what was heard" in nothing.text


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("srt", "1\n00:00:01,000 --> 00:00:04,000\n"), ("vtt", "WEBVTT"), ("txt", "Welcome to the safety induction.\n")],
)
def test_the_transcript_can_be_taken_away(browser: TestClient, house: WebHouse, kind: str, beginning: str) -> None:
    recording_id = house.add_recording(name='evil"\nname\u202e.wav')

    reply = browser.get(f"/recordings/{recording_id}/transcript.{kind}")

    assert reply.status_code == 200
    assert reply.text.startswith(beginning)
    assert reply.headers["content-disposition"].startswith("attachment; filename*=UTF-8''evil%22%20name")


def test_a_transcript_of_another_kind_is_not_found(browser: TestClient, house: WebHouse) -> None:
    assert browser.get(f"/recordings/{house.add_recording()}/transcript.exe").status_code in (404, 422)


def test_the_lines_around_a_second_mark_the_answer(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    reply = browser.get(f"/recordings/{recording_id}/lines", params={"at": "10", "start": "10", "end": "15.5"})

    assert "<mark>You report a near miss the same day, on the yellow form.</mark>" in reply.text
    assert reply.text.count("<mark>") == 1


def test_in_a_long_silence_the_window_knows_that_speech_goes_on() -> None:
    lines = [line for at in (0.0, 3600.0) for line in cut_lines(Segment(at, at + 5, "we go on", "en"))]
    shown = window("r", lines, around_s=1800.0, before_s=90.0, after_s=510.0, span=None)
    assert (shown.lines, shown.more_before, shown.more_after) == ((), True, True)


def test_recordings_are_listed_by_course_and_by_page(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    house.add_recording(name="gdpr.wav", course="Data protection", duration_s=31)

    everything = browser.get("/recordings")
    course = next(one for one in browser.get("/api/v1/courses").json()["items"] if one["name"] == "Data protection")
    one_course = browser.get("/recordings", params={"course": course["id"], "page": 99})

    assert "safety induction" in everything.text
    assert "gdpr" in everything.text
    assert "safety induction" not in one_course.text
    assert "gdpr" in one_course.text
    assert browser.get("/recordings?course=made-up").status_code == 404


def test_removing_asks_first_and_then_is_at_once(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    assert "Yes, remove it" in browser.get(f"/recordings/{recording_id}").text

    reply = browser.post(f"/recordings/{recording_id}/remove")

    assert reply.status_code == 200
    assert "safety induction" not in reply.text
    assert browser.get(f"/recordings/{recording_id}").status_code == 410
    assert browser.post(f"/recordings/{recording_id}/remove").status_code == 410
    assert browser.get("/recordings/never-was").status_code == 404


def test_the_interface_speaks_chinese_by_switch_and_by_browser(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()

    assert "向录音提问" in browser.get("/", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    assert "Ask the recordings" in browser.get("/", headers={"accept-language": "de, en;q=0.5, zh;q=0.1"}).text
    back = browser.post("/language", data={"language": "zh", "back": "/recordings"})
    assert back.url.path == "/recordings"
    assert "个录音" in back.text
    assert 'lang="zh"' in back.text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "/\nevil", ""])
def test_the_switch_leads_nowhere_else(browser: TestClient, back: str) -> None:
    reply = browser.post("/language", data={"language": "zh", "back": back}, follow_redirects=False)

    assert reply.headers["location"] == "/"


def test_how_much_of_the_speech_gave_words_is_said(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    assert "of the speech" not in browser.get(f"/recordings/{recording_id}").text

    with house.database.write() as session:
        session.execute(update(RecordingRow).where(RecordingRow.id == recording_id).values(heard_share=0.976))

    assert "words in 98 % of the speech" in browser.get(f"/recordings/{recording_id}").text
    assert browser.get(f"/api/v1/recordings/{recording_id}").json()["heard_share"] == 0.976
    browser.cookies.set("earmark_language", "zh")
    assert "语音中 98 % 有文字" in browser.get(f"/recordings/{recording_id}").text
