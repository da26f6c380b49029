"""Uploads become recordings with a job; jobs show where they are, and can be stopped and tried again."""

import os
import shutil
import time

import pytest
from starlette.testclient import TestClient

from assistant.jobs.job import JobState, JobStep
from knowledge.database import utc_now
from tests.web.house import WebHouse, write_tone
from web.app import create_app

SRT = b"1\n00:00:00,000 --> 00:00:01,000\nHello\n"


@pytest.fixture
def tone(house: WebHouse) -> bytes:
    return write_tone(house.folder / "tone.wav", duration_s=0.5).read_bytes()


def test_an_upload_without_scripts_becomes_a_recording_with_a_job(
    browser: TestClient, house: WebHouse, tone: bytes
) -> None:
    page = browser.post("/recordings", files=[("file", ("talk.wav", tone))], data={"course": "Safety"})

    assert page.url.path == "/jobs"
    assert "talk.wav" in page.text
    assert "Safety" in page.text
    job = browser.get("/api/v1/jobs").json()["items"][0]
    assert job["state"] == "queued"
    kept = house.services.home / "files" / job["recording_id"] / "original"
    assert kept.read_bytes() == tone
    assert list((house.services.home / "run" / "uploads").iterdir()) == []


def test_texts_beside_go_with_the_recording_of_their_name(browser: TestClient, house: WebHouse, tone: bytes) -> None:
    browser.post(
        "/recordings",
        files=[
            ("file", ("Fire.wav", tone)),
            ("file", ("FIRE.srt", SRT)),
            ("file", ("lifting.wav", tone + b"\0\0")),
            ("file", ("lifting.txt", b"bend your knees")),
        ],
    )

    named = {one["recording"]: one["id"] for one in browser.get("/api/v1/recordings").json()["items"]}
    files = house.services.home / "files"
    assert (files / named["Fire.wav"] / "subtitles.srt").read_bytes() == SRT
    assert (files / named["lifting.wav"] / "script.txt").read_bytes() == b"bend your knees"
    assert not (files / named["lifting.wav"] / "subtitles.srt").exists()


@pytest.mark.parametrize(
    ("name", "text"), [("notes.txt", b"\xe9\x00"), ("notes.md", b"x" * 1_000_001), ("talk.srt", b"")]
)
def test_a_bad_text_is_refused_by_the_name_it_was_sent_under(
    browser: TestClient, tone: bytes, name: str, text: bytes
) -> None:
    reply = browser.post("/recordings", files=[("file", ("talk.wav", tone)), ("file", (name, text))])

    assert reply.status_code in (400, 422)
    assert f"{name}: " in reply.text


def test_a_lone_recording_takes_a_text_of_any_name(browser: TestClient, house: WebHouse, tone: bytes) -> None:
    browser.post("/recordings", files=[("file", ("a.wav", tone)), ("file", ("slides.md", b"# Near miss"))])

    recording = browser.get("/api/v1/recordings").json()["items"][0]
    assert (house.services.home / "files" / recording["id"] / "script.txt").exists()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("notes.txt", b"x")], "no recording was chosen"),
        ([("a.wav", b"x"), ("b.wav", b"y"), ("c.srt", SRT)], "c.srt: it is not clear which recording"),
        ([("a.wav", b"")], "a.wav: the file is empty"),
        ([], "no recording was chosen"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(
    browser: TestClient, files: list[tuple[str, bytes]], said: str
) -> None:
    sent = [("file", file) for file in files] or [("other", ("", b""))]

    page = browser.post("/recordings", files=sent)

    assert page.status_code in (400, 422)
    assert said in page.text
    assert browser.get("/api/v1/recordings").json()["items"] == []


def test_the_same_file_twice_says_that_it_is_there(browser: TestClient, tone: bytes) -> None:
    first = browser.post("/api/v1/recordings", files={"file": ("a.wav", tone)}).json()

    page = browser.post("/recordings", files=[("file", ("b.wav", tone))])
    by_program = browser.post("/api/v1/recordings", files={"file": ("b.wav", tone)})

    assert "is in this course already" in page.text
    assert by_program.status_code == 202
    assert by_program.json()["recording_id"] == first["recording_id"]
    assert by_program.json()["skipped"]


@pytest.mark.parametrize("name", ["../../evil.wav", "C:\\evil.wav", "a\nb.wav", "x" * 300 + ".wav", "<b>.wav", ".wav"])
def test_no_name_leads_anywhere(browser: TestClient, house: WebHouse, tone: bytes, name: str) -> None:
    before = {path for path in house.folder.rglob("*") if "home" not in path.parts[len(house.folder.parts) :][:1]}

    page = browser.post("/recordings", files=[("file", (name, tone))])

    assert page.status_code == 200
    after = {path for path in house.folder.rglob("*") if "home" not in path.parts[len(house.folder.parts) :][:1]}
    assert before == after
    assert len(list((house.services.home / "files").iterdir())) == 1


def test_too_large_a_body_is_stopped_whether_it_says_so_or_not(house: WebHouse) -> None:
    small = create_app(house.with_limits(max_upload_bytes=10_000))
    browser = TestClient(small, base_url="http://127.0.0.1", headers={"origin": "http://127.0.0.1"})
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + b"\0" * 50_000
        + b"\r\n--x--\r\n"
    )
    kind = {"content-type": "multipart/form-data; boundary=x"}

    declared = browser.post("/recordings", content=body, headers=kind)
    streamed = browser.post(
        "/recordings", content=iter([body[:9_000], body[9_000:20_000], body[20_000:]]), headers=kind
    )

    assert declared.status_code == 413
    assert streamed.status_code == 413
    assert "Too large" in streamed.text
    assert list((house.services.home / "run").rglob("*.wav")) == []
    assert browser.get("/api/v1/recordings").json()["items"] == []


def test_a_question_may_be_no_film(browser: TestClient) -> None:
    assert browser.post("/ask", files={"sound": ("film.mp4", b"\0" * 25_000_001)}).status_code == 413


def test_a_json_document_may_be_no_book(browser: TestClient) -> None:
    reply = browser.post("/api/v1/questions", json={"text": "x" * 100_000})

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_below_the_least_free_disk_uploads_stop_and_questions_go_on(house: WebHouse, tone: bytes) -> None:
    full = create_app(house.with_limits(least_free_bytes=10**18))
    browser = TestClient(full, base_url="http://127.0.0.1", headers={"origin": "http://127.0.0.1"})

    refused = browser.post("/recordings", files=[("file", ("a.wav", tone))])

    assert refused.status_code == 507
    assert "free some disk" in refused.text
    assert browser.post("/ask", data={"text": "near miss"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
        b"--y\r\n\r\n--y--",
        b"--x\r\nbroken header\r\n\r\nx\r\n--x--\r\n",
    ],
)
def test_a_broken_form_is_refused_and_leaves_nothing(browser: TestClient, house: WebHouse, body: bytes) -> None:
    reply = browser.post("/recordings", content=body, headers={"content-type": "multipart/form-data; boundary=x"})

    assert reply.status_code == 400
    assert not list((house.services.home / "run" / "uploads").iterdir())
    assert browser.get("/api/v1/recordings").json()["items"] == []


def test_a_form_that_breaks_off_in_its_second_file_takes_neither(
    browser: TestClient, house: WebHouse, tone: bytes
) -> None:
    opening = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = opening + tone + b"\r\n" + opening + b"half"

    reply = browser.post("/recordings", content=body, headers={"content-type": "multipart/form-data; boundary=x"})

    assert reply.status_code == 400
    assert browser.get("/api/v1/recordings").json()["items"] == []


@pytest.mark.parametrize("body", [b"text=" + b"x" * 300_000, b"&".join(b"a=b" for _ in range(200))])
def test_a_form_without_files_is_never_read_at_length(browser: TestClient, body: bytes) -> None:
    reply = browser.post("/recordings", content=body, headers={"content-type": "application/x-www-form-urlencoded"})

    assert reply.status_code == 400


def test_progress_is_shown_and_asked_for_again_while_something_runs(browser: TestClient, house: WebHouse) -> None:
    house.add_job(
        state=JobState.RUNNING, step=JobStep.RECOGNISING, done=2650.0, total=4325.0, timed_at=utc_now(), timed_from=0.0
    )

    page = browser.get("/jobs")

    assert "Writing down" in page.text
    assert "44:10 of 1:12:05" in page.text
    assert 'hx-trigger="every 1s, refresh"' in page.text


def test_a_page_at_rest_does_not_keep_asking(browser: TestClient, house: WebHouse) -> None:
    house.add_job(state=JobState.DONE)

    assert 'hx-trigger="refresh"' in browser.get("/jobs/list").text


def test_a_failure_shows_its_cause_and_its_way_out_and_can_be_tried_again(browser: TestClient, house: WebHouse) -> None:
    error = {"type": "bad-media", "detail": "welcome.mov: no sound track", "way_out": "export it with sound"}
    job_id = house.add_job(state=JobState.FAILED, name="welcome.mov", error=error)

    page = browser.get("/jobs")
    again = browser.post(f"/jobs/{job_id}/retry", headers={"hx-request": "true"})

    assert "welcome.mov: no sound track." in page.text
    assert "export it with sound" in page.text
    assert "waiting" in again.text
    assert house.job_state(job_id) is JobState.QUEUED


def test_a_waiting_job_can_be_cancelled_without_scripts(browser: TestClient, house: WebHouse) -> None:
    job_id = house.add_job(state=JobState.QUEUED)

    page = browser.post(f"/jobs/{job_id}/cancel")

    assert page.url.path == "/jobs"
    assert "cancelled" in page.text
    assert house.job_state(job_id) is JobState.CANCELLED


def test_a_job_that_is_not_there_is_not_found(browser: TestClient) -> None:
    assert browser.post("/jobs/none/cancel").status_code == 404
    assert browser.get("/api/v1/jobs/none").status_code == 404


def test_what_a_killed_server_left_half_received_is_swept(house: WebHouse) -> None:
    uploads = house.services.home / "run" / "uploads"
    for name, age_s in (("upload-old", 2 * 24 * 3600), ("upload-young", 60)):
        (uploads / name).mkdir(parents=True)
        os.utime(uploads / name, times=(time.time() - age_s,) * 2)

    create_app(house.services)

    assert [folder.name for folder in uploads.iterdir()] == ["upload-young"]


def test_an_upload_that_says_it_will_not_fit_is_refused_before_it_starts(house: WebHouse, tone: bytes) -> None:
    free = shutil.disk_usage(house.services.home).free
    tight = create_app(house.with_limits(least_free_bytes=free - 20_000, max_upload_bytes=10**12))
    browser = TestClient(tight, base_url="http://127.0.0.1", headers={"origin": "http://127.0.0.1"})

    assert browser.post("/recordings", files=[("file", ("a.wav", tone * 10))]).status_code == 507
